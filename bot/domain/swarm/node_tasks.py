"""The tasks of one node: those that are alive, and why others failed there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain.swarm.causes import Cause, CauseKind, classify, short_error
from bot.domain.swarm.model import Service, Task, TaskState
from bot.domain.swarm.task_list import without_ids


@dataclass(frozen=True, slots=True)
class NodeFailure:
    """Tasks of one service that failed on a node for one cause, with one error.

    ``cause`` is that of the newest one, which ended at ``last`` (Unix seconds).
    """

    service: Service
    cause: Cause
    count: int
    last: float


@dataclass(frozen=True, slots=True)
class NodeTasks:
    """The tasks of a node, as far as the swarm keeps them.

    ``alive`` are those that have not ended with their services, running ones first. ``failures``
    come with the newest first. ``ended`` counts the tasks that ended without a failure.
    """

    alive: tuple[tuple[Service, Task], ...]
    failures: tuple[NodeFailure, ...]
    ended: int


def tasks_of_node(node_id: str, services: Iterable[Service], tasks: Iterable[Task]) -> NodeTasks:
    """The tasks of a node; those of services that are gone are left out."""
    known = {service.id: service for service in services}
    there = [
        (known[task.service_id], task)
        for task in tasks
        if task.node_id == node_id and task.service_id in known
    ]
    alive = [pair for pair in there if not pair[1].state.over]
    alive.sort(key=lambda pair: (-pair[1].state, pair[0].name, pair[1].slot))
    over = [pair for pair in there if pair[1].state.over]
    failed = [(service, task, cause) for service, task in over if (cause := _cause(task, service))]
    return NodeTasks(tuple(alive), _grouped(failed), len(over) - len(failed))


def _cause(task: Task, service: Service) -> Cause | None:
    if task.state is TaskState.COMPLETE and not task.err:
        return None
    return classify(task, service)


def _grouped(failed: Iterable[tuple[Service, Task, Cause]]) -> tuple[NodeFailure, ...]:
    """Equal failures as one, the newest first."""
    groups: dict[tuple[str, CauseKind, int | None, str], NodeFailure] = {}
    for service, task, cause in sorted(failed, key=lambda each: -each[1].since):
        key = service.id, cause.kind, cause.exit_code, without_ids(short_error(cause.raw))
        newest = groups.get(key) or NodeFailure(service, cause, 0, task.since)
        groups[key] = NodeFailure(service, newest.cause, newest.count + 1, newest.last)
    return tuple(groups.values())
