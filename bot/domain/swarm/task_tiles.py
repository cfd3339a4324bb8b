"""The task tiles of a swarm map: one for each task that exists or is missing.

What fails follows from the health of the services. An ended task represents its slot only if no
task of the slot is alive and the service still has the slot: the swarm keeps up to five dead tasks
of each slot, including slots that were scaled down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from bot.domain.swarm.health import Alerts, Health, examine
from bot.domain.swarm.model import Service, StackLook, Task, TaskState
from bot.domain.swarm.slots import (
    down_nodes,
    last_wanted,
    may_complete,
    place_of,
    place_order,
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
    task that restarts, or completed, after a failure that is not over yet.
    """

    node_id: str
    service: str
    label: str
    standing: TaskStanding
    word: str


def tiles(look: StackLook, alerts: Alerts | None = None) -> tuple[Tile, ...]:
    """All relevant tasks of a look, by service and slot; ``alerts`` as for ``examine``."""
    down = down_nodes(look.nodes, look.tasks)
    tasks: dict[str, list[Task]] = {}
    for task in look.tasks:
        tasks.setdefault(task.service_id, []).append(task)
    found: list[Tile] = []
    for health in examine(look, alerts):
        found += _of_service(health, tasks.get(health.service.id, []), down)
    return tuple(found)


def _of_service(health: Health, tasks: Sequence[Task], down: frozenset[str]) -> list[Tile]:
    service = health.service
    places: dict[str, list[Task]] = {}
    for task in sorted(tasks, key=lambda each: (each.created, each.id), reverse=True):
        places.setdefault(place_of(service, task), []).append(task)
    failing = {place for trouble in health.troubles for place in trouble.places}
    found: list[Tile] = []
    for place in sorted(places, key=place_order):
        alive = [task for task in places[place] if not task.state.over]
        for task in alive:
            again = place in failing and task is alive[0] and not task.err
            found.append(_tile(service, task, down, again=again))
        if not alive and place in {*failing, *health.ended}:
            newest = places[place][0]
            well = _standing(service, newest, down) is TaskStanding.COMPLETE
            found.append(_tile(service, newest, down, again=place in failing and well))
    return found


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
        well = may_complete(service) and task.state is TaskState.COMPLETE
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
