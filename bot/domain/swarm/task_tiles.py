"""The task tiles of a swarm map: one for each task that exists or is missing.

An ended task represents its slot only if no task of the slot is alive and the service still has the
slot: the swarm keeps up to five dead tasks of each slot, including slots that were scaled down.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from bot.domain.swarm.model import Service, StackLook, Task, TaskState
from bot.domain.swarm.slots import (
    down_nodes,
    last_wanted,
    place_of,
    place_order,
    runs_to_completion,
)

_BROKEN = frozenset({TaskState.FAILED, TaskState.REJECTED, TaskState.ORPHANED})


class TaskStanding(Enum):
    """The state of a task, in the order in which people look for them."""

    FAILED = "failed"
    WAITING = "waiting"
    UNKNOWN = "unknown"
    PREPARING = "preparing"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class Tile:
    """One task on a node (``node_id`` "" if it has none).

    ``service`` is the full name. ``label`` is the name with the slot (``worker01.3``), for a task
    of a global service only the name. ``word`` is Docker's name of the state, with ``again`` for a
    task that restarts after a failure.
    """

    node_id: str
    service: str
    label: str
    standing: TaskStanding
    word: str


def tiles(look: StackLook) -> tuple[Tile, ...]:
    """All relevant tasks of a look, by service and slot."""
    down = down_nodes(look.nodes, look.tasks)
    tasks: dict[str, list[Task]] = {}
    for task in look.tasks:
        tasks.setdefault(task.service_id, []).append(task)
    found: list[Tile] = []
    for service in look.services:
        found += _of_service(service, tasks.get(service.id, []), down)
    return tuple(found)


def _of_service(service: Service, tasks: Sequence[Task], down: frozenset[str]) -> list[Tile]:
    places: dict[str, list[Task]] = {}
    for task in sorted(tasks, key=lambda each: (each.created, each.id), reverse=True):
        places.setdefault(place_of(service, task), []).append(task)
    ordered = [places[place] for place in sorted(places, key=place_order)]
    shown = [[task for task in each if not task.state.over] for each in ordered]
    missing = max((service.replicas or 0) - sum(1 for alive in shown if alive), 0)
    found: list[Tile] = []
    for each, alive in zip(ordered, shown, strict=True):
        broken = _is_broken(service, each)
        found += [_tile(service, task, down, again=broken and task is alive[0]) for task in alive]
        ended_badly = service.mode.is_global and each[0].state in _BROKEN
        if not alive and (missing or ended_badly):
            missing -= 0 if service.mode.is_global else 1
            found.append(_tile(service, each[0], down, again=False))
    return found


def _is_broken(service: Service, newest_first: Iterable[Task]) -> bool:
    """Whether the newest ended task failed while no live one runs."""
    for task in newest_first:
        if task.state is TaskState.RUNNING and task.desired <= last_wanted(service):
            return False
        if task.state.over:
            return task.state in _BROKEN
    return False


def _tile(service: Service, task: Task, down: frozenset[str], *, again: bool) -> Tile:
    name = f"{service.short_name}.{task.slot}" if task.slot else service.short_name
    word = task.state.name.lower()
    standing = TaskStanding.FAILED if again else _standing(service, task, down)
    if standing is TaskStanding.STOPPING:
        word = "stopping"
    if standing is TaskStanding.UNKNOWN:
        word = f"{word}?"
    return Tile(task.node_id, service.name, name, standing, f"{word} again" if again else word)


def _standing(service: Service, task: Task, down: frozenset[str]) -> TaskStanding:
    if task.state in _BROKEN:
        return TaskStanding.FAILED
    if task.state.over:
        well = runs_to_completion(service) and task.state is TaskState.COMPLETE
        return TaskStanding.COMPLETE if well else TaskStanding.FAILED
    if task.node_id in down:
        return TaskStanding.UNKNOWN
    if task.desired > last_wanted(service):
        return TaskStanding.STOPPING
    if task.state is TaskState.RUNNING:
        return TaskStanding.RUNNING
    if task.state is TaskState.PREPARING:
        return TaskStanding.PREPARING
    waiting = task.err or task.state < TaskState.ASSIGNED
    return TaskStanding.WAITING if waiting else TaskStanding.STARTING
