"""Evaluates one service at one look: which tasks count, which must stop, what is missing.

A task **counts** if it was made from the present template, runs, has the desired state running, and
its node is not down. Of several tasks in one slot, the one shown by docker/cli counts (lowest
desired state, then lowest state; ``cli/command/service/progress/progress.go``). Tasks on nodes that
are down or removed are ignored, because their state is unknown. For a global service only eligible
nodes count.

A container is **surplus** if it still lives on a node that is not down, and does not count because
it is being stopped, has an older template or is a second one in its slot.

A slot is **vacant** if none of its tasks is alive or starting; its newest task gives the reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain.swarm.model import Look, Node, NodeState, RestartCondition, Service, Task, TaskState
from bot.domain.swarm.placement import eligible_nodes

_ENDED_ITSELF = frozenset({TaskState.COMPLETE, TaskState.FAILED, TaskState.REJECTED})


@dataclass(frozen=True, slots=True)
class Census:
    """One service at one look.

    ``wanted`` is how many tasks should run, or for a run-to-completion service complete. ``chosen``
    is the one live task to keep of each place that has one; ``surplus`` are live containers that
    must stop; ``vacant`` is the newest task of each place without a live one. Tasks are in the
    order of their places. ``completed`` counts the places that ended as they may
    (``may_complete``), ``former`` the running tasks of an older template. ``unknown_nodes`` is True
    while the swarm does not know the state of some node, as after a leader election. ``lost`` are
    the tasks of a job that had not ended when their node went down: the swarm leaves them as they
    were, and starts no others.
    """

    wanted: int
    chosen: tuple[Task, ...]
    surplus: tuple[Task, ...]
    vacant: tuple[Task, ...]
    completed: int
    former: int
    unknown_nodes: bool
    lost: tuple[Task, ...] = ()

    @property
    def running(self) -> tuple[Task, ...]:
        """The tasks that count."""
        return tuple(task for task in self.chosen if task.state is TaskState.RUNNING)

    @property
    def full(self) -> bool:
        """Whether exactly the desired tasks run or completed, and no other starts or stops."""
        return len(self.running) == len(self.chosen) == self.wanted - self.completed

    @property
    def unplaced(self) -> tuple[Task, ...]:
        """Tasks for which the scheduler finds no node."""
        return tuple(t for t in self.chosen if t.state is TaskState.PENDING and t.err)

    @property
    def unallocated(self) -> tuple[Task, ...]:
        """Tasks that wait for an address in a network of their service."""
        return tuple(t for t in self.chosen if t.state is TaskState.NEW)

    @property
    def stuck(self) -> tuple[Task, ...]:
        """Tasks that have a node and an error, and are retried unchanged."""
        return tuple(
            t for t in self.chosen if TaskState.PENDING < t.state < TaskState.RUNNING and t.err
        )


def runs_to_completion(service: Service) -> bool:
    """Whether its tasks are meant to end: a job mode, or restart condition none (as in Docker)."""
    return service.mode.is_job or service.restart is RestartCondition.NONE


def may_complete(service: Service) -> bool:
    """Whether exit 0 is a success: it runs to completion, or restarts only after failures.

    With a health check it is not: a container that is stopped as unhealthy and exits 0 on SIGTERM
    looks the same.
    """
    on_failure = service.restart is RestartCondition.ON_FAILURE and not service.has_health_check
    return runs_to_completion(service) or on_failure


def last_wanted(service: Service) -> TaskState:
    """The highest desired state of a task to keep; a task above it is to be stopped."""
    return TaskState.COMPLETE if service.mode.is_job else TaskState.RUNNING


def place_of(service: Service, task: Task) -> str:
    """The slot, or the node id of a global service's task (a replicated job has a slot 0)."""
    return task.node_id if service.mode.is_global else str(task.slot)


def place_order(place: str) -> tuple[int, str]:
    """Sort key for places: slots by number, nodes by id."""
    return (int(place), "") if place.isdecimal() else (0, place)


def down_nodes(nodes: Iterable[Node], tasks: Iterable[Task]) -> frozenset[str]:
    """The ids of nodes that, as far as known, run nothing: down, or not in the swarm."""
    return frozenset({task.node_id for task in tasks} - up_nodes(nodes) - {""})


def up_nodes(nodes: Iterable[Node]) -> frozenset[str]:
    """The ids of nodes that are not known to be down."""
    return frozenset(node.id for node in nodes if node.state is not NodeState.DOWN)


def count(look: Look, service: Service) -> Census:
    """Evaluate one look."""
    down = down_nodes(look.nodes, look.tasks)
    eligible = frozenset(node.id for node in eligible_nodes(service, look.nodes))
    tasks = sorted(
        (task for task in look.tasks if task.service_id == service.id),
        key=lambda task: (place_order(place_of(service, task)), task.id),
    )
    if service.mode.is_global:
        tasks = [t for t in tasks if t.node_id in eligible or t.desired > last_wanted(service)]
    present = [task for task in tasks if not task.state.over and task.node_id not in down]
    chosen = _chosen(service, present)
    vacant = _vacant(service, tasks, present)
    return Census(
        wanted=len(eligible) if service.mode.is_global else service.replicas or 0,
        chosen=chosen,
        surplus=tuple(t for t in present if t.state >= TaskState.ASSIGNED and t not in chosen),
        vacant=vacant,
        completed=_completed(service, tasks, vacant),
        former=sum(is_former(service, task) for task in present),
        unknown_nodes=any(node.state is NodeState.UNKNOWN for node in look.nodes),
        lost=tuple(t for t in tasks if _is_lost(service, t, down)),
    )


def is_current(service: Service, task: Task) -> bool:
    """Whether the task has the present template and, for a job, the present iteration."""
    if service.mode.is_job:
        return task.job_iteration == service.job_iteration
    return task.up_to_date


def is_former(service: Service, task: Task) -> bool:
    """Whether the task runs on, with an older template."""
    running = task.state is TaskState.RUNNING and _wanted(service, task)
    return running and not is_current(service, task)


def _wanted(service: Service, task: Task) -> bool:
    return task.desired <= last_wanted(service)


def _is_lost(service: Service, task: Task, down: frozenset[str]) -> bool:
    unfinished = task.node_id in down and not task.state.over and _wanted(service, task)
    return service.mode.is_job and unfinished and is_current(service, task)


def _chosen(service: Service, present: list[Task]) -> tuple[Task, ...]:
    places: dict[str, Task] = {}
    for task in present:
        if not (_wanted(service, task) and is_current(service, task)):
            continue
        place = place_of(service, task)
        known = places.get(place)
        if known is None or (task.desired, task.state) < (known.desired, known.state):
            places[place] = task
    return tuple(places.values())


def _vacant(service: Service, tasks: list[Task], present: list[Task]) -> tuple[Task, ...]:
    taken = {place_of(service, task) for task in present if _wanted(service, task)}
    newest: dict[str, Task] = {}
    for task in tasks:
        place = place_of(service, task)
        if place in taken or task.desired is TaskState.REMOVE or not is_current(service, task):
            continue
        known = newest.get(place)
        if known is None or (known.created, known.id) < (task.created, task.id):
            newest[place] = task
    return tuple(task for task in newest.values() if task.state in _ENDED_ITSELF)


def _completed(service: Service, tasks: list[Task], vacant: tuple[Task, ...]) -> int:
    if not may_complete(service):
        return 0
    ended = [t for t in tasks if is_current(service, t)] if service.mode.is_job else vacant
    return len({place_of(service, t) for t in ended if t.state is TaskState.COMPLETE})


def has_failed_before(look: Look, place: str, service: Service) -> bool:
    """Whether any task of this place that the swarm remembers has failed or ended by itself."""
    return any(
        task.state in _ENDED_ITSELF and place_of(service, task) == place for task in look.tasks
    )
