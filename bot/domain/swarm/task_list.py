"""The tasks of services for a list: what runs or should run first, trouble first among it.

Equal failures are one group: those of one service with one cause and one error, whatever their
slots and nodes are. Tasks that run well may be one group as well. Each task is in one group.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from bot.domain.swarm.causes import Cause, CauseKind, classify, short_error
from bot.domain.swarm.health import examine_service
from bot.domain.swarm.model import Node, Service, StackLook, Task, TaskState
from bot.domain.swarm.placement import eligible_nodes
from bot.domain.swarm.slots import is_former, last_wanted, may_complete, up_nodes

_IDS = re.compile(r"[0-9a-f]{12,}")
_BROKEN = frozenset({TaskState.FAILED, TaskState.REJECTED, TaskState.ORPHANED})


class Standing(IntEnum):
    """What a task is to its service, in the order of the list."""

    TROUBLE = 0
    """It should run, and does not because of an error or of its node."""
    STARTING = 1
    FORMER = 2
    """It runs, with an older version of its service."""
    STOPPING = 3
    RUNNING = 4
    FAILED = 5
    """It failed, and is replaced or no longer wanted."""
    ENDED = 6

    @property
    def is_over(self) -> bool:
        """Whether it is about the past."""
        return self >= Standing.FAILED


_PRESENT = frozenset({Standing.TROUBLE, Standing.STARTING, Standing.FORMER, Standing.RUNNING})


@dataclass(frozen=True, slots=True)
class TaskGroup:
    """Tasks that share a line, the newest first.

    ``cause`` is why the newest one failed or cannot start, None if nothing is wrong. ``service`` is
    None if they are of several.
    """

    standing: Standing
    tasks: tuple[Task, ...]
    service: Service | None
    cause: Cause | None = None

    @property
    def newest(self) -> Task:
        """The task that reached its state last."""
        return self.tasks[0]

    @property
    def nodes(self) -> tuple[str, ...]:
        """The ids of the nodes, each once."""
        return tuple(dict.fromkeys(task.node_id for task in self.tasks if task.node_id))


def grouped_tasks(
    services: Iterable[Service],
    tasks: Iterable[Task],
    nodes: Sequence[Node],
    *,
    together: int,
    apart: bool = False,
) -> tuple[TaskGroup, ...]:
    """The groups in the order of the list; tasks of other services are left out.

    More than ``together`` running tasks of one service are one group. With ``apart``, each task
    that should run is alone, in the order of slots.
    """
    known = {service.id: service for service in services}
    hosts = {node.id: node.hostname for node in nodes}
    up = up_nodes(nodes)
    groups: dict[tuple[object, ...], list[tuple[Task, Cause | None]]] = {}
    for task in sorted(tasks, key=lambda each: -each.since):
        if task.service_id not in known:
            continue
        standing, cause = _standing(task, known[task.service_id], up)
        key = _key(standing, task, cause, alone=apart and not standing.is_over)
        groups.setdefault(key, []).append((task, cause))
    made = [_group(known, members, up) for members in groups.values()]
    made = [part for group in made for part in _split(group, together)]
    return tuple(sorted(made, key=lambda each: _order(each, hosts, apart=apart)))


def missing_tasks(services: Iterable[Service], look: StackLook) -> dict[str, int]:
    """How many tasks of services do not exist although they should, by the services' ids.

    Services without such are left out, as are jobs: they make their tasks one after another.
    """
    up = up_nodes(look.nodes)
    tasks: dict[str, list[Task]] = {}
    for task in look.tasks:
        tasks.setdefault(task.service_id, []).append(task)
    counts = {each.id: _missing(each, tasks.get(each.id, ()), look, up) for each in services}
    return {service: count for service, count in counts.items() if count > 0}


def _missing(service: Service, tasks: Sequence[Task], look: StackLook, up: frozenset[str]) -> int:
    if service.mode.is_job:
        return 0
    health = examine_service(service, tasks, look.nodes, look.at)
    present = [task for task in tasks if _standing(task, service, up)[0] in _PRESENT]
    wanted = health.wanted - health.completed
    if not service.mode.is_global:
        return wanted - len(present)
    eligible = {node.id for node in eligible_nodes(service, look.nodes)}
    return wanted - len(eligible & {task.node_id for task in present})


def _standing(task: Task, service: Service, up: frozenset[str]) -> tuple[Standing, Cause | None]:
    wanted = task.desired <= last_wanted(service)
    cause = classify(task, service)
    if task.state is TaskState.COMPLETE and may_complete(service):
        cause = None
    if not task.state.over and task.node_id and task.node_id not in up:
        gone = Cause(CauseKind.NODE_DOWN, "", task_id=task.id, node_id=task.node_id)
        return (Standing.TROUBLE, gone) if wanted else (Standing.ENDED, None)
    if cause or task.state in _BROKEN:
        return (Standing.TROUBLE if wanted else Standing.FAILED), cause
    if task.state.over:
        return Standing.ENDED, None
    if not wanted:
        return Standing.STOPPING, None
    if task.state is not TaskState.RUNNING:
        return Standing.STARTING, None
    return (Standing.FORMER if is_former(service, task) else Standing.RUNNING), None


def _key(standing: Standing, task: Task, cause: Cause | None, *, alone: bool) -> tuple[object, ...]:
    if alone or standing in {Standing.STARTING, Standing.FORMER, Standing.STOPPING}:
        return standing, task.id
    if standing is Standing.ENDED:
        completed = task.state is TaskState.COMPLETE
        return (standing, completed, task.service_id if completed else "")
    if cause is None:
        return standing, task.service_id, task.state
    error = without_ids(short_error(cause.raw))
    return standing, task.service_id, cause.kind, cause.exit_code, error


def without_ids(error: str) -> str:
    """An error without ids, which differ from task to task, to compare it with others."""
    return _IDS.sub("", error)


def _group(
    known: Mapping[str, Service],
    members: Sequence[tuple[Task, Cause | None]],
    up: frozenset[str],
) -> TaskGroup:
    tasks = tuple(task for task, _ in members)
    newest, cause = members[0]
    of = {task.service_id for task in tasks}
    service = known[newest.service_id] if len(of) == 1 else None
    standing, _ = _standing(newest, known[newest.service_id], up)
    return TaskGroup(standing, tasks, service, cause)


def _split(group: TaskGroup, together: int) -> Iterable[TaskGroup]:
    """The tasks of a group of few running ones alone."""
    if group.standing is not Standing.RUNNING or len(group.tasks) > together:
        return [group]
    return [TaskGroup(group.standing, (task,), group.service) for task in group.tasks]


def _order(group: TaskGroup, hosts: Mapping[str, str], *, apart: bool) -> tuple[object, ...]:
    name = group.service.name if group.service else ""
    newest = group.newest
    host = hosts.get(newest.node_id, "")
    if group.standing.is_over:
        return group.standing, -newest.since, name, newest.id
    if apart:
        return 0, 0, name, newest.slot, host, group.standing, newest.id
    return group.standing, 0, name, newest.slot, host, 0, newest.id
