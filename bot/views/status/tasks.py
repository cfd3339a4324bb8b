"""The tasks of a stack or a service as lines for a phone: trouble first, old failures last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from bot.domain.commands.names import exact_name, typed_name
from bot.domain.operations.node_names import ShortNames
from bot.domain.swarm.causes import Cause, CauseKind
from bot.domain.swarm.model import Service, StackLook, Task, TaskState
from bot.domain.swarm.task_list import (
    Standing,
    TaskGroup,
    grouped_tasks,
    judged_tasks,
    missing_tasks,
)
from bot.domain.text.message import Message
from bot.views.slack.blocks import context, fits, packed
from bot.views.slack.phone import INDENT, LINE, displayed, fitting, joined
from bot.views.slack.text import age, line, slack_time
from bot.views.status.trouble import told_apart
from bot.views.words import BAD, COMING, GOOD, LEAVING, SHORT_CAUSES, UPDATES

NAME_LENGTH = 63
ERROR_LENGTH = 160
WIDE_LENGTH = 100
TOGETHER = 3
"""More running tasks of one service are one line, unless the list is about that service."""
LINES = (60, 40, 20, 5)
"""The first number of lines that fits is used."""
SLOTS = 60
"""The list of one service has a line for each of that many tasks."""
TIMES = "\u00d7"
MOST_NODES = 20
NODE = "\0node"
LEAST_NODE = 5
"""A node's name is cut to that many characters at the least."""
KEPT_FIRST = (
    Standing.TROUBLE,
    Standing.STARTING,
    Standing.FORMER,
    Standing.STOPPING,
    Standing.FAILED,
    Standing.RUNNING,
    Standing.ENDED,
)
"""What is left out last, where not all lines fit."""
STATES = {Standing.FORMER: "old version {}", Standing.STOPPING: "stopping"}
LEFT_OUT = {
    Standing.TROUBLE: "in trouble",
    Standing.STARTING: "starting",
    Standing.FORMER: "of an old version",
    Standing.STOPPING: "stopping",
    Standing.RUNNING: "running",
    Standing.FAILED: "failed",
    Standing.ENDED: "ended",
}
SIGNS = {
    Standing.TROUBLE: BAD,
    Standing.STARTING: COMING,
    Standing.FORMER: COMING,
    Standing.STOPPING: LEAVING,
    Standing.RUNNING: GOOD,
    Standing.FAILED: BAD,
    Standing.ENDED: LEAVING,
}


def tasks_message(
    look: StackLook, only: Service | None = None, *, wide: str = "/orochi ps --wide"
) -> Message:
    """All tasks of the look, or those of one of its services, slot by slot.

    ``wide`` is the command that shows them as a table.
    """
    services = look.services if only is None else (only,)
    name = line(only.name if only else look.stack, NAME_LENGTH) or "the swarm"
    lines = _Lines(look, services, alone=only is not None)
    if lines.empty:
        return Message(f"No tasks of *{name}*.", tuple(packed([f"No tasks of *{name}*."])))
    title = f"*{name}*: {lines.counted}"
    small = context(f"As of {slack_time(look.at)} · `{line(wide, WIDE_LENGTH)}` shows all")
    made = ([*packed([title, *each]), small] for each in lines.forms())
    blocks = next((each for each in made if fits(each)), [*packed([title]), small])
    return Message(title, tuple(blocks))


class _Lines:
    """The lines for the tasks of one look; ``alone`` if they are of one service."""

    def __init__(self, look: StackLook, services: Sequence[Service], *, alone: bool) -> None:
        self._look = look
        self._services = services
        self._alone = alone
        self._names = ShortNames(look.nodes)
        self._tasks = judged_tasks(services, look.tasks, look.nodes)
        self._missing = missing_tasks(services, self._tasks, look)
        self._merged = self._groups(0)

    @property
    def empty(self) -> bool:
        """Whether there are no tasks, and should be none."""
        return not self._missing and not self._tasks

    @property
    def counted(self) -> str:
        """How many tasks run of those that should."""
        counts: Counter[Standing] = Counter()
        for group in self._merged:
            counts[group.standing] += len(group.tasks)
        running = counts[Standing.RUNNING] + counts[Standing.FORMER]
        present = running + counts[Standing.TROUBLE] + counts[Standing.STARTING]
        wanted = present + sum(self._missing.values())
        return f"{running}/{wanted} tasks running" if wanted else "nothing runs"

    def forms(self) -> Iterator[list[str]]:
        """The lines in all forms, the most detailed first. What is left out is counted."""
        if self._alone:
            groups = self._groups(SLOTS, apart=True)
            if len(groups) <= SLOTS:
                yield self._of(groups, SLOTS)
        room = LINES[0] - len(self._missing)
        if len(self._merged) <= room and len(groups := self._groups(TOGETHER)) <= room:
            yield self._of(groups, LINES[0])
        for most in LINES:
            yield self._of(self._merged, most)

    def _groups(self, together: int, *, apart: bool = False) -> tuple[TaskGroup, ...]:
        nodes = self._look.nodes
        return grouped_tasks(self._services, self._tasks, nodes, together=together, apart=apart)

    def _of(self, groups: Sequence[TaskGroup], most: int) -> list[str]:
        missing = [each for each in self._services if each.id in self._missing][:most]
        kept, cut = _kept(groups, most - len(missing))
        errors = told_apart([((each.standing, _service_id(each)), each.cause) for each in kept])
        shown = [(each, self._shown(each, error)) for each, error in zip(kept, errors, strict=True)]
        present = [self._absent(each) for each in missing]
        present += [text for each, text in shown if not each.standing.is_over]
        past = [text for each, text in shown if each.standing.is_over]
        heading = ["*Before:*"] if present and past else []
        left = Counter(LEFT_OUT[each.standing] for each in cut for _ in each.tasks)
        told = sum(self._missing[each.id] for each in missing)
        left["missing"] = sum(self._missing.values()) - told
        words = ", ".join(f"{count} {word}" for word, count in left.most_common() if count)
        rest = [f"and {left.total()} more: {words}"] if words else []
        return [*present, *heading, *past, *rest]

    def _absent(self, service: Service) -> str:
        """The line for tasks that should be there, and are not."""
        start = joined(
            f"{BAD} {line(self._typed(service), NAME_LENGTH)}",
            f"{self._missing[service.id]} missing",
        )
        return fitting(joined(start, UPDATES.get(service.update, "")), start)

    def _shown(self, group: TaskGroup, error: str) -> str:
        """The line of a group; for one service alone also the error, if it is not an exit."""
        sign = SIGNS[group.standing]
        text = fitting(*(f"{sign} {joined(*parts)}" for parts in self._forms(group)))
        cause = group.cause
        if self._alone:
            told = cause is not None and cause.kind is not CauseKind.EXIT_CODE
            error = line(cause.raw, ERROR_LENGTH) if cause and told else ""
        return f"{text}\n{INDENT}{error}" if error else text

    def _forms(self, group: TaskGroup) -> Iterator[tuple[str, ...]]:
        """The parts of the line, in forms that get shorter.

        A node's name is cut before something else is left out. It alone tells tasks of a global
        service apart: those have it in each form, unless they have ended.
        """
        name = self._where(group)
        where = line(name, NAME_LENGTH)
        is_global = group.service is not None and group.service.mode.is_global
        forms = list(self._parts(group))
        placed = [each for each in forms if NODE in each]
        for _, alike in groupby(placed, key=len):
            same = list(alike)
            yield from (_with_node(each, where) for each in same)
            if len(group.nodes) == 1:
                yield _with_node(same[-1], self._short(name, same[-1]))
        if not placed or not (is_global and len(group.nodes) == 1):
            yield from (each for each in forms if NODE not in each)

    def _short(self, name: str, form: Sequence[str]) -> str:
        """The end of a node's name, or its beginning if others end like it."""
        others = [
            each for each in (self._names.of(node.id) for node in self._look.nodes) if each != name
        ]
        used = displayed(f"{BAD} {joined(*_with_node(form, '…'))}") - 1
        room = max(LINE - used, LEAST_NODE) - 1
        if len(name) <= room + 1:
            return line(name, NAME_LENGTH)
        end, start = name[-room:], name[:room]
        if not any(each.endswith(end) for each in others):
            return line(f"…{end}", NAME_LENGTH)
        unlike = not any(each.startswith(start) for each in others)
        return line(f"{start}…" if unlike else name, NAME_LENGTH)

    def _parts(self, group: TaskGroup) -> Iterator[tuple[str, ...]]:
        """The parts of the line; NODE is in the place of the nodes."""
        name, since = self._name(group), self._age(group.newest)
        why, ago = self._why(group), f"{since} ago" if since else ""
        word = group.newest.state.name.lower()
        state = f"{word} {since}".rstrip()
        match group.standing:
            case Standing.ENDED:
                yield name, _ended(group), f"last {ago}" if ago else ""
            case Standing.FAILED:
                yield from _failed(name, why, ago, len(group.tasks))
            case Standing.TROUBLE if len(group.tasks) > 1 or group.newest.state.over:
                yield from _failed(name, why, ago, len(group.tasks))
            case Standing.TROUBLE if group.cause and group.cause.kind is CauseKind.NODE_DOWN:
                yield name, NODE, why
                yield name, why
            case Standing.TROUBLE:
                yield name, NODE, state, why
                yield name, NODE, why
                yield name, state, why
                yield name, why, since
            case Standing.RUNNING if len(group.tasks) > 1:
                yield name, f"{len(group.tasks)} running", NODE
                yield name, f"{len(group.tasks)} running", f"on {len(group.nodes)} nodes"
            case _:
                shown = STATES.get(group.standing, state).format(since).rstrip()
                yield name, NODE, shown
                yield name, NODE, STATES.get(group.standing, word).format("").rstrip()
                yield name, shown

    def _why(self, group: TaskGroup) -> str:
        cause = group.cause
        if cause is None:
            return group.newest.state.name.lower()
        return short_cause(cause)

    def _name(self, group: TaskGroup) -> str:
        """``worker01.2``; without the slot for tasks of several slots and of global services."""
        slots = {task.slot for task in group.tasks}
        slot = f".{group.newest.slot}" if len(slots) == 1 and group.newest.slot else ""
        return line(f"{self._typed(group.service)}{slot}" if group.service else "", NAME_LENGTH)

    def _typed(self, service: Service) -> str:
        """The name; with a slash if it is in no stack, and a service of one has the same name."""
        stack, services = self._look.stack, self._services
        taken = not service.stack and any(
            each.stack and each.short_name == service.name for each in services
        )
        return exact_name(service) if taken else typed_name(service, stack)

    def _where(self, group: TaskGroup) -> str:
        return " ".join(sorted(self._names.of(each) for each in group.nodes[:MOST_NODES]))

    def _age(self, task: Task) -> str:
        return age(max(self._look.at - task.since, 0.0)) if task.since else ""


def _kept(
    groups: Sequence[TaskGroup], most: int
) -> tuple[Sequence[TaskGroup], Sequence[TaskGroup]]:
    """The groups that are shown, at most that many, and the others; both in their order."""
    by_weight = sorted(range(len(groups)), key=lambda i: KEPT_FIRST.index(groups[i].standing))
    kept, cut = sorted(by_weight[: max(most, 0)]), sorted(by_weight[max(most, 0) :])
    return [groups[i] for i in kept], [groups[i] for i in cut]


def _service_id(group: TaskGroup) -> str:
    return group.service.id if group.service else ""


def _with_node(form: Sequence[str], where: str) -> tuple[str, ...]:
    return tuple(where if each == NODE else each for each in form)


def _failed(name: str, why: str, ago: str, count: int) -> Iterator[tuple[str, ...]]:
    if count == 1:
        yield name, NODE, f"failed {ago}" if ago else "", why
        yield name, NODE, why, ago
        yield name, NODE, why
        yield name, why, ago
        return
    times = f"{count} {TIMES} {why}"
    last = f"{times}, last {ago}" if ago else times
    yield name, NODE, last
    yield name, NODE, times, ago
    yield name, last
    yield name, times, ago


def _ended(group: TaskGroup) -> str:
    completed = group.newest.state is TaskState.COMPLETE
    return f"{len(group.tasks)} {'completed' if completed else 'shut down'}"


def short_cause(cause: Cause) -> str:
    """A cause in a word or three: ``exit 1``, ``mount error``."""
    if cause.kind is CauseKind.EXIT_CODE and cause.exit_code is not None:
        return f"exit {cause.exit_code}"
    return SHORT_CAUSES[cause.kind]
