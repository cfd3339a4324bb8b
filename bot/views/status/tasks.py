"""The tasks of a stack or a service as lines for a phone: trouble first, old failures last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from bot.domain.commands.names import typed_name
from bot.domain.operations.node_names import ShortNames
from bot.domain.swarm.causes import Cause, CauseKind
from bot.domain.swarm.model import Service, StackLook, Task, TaskState
from bot.domain.swarm.task_list import Standing, TaskGroup, grouped_tasks
from bot.domain.text.message import Message
from bot.views.slack.blocks import context, fits, packed
from bot.views.slack.phone import INDENT, fitting, joined
from bot.views.slack.text import age, line, slack_time
from bot.views.words import BAD, COMING, GOOD, LEAVING, SHORT_CAUSES

NAME_LENGTH = 63
ERROR_LENGTH = 160
WIDE_LENGTH = 100
TOGETHER = 3
"""More running tasks of one service are one line, unless the list is about that service."""
FORMS = ((60, TOGETHER), (60, 0), (40, 0), (20, 0), (5, 0))
"""Lines, and running tasks of a service that are listed; the first that fits is used."""
SLOTS = 60
"""The list of one service has a line for each of that many tasks."""
TIMES = "\u00d7"
MOST_NODES = 20
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
    known = {service.id for service in services}
    if not any(task.service_id in known for task in look.tasks):
        return Message(f"No tasks of *{name}*.", tuple(packed([f"No tasks of *{name}*."])))
    title = f"*{name}*: {_counted(look, services)}"
    lines = _Lines(look, services, alone=only is not None)
    small = context(f"As of {slack_time(look.at)} · `{line(wide, WIDE_LENGTH)}` shows all")
    made = ([*packed([title, *each]), small] for each in lines.forms())
    blocks = next((each for each in made if fits(each)), [*packed([title]), small])
    return Message(title, tuple(blocks))


def _counted(look: StackLook, services: Sequence[Service]) -> str:
    """How many tasks run of those that should."""
    counts: Counter[Standing] = Counter()
    for group in grouped_tasks(services, look.tasks, look.nodes, together=0):
        counts[group.standing] += len(group.tasks)
    running = counts[Standing.RUNNING] + counts[Standing.FORMER]
    wanted = running + counts[Standing.TROUBLE] + counts[Standing.STARTING]
    return f"{running}/{wanted} tasks running" if wanted else "nothing runs"


class _Lines:
    """The lines for the tasks of one look; ``alone`` if they are of one service."""

    def __init__(self, look: StackLook, services: Sequence[Service], *, alone: bool) -> None:
        self._look = look
        self._services = services
        self._alone = alone
        self._names = ShortNames(look.nodes)

    def forms(self) -> Iterator[list[str]]:
        """The lines in all forms, the most detailed first. What is left out is counted."""
        if self._alone:
            groups = self._groups(SLOTS, apart=True)
            if len(groups) <= SLOTS:
                yield self._of(groups, SLOTS)
        for most, together in FORMS:
            yield self._of(self._groups(together), most)

    def _groups(self, together: int, *, apart: bool = False) -> tuple[TaskGroup, ...]:
        look = self._look
        return grouped_tasks(self._services, look.tasks, look.nodes, together=together, apart=apart)

    def _of(self, groups: Sequence[TaskGroup], most: int) -> list[str]:
        present = [self._shown(each) for each in groups[:most] if not each.standing.is_over]
        past = [self._shown(each) for each in groups[:most] if each.standing.is_over]
        heading = ["*Before:*"] if present and past else []
        left = Counter(LEFT_OUT[each.standing] for each in groups[most:] for _ in each.tasks)
        words = ", ".join(f"{count} {word}" for word, count in left.most_common())
        rest = [f"and {left.total()} more: {words}"] if left else []
        return [*present, *heading, *past, *rest]

    def _shown(self, group: TaskGroup) -> str:
        """The line of a group; for one service alone also the error, if it is not an exit."""
        sign = SIGNS[group.standing]
        text = fitting(*(f"{sign} {joined(*parts)}" for parts in self._parts(group)))
        cause = group.cause
        if cause is None or not self._alone or cause.kind is CauseKind.EXIT_CODE:
            return text
        error = line(cause.raw, ERROR_LENGTH)
        return f"{text}\n{INDENT}{error}" if error else text

    def _parts(self, group: TaskGroup) -> Iterator[tuple[str, ...]]:
        """The parts of the line, in forms that get shorter."""
        name, where, since = self._name(group), self._where(group), self._age(group.newest)
        why, ago = self._why(group), f"{since} ago" if since else ""
        state = f"{group.newest.state.name.lower()} {since}".rstrip()
        match group.standing:
            case Standing.ENDED:
                yield name, _ended(group), f"last {ago}" if ago else ""
            case Standing.FAILED:
                yield from _failed(name, where, why, ago, len(group.tasks))
            case Standing.TROUBLE if len(group.tasks) > 1 or group.newest.state.over:
                yield from _failed(name, where, why, ago, len(group.tasks))
            case Standing.TROUBLE if group.cause and group.cause.kind is CauseKind.NODE_DOWN:
                yield name, where, why, since
                yield name, why, since
            case Standing.TROUBLE:
                yield name, where, state, why
                yield name, state, why
                yield name, why, since
            case Standing.RUNNING if len(group.tasks) > 1:
                count = len(group.nodes)
                yield name, f"{len(group.tasks)} running", where
                yield name, f"{len(group.tasks)} running", f"on {count} nodes"
            case _:
                shown = STATES.get(group.standing, state).format(since).rstrip()
                yield name, where, shown
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
        name = typed_name(group.service, self._look.stack) if group.service else ""
        return line(f"{name}{slot}", NAME_LENGTH)

    def _where(self, group: TaskGroup) -> str:
        names = sorted(self._names.of(each) for each in group.nodes[:MOST_NODES])
        return line(" ".join(names), NAME_LENGTH)

    def _age(self, task: Task) -> str:
        return age(max(self._look.at - task.since, 0.0)) if task.since else ""


def _failed(name: str, where: str, why: str, ago: str, count: int) -> Iterator[tuple[str, ...]]:
    if count == 1:
        yield name, where, f"failed {ago}" if ago else "", why
        yield name, where, why, ago
        yield name, why, ago
        return
    times = f"{count} {TIMES} {why}"
    last = f"{times}, last {ago}" if ago else times
    yield name, where, last
    yield name, where, times, ago
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
