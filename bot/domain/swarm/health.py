"""The health of a service at one look: what runs, what does not, why and since when.

This is the only notion of health: ``status``, the Home tab, ``stacks``, the map and incidents use
it.

A **place** (a slot, or an eligible node of a global service) runs if one of its tasks runs with
desired state running and its node is not known to be down. For each place that should run and does
not, the newest task gives the cause. A service whose places all run is **unsteady** while it has an
open incident. If it has none (alerts may be off), a place is unsteady if at least two tasks of the
same template failed there within ten minutes, the last one within the time after which an incident
would be resolved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from bot.domain.swarm.causes import Cause, CauseKind, classify
from bot.domain.swarm.model import Look, Node, Service, StackLook, Task, TaskState, UpdateState
from bot.domain.swarm.placement import eligible_nodes
from bot.domain.swarm.slots import (
    is_current,
    last_wanted,
    may_complete,
    place_of,
    place_order,
    up_nodes,
)

QUIET_SECONDS = 60.0
"""After the monitor period, the time without a failure until an incident is resolved."""
UNSTEADY_SECONDS = 600.0
UNSTEADY_FAILURES = 2
RAN_WELL_SECONDS = 60.0
"""A task that ran longer was not part of a series of failures: its end was the first of them."""

_CHANGING = (UpdateState.UPDATING, UpdateState.ROLLBACK_STARTED)
_PAUSED = (UpdateState.PAUSED, UpdateState.ROLLBACK_PAUSED)


class Grade(Enum):
    """The health of a service, worst first."""

    BAD = "bad"
    CHANGING = "changing"
    WELL = "well"


def worst_of(grades: Iterable[Grade]) -> Grade | None:
    """The worst of some grades, None if there are none."""
    return min(grades, key=list(Grade).index, default=None)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Places of one service that do not run, or have only just started, for one cause.

    ``places`` are slots or node ids. ``since`` is the start of the series of failures, as far as
    the swarm remembers it (Unix seconds; 0 if unknown). ``failures`` is the number of failed tasks
    of the series that the swarm remembers. ``unsteady`` says that the places run at this moment.
    """

    cause: Cause
    places: tuple[str, ...]
    since: float
    failures: int
    unsteady: bool = False


@dataclass(frozen=True, slots=True)
class Health:
    """The health of one service at one look.

    ``running`` of ``wanted`` places run; those of a run-to-completion service that ended
    successfully are ``ended``. ``nodes`` are the node ids of the running tasks, one each.
    ``beyond`` counts the running tasks of a global service on nodes that take no new tasks.
    ``coming`` counts the tasks without an error that do not run yet, by Docker's name of their
    state; ``stopping`` is the number of containers that are being stopped.
    """

    service: Service
    running: int
    wanted: int
    ended: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    beyond: int = 0
    coming: tuple[tuple[str, int], ...] = ()
    stopping: int = 0
    troubles: tuple[Trouble, ...] = ()

    @property
    def completed(self) -> int:
        """How many places ended successfully."""
        return len(self.ended)

    @property
    def done(self) -> int:
        """How many places run or ended successfully."""
        return self.running + self.completed

    @property
    def grade(self) -> Grade:
        """Bad if something fails or is missing; changing if tasks start or stop, or if an update is
        unfinished."""
        if self.troubles:
            return Grade.BAD
        working = self.running > 0 and self.service.mode.is_job
        if self.coming or self.stopping or working or self.service.update in _CHANGING:
            return Grade.CHANGING
        if self.done < self.wanted:
            return Grade.BAD
        return Grade.CHANGING if self.service.update in _PAUSED else Grade.WELL

    @property
    def whole(self) -> bool:
        """Whether everything that should run at this moment runs, or has ended successfully."""
        if self.done >= self.wanted:
            return True
        at_once = min(self.wanted, self.service.max_concurrent) if self.service.mode.is_job else 0
        return self.running >= at_once > 0 and all(each.unsteady for each in self.troubles)


Alerts = Mapping[str, Sequence[Trouble]]
"""The causes of services' open incidents, by service id."""


def examine(look: StackLook, alerts: Alerts | None = None) -> tuple[Health, ...]:
    """The health of every service of the look, in its order."""
    alerts = alerts or {}
    tasks: dict[str, list[Task]] = {}
    for task in look.tasks:
        tasks.setdefault(task.service_id, []).append(task)
    up = up_nodes(look.nodes)
    return tuple(
        _examined(
            service,
            tasks.get(service.id, ()),
            look.nodes,
            look.at,
            alerts.get(service.id, ()),
            up=up,
        )
        for service in look.services
    )


def examine_look(look: Look, service: Service) -> Health:
    """The health of the service of a look, without its incidents."""
    tasks = [task for task in look.tasks if task.service_id == service.id]
    return examine_service(service, tasks, look.nodes, look.at)


def examine_service(
    service: Service,
    tasks: Collection[Task],
    nodes: Collection[Node],
    at: float,
    alerts: Sequence[Trouble] = (),
) -> Health:
    """The health of one service at ``at``, from its own tasks and all nodes.

    ``alerts`` are the causes of its open incidents.
    """
    return _examined(service, tasks, nodes, at, alerts, up=up_nodes(nodes))


def _examined(
    service: Service,
    tasks: Collection[Task],
    nodes: Collection[Node],
    at: float,
    alerts: Sequence[Trouble],
    *,
    up: frozenset[str],
) -> Health:
    """``up`` are the nodes that may run something, found once for all services."""
    down = frozenset({task.node_id for task in tasks} - up - {""})
    everything = _by_place(service, tasks)
    places, size = everything, service.replicas or 0
    if service.mode.is_global:
        eligible = {node.id for node in eligible_nodes(service, nodes)}
        places = {place: each for place, each in everything.items() if place in eligible}
        size = len(eligible)
    live = {place_of(service, task): task for task in tasks if _runs(service, task, down)}
    running = {place: task for place, task in live.items() if place in places}
    ended = tuple(place for place, each in places.items() if _completed(service, each))
    missing = max(size - len(running) - len(ended), 0)
    vacant = {place: each for place, each in places.items() if place not in {*running, *ended}}
    open_places = _most_wanted(service, vacant, missing)
    troubles = _troubles(service, open_places, down)
    if not troubles and alerts:
        troubles = tuple(replace(each, unsteady=not missing) for each in alerts)
    elif alerts:
        troubles = _as_alerted(troubles, alerts)
    else:
        recent = {place: places[place] for place in running}
        troubles = (*troubles, *_unsteady(service, recent, running, at))
    return Health(
        service=service,
        running=len(running),
        wanted=size,
        ended=ended,
        nodes=tuple(task.node_id for task in running.values()),
        beyond=len(live) - len(running),
        coming=_coming(service, open_places.values(), down),
        stopping=sum(_stops(service, task, down) for task in tasks),
        troubles=troubles,
    )


def _as_alerted(troubles: Sequence[Trouble], alerts: Sequence[Trouble]) -> tuple[Trouble, ...]:
    """Troubles as old as their incidents: the swarm forgets all but a slot's last few tasks."""
    known = {_kind(each): each for each in alerts}
    alone = [kind for kind, count in Counter(map(_kind, troubles)).items() if count == 1]
    return tuple(
        replace(
            each,
            since=min(each.since or alert.since, alert.since),
            failures=max(each.failures, alert.failures),
        )
        if _kind(each) in alone and (alert := known.get(_kind(each)))
        else each
        for each in troubles
    )


def _kind(trouble: Trouble) -> tuple[CauseKind, int | None]:
    return trouble.cause.kind, trouble.cause.exit_code


def _by_place(service: Service, tasks: Iterable[Task]) -> dict[str, list[Task]]:
    """The tasks of each place in the present job iteration, newest first."""
    places: dict[str, list[Task]] = {}
    for task in sorted(tasks, key=lambda each: (each.created, each.id), reverse=True):
        if not service.mode.is_job or is_current(service, task):
            places.setdefault(place_of(service, task), []).append(task)
    return dict(sorted(places.items(), key=lambda item: place_order(item[0])))


def _most_wanted(
    service: Service, vacant: Mapping[str, list[Task]], missing: int
) -> dict[str, list[Task]]:
    """As many vacant places as are missing; those with a starting task come first.

    The swarm may still list dead tasks of slots that were scaled down: those are not missing.
    """
    ordered = sorted(vacant, key=lambda place: not _is_on_its_way(service, vacant[place][0]))
    return {place: vacant[place] for place in ordered[:missing]}


def _is_on_its_way(service: Service, task: Task) -> bool:
    return not task.state.over and _is_wanted(service, task)


def _is_wanted(service: Service, task: Task) -> bool:
    return task.desired <= last_wanted(service)


def _runs(service: Service, task: Task, down: frozenset[str]) -> bool:
    return (
        task.state is TaskState.RUNNING
        and _is_wanted(service, task)
        and task.node_id not in down
        and (not service.mode.is_job or is_current(service, task))
    )


def _stops(service: Service, task: Task, down: frozenset[str]) -> bool:
    lives = TaskState.STARTING <= task.state <= TaskState.RUNNING and task.node_id not in down
    return lives and not _is_wanted(service, task)


def _completed(service: Service, tasks: Sequence[Task]) -> bool:
    return may_complete(service) and tasks[0].state is TaskState.COMPLETE


def _coming(
    service: Service, places: Iterable[Sequence[Task]], down: frozenset[str]
) -> tuple[tuple[str, int], ...]:
    states: dict[str, int] = {}
    for tasks in places:
        newest = tasks[0]
        if _is_on_its_way(service, newest) and not newest.err and newest.node_id not in down:
            word = newest.state.name.lower()
            states[word] = states.get(word, 0) + 1
    return tuple(states.items())


def _troubles(
    service: Service, places: Mapping[str, Sequence[Task]], down: frozenset[str]
) -> tuple[Trouble, ...]:
    """Why the places that should run do not, grouped by kind of cause."""
    found = []
    for place, tasks in places.items():
        trouble = _trouble_of(service, place, tasks, down)
        if trouble is not None:
            found.append(trouble)
    return _merged(found)


def _trouble_of(
    service: Service, place: str, tasks: Sequence[Task], down: frozenset[str]
) -> Trouble | None:
    newest = tasks[0]
    if newest.desired is TaskState.REMOVE:
        return None
    if newest.node_id in down and _is_on_its_way(service, newest):
        cause = Cause(CauseKind.NODE_DOWN, "Its node is down", node_id=newest.node_id, place=place)
        return Trouble(cause, (place,), since=0.0, failures=0)
    row = _row_of_failures(service, tasks)
    if not row or (newest is not row[0] and not _is_on_its_way(service, newest)):
        return None
    cause = classify(row[0], service) or Cause(CauseKind.ENDED, "The task ended")
    return Trouble(cause, (place,), row[-1].since, sum(task.state.over for task in row))


def _row_of_failures(service: Service, tasks: Sequence[Task]) -> list[Task]:
    """The consecutive failed tasks, newest first."""
    row: list[Task] = []
    for index, task in enumerate(tasks):
        cause = classify(task, service)
        if cause is None and index == 0 and not task.state.over:
            continue
        if cause is None or task.up_to_date != tasks[0].up_to_date:
            break
        row.append(task)
        if task.state.over and task.since - task.created > RAN_WELL_SECONDS:
            break
    return row


def _unsteady(
    service: Service,
    places: Mapping[str, Sequence[Task]],
    running: Mapping[str, Task],
    at: float,
) -> tuple[Trouble, ...]:
    """The places that run at this moment after repeated recent failures."""
    found = []
    for place, tasks in places.items():
        failed = [task for task in tasks if _failed_lately(task, running[place], at)]
        cause = classify(failed[0], service) if len(failed) >= UNSTEADY_FAILURES else None
        if cause is not None and at - failed[0].since < service.monitor + QUIET_SECONDS:
            since = min(task.since for task in failed)
            found.append(Trouble(cause, (place,), since, len(failed), unsteady=True))
    return _merged(found)


def _failed_lately(task: Task, running: Task, at: float) -> bool:
    failed = task.state in {TaskState.FAILED, TaskState.REJECTED}
    same = task.up_to_date == running.up_to_date
    return failed and same and at - task.since < UNSTEADY_SECONDS


def _merged(troubles: Iterable[Trouble]) -> tuple[Trouble, ...]:
    """One trouble for each kind of cause, with the text of the first."""
    kinds: dict[tuple[CauseKind, str], Trouble] = {}
    for trouble in troubles:
        key = (trouble.cause.kind, trouble.cause.node_id if _by_node(trouble) else "")
        known = kinds.get(key)
        kinds[key] = trouble if known is None else _both(known, trouble)
    return tuple(kinds.values())


def _by_node(trouble: Trouble) -> bool:
    return trouble.cause.kind is CauseKind.NODE_DOWN


def _both(one: Trouble, other: Trouble) -> Trouble:
    times = [each.since for each in (one, other) if each.since > 0]
    return replace(
        one,
        places=(*one.places, *other.places),
        since=min(times, default=0.0),
        failures=one.failures + other.failures,
    )
