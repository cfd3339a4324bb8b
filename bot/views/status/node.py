"""One node in detail: its state, resources and tasks, and what fails there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from bot.domain.commands.names import form_of
from bot.domain.swarm.causes import CauseKind, human_bytes
from bot.domain.swarm.free_resources import free_on
from bot.domain.swarm.model import Node, NodeState, Service, StackLook, Task, TaskState
from bot.domain.swarm.node_tasks import NodeFailure, NodeTasks, tasks_of_node
from bot.domain.text.message import Message
from bot.views.slack.blocks import context, fits, header, packed
from bot.views.slack.phone import INDENT
from bot.views.slack.text import duration, line, plural, slack_time
from bot.views.status.trouble import told_apart
from bot.views.words import BAD, CAUSES, COMING, GOOD, LEAVING

CORE = 10**9
NAME_LENGTH = 63
MOST_TEXT = 3000
Names = Callable[[Service], str]
"""The name by which a service is typed in the channel."""
COUNTS = ((20, 10, 12), (20, 5, 6), (10, 3, 3), (5, 1, 0))
"""Tasks, failures and labels that are shown; the first that fits is used."""


def node_message(
    look: StackLook, node: Node, own: str, stack: str = "", command: str = "/orochi"
) -> Message:
    """A node of the swarm at ``look.at``; ``look`` is of all stacks.

    ``own`` is the id of the bot's node, ``stack`` the one that the channel is about.
    """
    there = tasks_of_node(node.id, look.services, look.tasks)

    def names(service: Service) -> str:
        return form_of(service, stack, look.services)

    title = f"{node.hostname}: {_state(node)}"
    small = context(f"As of {slack_time(look.at)} · `{line(command, 30)} nodes` lists all")
    made = (
        [
            header(f"{_sign(node)} {title}"),
            *packed(
                [
                    *_about(node, own, labels),
                    *_resources(node, look),
                    *_failures(there, failures, look.at, names),
                    *_tasks(there, tasks, look.at, names, down=node.state is NodeState.DOWN),
                ]
            ),
            small,
        ]
        for tasks, failures, labels in COUNTS
    )
    blocks = next((each for each in made if fits(each)), [header(title), small])
    return Message(line(title, MOST_TEXT), tuple(blocks))


def _state(node: Node) -> str:
    return f"{node.state.value}, {node.availability.value}"


def _sign(node: Node) -> str:
    if node.state is not NodeState.READY:
        return BAD
    return GOOD if node.usable else LEAVING


def _about(node: Node, own: str, most: int) -> Iterator[str]:
    role = f"{node.role} ({node.manager})" if node.manager else node.role
    yield f"{line(role, 40)} · `{line(node.id, 40)}`{' · the bot runs here' * (node.id == own)}"
    platform = "/".join(filter(None, (node.platform.os, node.platform.arch)))
    engine = f"engine {node.engine_version}" if node.engine_version else ""
    parts = [line(each, 60) for each in (engine, platform, node.address) if each]
    if parts:
        yield " · ".join(parts)
    if node.message and node.state is not NodeState.READY:
        yield f"The swarm says: {line(node.message, 200)}"
    yield from _labels(node.labels, most)


def _labels(labels: Mapping[str, str], most: int) -> Iterator[str]:
    if not labels:
        yield "No labels"
        return
    shown = [line(f"{name}={labels[name]}", 80) for name in sorted(labels)[:most]]
    left = len(labels) - len(shown)
    more = f"and {left} more" if left else ""
    yield f"Labels: {', '.join(filter(None, [*shown, more]))}"


def _resources(node: Node, look: StackLook) -> Iterator[str]:
    if node.state is NodeState.DOWN:
        return
    wanted = [task for task in look.tasks if task.desired <= TaskState.COMPLETE]
    free, total = free_on(node, wanted), node.resources
    cpus = (total.nano_cpus - free.nano_cpus, free.nano_cpus)
    memory = (total.memory - free.memory, free.memory)
    yield "CPU: {:g} reserved, {:g} free".format(*(round(each / CORE, 2) for each in cpus))
    yield "Memory: {} reserved, {} free".format(*map(human_bytes, memory))


def _failures(there: NodeTasks, most: int, now: float, names: Names) -> Iterator[str]:
    if not there.failures:
        return
    yield "*Fails here:*"
    shown = there.failures[:most]
    told = told_apart([(each.service.id, each.cause) for each in shown])
    for failure, error in zip(shown, told, strict=True):
        yield _failure(failure, now, names)
        if error:
            yield f"{INDENT}{error}"
    if (left := len(there.failures) - most) > 0:
        yield f"and {plural(left, 'more cause')}"


def _failure(failure: NodeFailure, now: float, names: Names) -> str:
    cause = failure.cause
    by_code = cause.kind is CauseKind.EXIT_CODE and cause.exit_code is not None
    why = f"exit {cause.exit_code}" if by_code else CAUSES[cause.kind]
    name = line(names(failure.service), NAME_LENGTH)
    ago = f"{duration(max(now - failure.last, 0.0))} ago"
    if failure.count == 1:
        return f"{BAD} {name} · {why} · {ago}"
    return f"{BAD} {name} · {why} · {failure.count} times, last {ago}"


def _tasks(there: NodeTasks, most: int, now: float, names: Names, *, down: bool) -> Iterator[str]:
    if not there.alive:
        yield "No tasks run here."
    else:
        yield f"*{plural(len(there.alive), 'task')}:*"
    for service, task in there.alive[:most]:
        yield _task(service, task, now, names, down=down)
    rest = Counter(task.state.name.lower() for _, task in there.alive[most:])
    rest["ended"] = there.ended
    counted = ", ".join(f"{count} {state}" for state, count in rest.most_common() if count)
    if counted:
        yield f"and {counted}"


def _task(service: Service, task: Task, now: float, names: Names, *, down: bool) -> str:
    name = f"{names(service)}{f'.{task.slot}' if task.slot else ''}"
    leaves = task.desired > TaskState.COMPLETE
    state = task.state.name.lower() + ", stopping" * leaves
    if down:
        return f"{LEAVING if leaves else BAD} {line(name, NAME_LENGTH)} · last seen {state}"
    sign = LEAVING if leaves else GOOD if task.state is TaskState.RUNNING else COMING
    since = f" · {duration(max(now - task.since, 0.0))}" if task.since else ""
    return f"{sign} {line(name, NAME_LENGTH)} · {state}{since}"
