"""The tasks of services for a list: what runs or should run first, trouble first among it.

Equal failures are one group: those of one service with one cause and one error, whatever their
slots and nodes are. Tasks that run well may be one group as well. Each task is in one group.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

from bot.domain.swarm.causes import Cause, CauseKind, classify, short_error
from bot.domain.swarm.health import Health, examine
from bot.domain.swarm.model import Node, Service, StackLook, Task, TaskState
from bot.domain.swarm.placement import eligible_nodes
from bot.domain.swarm.slots import is_current, last_wanted, may_complete, up_nodes

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


class JudgedTask(NamedTuple):
    """A task, what it is to its service, and why it failed or cannot start, None if nothing is."""

    task: Task
    standing: Standing
    cause: Cause | None


def judged_tasks(
    services: Iterable[Service], tasks: Iterable[Task], nodes: Iterable[Node]
) -> tuple[JudgedTask, ...]:
    """The tasks of these services, the newest first; others are left out."""
    known = {service.id: service for service in services}
    up = up_nodes(nodes)
    return tuple(
        JudgedTask(task, *_standing(task, known[task.service_id], up))
        for task in sorted(tasks, key=lambda each: -each.since)
        if task.service_id in known
    )


def grouped_tasks(
    services: Iterable[Service],
    tasks: Iterable[JudgedTask],
    nodes: Iterable[Node],
    *,
    together: int,
    apart: bool = False,
) -> tuple[TaskGroup, ...]:
    """The groups in the order of the list.

    More than ``together`` running tasks of one service are one group. With ``apart``, each task
    that should run is alone, in the order of slots.
    """
    known = {service.id: service for service in services}
    hosts = {node.id: node.hostname for node in nodes}
    groups: dict[tuple[object, ...], list[JudgedTask]] = {}
    for each in tasks:
        key = _key(each, alone=apart and not each.standing.is_over)
        groups.setdefault(key, []).append(each)
    made = [part for each in groups.values() for part in _split(_group(known, each), together)]
    return tuple(sorted(made, key=lambda each: _order(each, hosts, apart=apart)))


def missing_tasks(
    services: Iterable[Service], tasks: Iterable[JudgedTask], look: StackLook
) -> dict[str, int]:
    """How many tasks of services do not exist although they should, by the services' ids.

    Services without such are left out, as are jobs: they make their tasks one after another.
    """
    present: dict[str, list[Task]] = {}
    for each in tasks:
        if each.standing in _PRESENT:
            present.setdefault(each.task.service_id, []).append(each.task)
    steady = tuple(service for service in services if not service.mode.is_job)
    counts = {
        health.service.id: _missing(health, present.get(health.service.id, ()), look.nodes)
        for health in examine(replace(look, services=steady))
    }
    return {service: count for service, count in counts.items() if count > 0}


def _missing(health: Health, present: Sequence[Task], nodes: Sequence[Node]) -> int:
    wanted = health.wanted - health.completed
    if not health.service.mode.is_global:
        return wanted - len(present)
    eligible = {node.id for node in eligible_nodes(health.service, nodes)}
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
    return (Standing.RUNNING if is_current(service, task) else Standing.FORMER), None


def _key(each: JudgedTask, *, alone: bool) -> tuple[object, ...]:
    task, standing, cause = each
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


def _group(known: Mapping[str, Service], members: Sequence[JudgedTask]) -> TaskGroup:
    newest = members[0]
    tasks = tuple(each.task for each in members)
    of = {task.service_id for task in tasks}
    service = known[newest.task.service_id] if len(of) == 1 else None
    return TaskGroup(newest.standing, tasks, service, newest.cause)


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
