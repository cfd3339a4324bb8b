"""The tasks of a stack as in ``docker stack ps``, failed ones first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from bot.domain.swarm.image_name import read_image
from bot.domain.swarm.model import Service, StackLook, Task, TaskState
from bot.domain.text.message import Message
from bot.views.slack.blocks import MOST_BYTES, context, section, size
from bot.views.slack.table import MORE_BYTES, Column, table
from bot.views.slack.text import duration, line, plural, slack_time

COLUMNS = (
    Column("NAME", 40),
    Column("IMAGE", 50),
    Column("NODE", 30),
    Column("DESIRED STATE", 13),
    Column("CURRENT STATE", 34),
    Column("ERROR", 80),
    Column("PORTS", 30),
)
BROKEN = frozenset({TaskState.FAILED, TaskState.REJECTED, TaskState.ORPHANED})
MOST_STATES = 6
MOST_ROWS = MOST_BYTES // 30
"""More rows never fit into a message: the headings alone make each wider."""

Nodes = Mapping[str, str]
"""Hostnames by the nodes' ids."""


def tasks_message(look: StackLook, only: Service | None = None) -> Message:
    """All tasks of the look, or those of one of its services."""
    services = {service.id: service for service in (look.services if only is None else [only])}
    tasks = [task for task in look.tasks if task.service_id in services]
    title = _title(look, only, tasks)
    if not tasks:
        return Message(title, (section(title),))
    nodes = {node.id: node.hostname or node.id for node in look.nodes}
    tasks.sort(key=lambda task: _order(task, services[task.service_id], nodes))
    rows = [_row(task, services[task.service_id], nodes, look.at) for task in tasks[:MOST_ROWS]]
    head, small = section(title), context(f"As of {slack_time(look.at)}")
    room = MOST_BYTES - size([head, small]) - MORE_BYTES
    shown = table(COLUMNS, rows, room)
    rest = tasks[shown.shown :]
    more = [section(f"and {_counted(rest)}")] if rest else []
    return Message(title, (head, *shown.blocks, *more, small))


def _title(look: StackLook, only: Service | None, tasks: Sequence[Task]) -> str:
    name = line(only.name if only else look.stack, 63) or "the swarm"
    if not tasks:
        return f"No tasks of *{name}*."
    failed = sum(task.state in BROKEN for task in tasks)
    broken = f", {failed} of them failed" if failed else ""
    return f"*{name}*: {plural(len(tasks), 'task')}{broken}"


def _order(task: Task, service: Service, nodes: Nodes) -> tuple[int, str, int, str, float]:
    """The sort key: failed, starting, running, ended; then by name, the newest of a slot first."""
    if task.state in BROKEN:
        rank = 0
    elif task.state < TaskState.RUNNING:
        rank = 1
    else:
        rank = 2 if task.state is TaskState.RUNNING else 3
    return rank, service.name, task.slot, nodes.get(task.node_id, ""), -task.created


def _row(task: Task, service: Service, nodes: Nodes, now: float) -> tuple[str, ...]:
    node = nodes.get(task.node_id, task.node_id)
    place = str(task.slot) if task.slot else node or task.id
    since = f" {duration(max(now - task.since, 0.0))} ago" if task.since else ""
    return (
        f"{service.name}.{place}",
        read_image(task.image or service.image).unpinned,
        node,
        _word(task.desired),
        f"{_word(task.state)}{since}",
        task.err,
        ", ".join(f"*:{port}" for port in task.host_ports),
    )


def _word(state: TaskState) -> str:
    return state.name.title()


def _counted(tasks: Sequence[Task]) -> str:
    """``40 more: 38 running, 2 shutdown``."""
    counts = Counter(task.state.name.lower() for task in tasks)
    each = ", ".join(f"{count} {state}" for state, count in counts.most_common(MOST_STATES))
    return f"{len(tasks)} more: {each}"
