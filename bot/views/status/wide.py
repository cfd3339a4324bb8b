"""``ps`` and ``nodes`` as wide tables, with the columns of Docker's own command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.domain.swarm.free_resources import free_on, running_on, usual_version
from bot.domain.swarm.image_name import read_image
from bot.domain.swarm.model import Node, NodeState, Resources, Service, StackLook, Task, TaskState
from bot.domain.swarm.task_list import grouped_tasks, judged_tasks
from bot.views.slack.table import Column, WideTable
from bot.views.slack.text import duration, line, plural

TASKS = (
    Column("NAME"),
    Column("IMAGE"),
    Column("NODE"),
    Column("DESIRED STATE"),
    Column("CURRENT STATE"),
    Column("ERROR"),
    Column("PORTS"),
)
NODES = (
    Column("ID"),
    Column("HOSTNAME"),
    Column("STATUS"),
    Column("AVAILABILITY"),
    Column("MANAGER STATUS"),
    Column("ENGINE VERSION"),
    Column("TASKS", right=True),
    Column("CPU FREE", right=True),
    Column("MEMORY FREE", right=True),
)
ID_LENGTH = 12
CORE = 10**9
GIB = 2**30


def task_table(look: StackLook, only: Service | None = None) -> WideTable:
    """All tasks of the look, or those of one of its services, in the order of the list."""
    services = {service.id: service for service in (look.services if only is None else [only])}
    hosts = {node.id: node.hostname or node.id for node in look.nodes}
    judged = judged_tasks(services.values(), look.tasks, look.nodes)
    groups = grouped_tasks(services.values(), judged, look.nodes, together=0)
    tasks = [task for group in groups for task in group.tasks]
    rows = [_task(task, services[task.service_id], hosts, look.at) for task in tasks]
    name = (only.name if only else look.stack) or "the swarm"
    return WideTable(f"*{line(name, 63)}*: {plural(len(rows), 'task')}", TASKS, rows)


def node_table(nodes: Sequence[Node], tasks: Sequence[Task], own: str) -> WideTable:
    """The nodes. ``tasks`` are all with desired state running; ``own`` is the bot's node id."""
    usual = usual_version(nodes)
    there: dict[str, list[Task]] = {}
    for task in tasks:
        there.setdefault(task.node_id, []).append(task)
    rows = [_node(node, there.get(node.id, ()), own, usual) for node in nodes]
    note = " `*` is the bot's node." if any(node.id == own for node in nodes) else ""
    return WideTable(f"*{plural(len(rows), 'node')}*.{note}", NODES, rows)


def _task(task: Task, service: Service, hosts: Mapping[str, str], now: float) -> tuple[str, ...]:
    node = hosts.get(task.node_id, task.node_id)
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


def _node(node: Node, tasks: Sequence[Task], own: str, usual: str) -> tuple[str, ...]:
    free = free_on(node, tasks)
    other = node.engine_version and node.engine_version != usual
    lost = node.state is NodeState.DOWN
    return (
        f"{node.id[:ID_LENGTH]}{' *' if node.id == own else ''}",
        node.hostname,
        node.state.value.title(),
        node.availability.value.title(),
        node.manager.title(),
        f"{node.engine_version}{' !' if other else ''}",
        str(running_on(node, tasks)),
        "" if lost else _cpus(free, node.resources),
        "" if lost else _memory(free, node.resources),
    )


def _word(state: TaskState) -> str:
    return state.name.title()


def _cpus(free: Resources, all_there_is: Resources) -> str:
    return f"{free.nano_cpus / CORE:.1f} of {all_there_is.nano_cpus / CORE:g}"


def _memory(free: Resources, all_there_is: Resources) -> str:
    return f"{free.memory / GIB:.1f} of {all_there_is.memory / GIB:.1f} GiB"
