"""State kept between looks: failures, tasks stopped on purpose, and ages.

A **failure** is a task that ended failed or rejected, or complete although it should keep running.
A task does not count as a failure if it ended before the change, if it was seen alive after its
desired state became shutdown (scaled down, drained, replaced; when a lost node returns, its engine
reports such tasks as failed 137), if its slot was scaled down, if its node is down, or if the swarm
moved it because of changed constraints. Each task is counted once, by its id, however often it is
reported.

All times are the observer's. The clocks of engines differ from it, so their times are never
compared with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bot.domain.convergence.goal import Goal
from bot.domain.convergence.readiness import UNPROBED, Readiness
from bot.domain.swarm.causes import REPLACED_BY_SWARM, Cause, classify
from bot.domain.swarm.model import Look, Service, Task, TaskState, UpdateState
from bot.domain.swarm.slots import (
    Census,
    down_nodes,
    has_failed_before,
    is_current,
    last_wanted,
    may_complete,
    place_of,
)

_IN_PROGRESS = frozenset({UpdateState.UPDATING, UpdateState.ROLLBACK_STARTED})
_PAUSES = frozenset({UpdateState.PAUSED, UpdateState.ROLLBACK_PAUSED})
_ROLLBACK_ENDS = frozenset({UpdateState.ROLLBACK_PAUSED, UpdateState.ROLLBACK_COMPLETED})
_MANUAL = "manually requested rollback"


@dataclass(frozen=True, slots=True)
class Observation:
    """One look at an existing service, with the tasks reported since the last look.

    ``heard`` are tasks as the feed reported them: some failed and were replaced between two looks.
    ``now`` is the observer's clock, Unix seconds. ``readiness`` is the result of the service's
    probe.
    """

    goal: Goal
    look: Look
    service: Service
    census: Census
    heard: tuple[Task, ...]
    now: float
    readiness: Readiness = UNPROBED


@dataclass(frozen=True, slots=True)
class Failure:
    """The failure of one task.

    ``counts`` is False if the task had another template than the service at that time: an update
    that replaces a failing service is not blamed for it. ``template`` is the service's template at
    that time.
    """

    task_id: str
    place: str
    cause: Cause
    counts: bool
    template: str


@dataclass(frozen=True, slots=True)
class Age:
    """A task's state, whether it has an error, and since when this was observed."""

    state: TaskState
    error: bool
    since: float


@dataclass(frozen=True, slots=True)
class UpdateMark:
    """An update status and its start time from the swarm; equal marks mean the same update."""

    state: UpdateState = UpdateState.NONE
    started: float | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """What the looks have shown so far.

    ``failures`` are in the order of their observation. ``leaving`` are the ids of tasks that were
    seen alive while their desired state was shutdown, ``ran`` those of tasks that were seen
    running. ``calm_since`` is since when no node is in state unknown, None while one is. ``well``
    is since when exactly the desired tasks run without any change and are ready, as far as known.
    ``settled`` are the tasks that ran at the first look in slots without any failure.
    ``saw_surplus`` says whether a container had to be stopped. ``first_update`` is the update
    status at the first look; ``lost_since`` is since when a task of a job is lost with its node,
    None if none is. ``rolled_back_by_hand`` says whether a user requested the rollback.
    """

    first_at: float
    first_update: UpdateMark
    first_template: str
    settled: frozenset[str]
    failures: tuple[Failure, ...] = ()
    leaving: frozenset[str] = frozenset()
    ran: frozenset[str] = frozenset()
    ages: Mapping[str, Age] = field(default_factory=dict)
    calm_since: float | None = None
    well: tuple[frozenset[str], float] | None = None
    saw_surplus: bool = False
    lost_since: float | None = None
    rolled_back_by_hand: bool = False

    def since(self, task: Task) -> float | None:
        """Since when the task has its present state; None while a node's state is unknown."""
        age = self.ages.get(task.id)
        if age is None or self.calm_since is None:
            return None
        return max(age.since, self.calm_since)

    def of_place(self, place: str) -> tuple[Failure, ...]:
        """The failures of one place that count, oldest first."""
        return tuple(f for f in self.failures if f.counts and f.place == place)

    @property
    def counted(self) -> tuple[Failure, ...]:
        """All failures that count, oldest first."""
        return tuple(failure for failure in self.failures if failure.counts)


def remember(memory: Memory | None, observation: Observation) -> Memory:
    """The memory updated with one more look."""
    memory = memory or _first(observation)
    service = observation.service
    said = [t for t in (*observation.look.tasks, *observation.heard) if t.service_id == service.id]
    last = last_wanted(service)
    memory = replace(
        memory,
        leaving=memory.leaving | {t.id for t in said if t.desired > last and not t.state.over},
        ran=memory.ran | {t.id for t in said if t.state is TaskState.RUNNING},
        ages={task.id: _age(memory, task, observation.now) for task in observation.look.tasks},
        calm_since=_calm(memory, observation),
        lost_since=_lost(memory, observation),
        saw_surplus=memory.saw_surplus or bool(observation.census.surplus),
        rolled_back_by_hand=_by_hand(memory, service),
    )
    fresh = _fresh_failures(memory, observation, _merged(observation))
    well = _well(memory, observation, broken=any(failure.counts for failure in fresh))
    known = tuple(_reclassified(failure, observation) for failure in memory.failures)
    return replace(memory, failures=(*known, *fresh), well=well)


def own_update(memory: Memory, observation: Observation) -> UpdateState:
    """The service's update status if it belongs to this change, else ``NONE``.

    An update that had ended before the change is unrelated to it; an update that was in progress
    continues with it.
    """
    goal, service = observation.goal, observation.service
    present, first = UpdateMark(service.update, service.update_started), memory.first_update
    if _is_of_replaced_update(observation):
        return UpdateState.NONE
    if first.state in _IN_PROGRESS and first.started == present.started:
        return present.state
    if goal.update_before is not None:
        foreign = present.started == goal.update_before
    else:
        foreign = present == first
    return UpdateState.NONE if foreign else present.state


def _is_of_replaced_update(observation: Observation) -> bool:
    """Whether a pause belongs to the update that this change replaced.

    A rollback stops the running updater. If one of its tasks failed at that moment, the updater may
    still overwrite the rollback's status with its pause, although the rollback continues
    (moby/swarmkit, manager/orchestrator/update/updater.go: ``Run`` and ``pauseUpdate``). The pause
    names the failed task; a task that was dead before this change, or that has another template,
    does not belong to this change.
    """
    service, named = observation.service, observation.service.update_message
    if service.update not in _PAUSES or not observation.goal.updates:
        return False
    said = (*observation.look.tasks, *observation.heard)
    former = {
        task.id for task in said if not is_current(service, task)
    } | observation.goal.known_dead
    return any(task_id in named for task_id in former)


def in_progress(update: UpdateState) -> bool:
    """Whether the swarm is still replacing tasks."""
    return update in _IN_PROGRESS


def _first(observation: Observation) -> Memory:
    service = observation.service
    return Memory(
        first_at=observation.now,
        first_update=UpdateMark(service.update, service.update_started),
        first_template=service.template,
        settled=frozenset(
            task.id
            for task in observation.census.running
            if not has_failed_before(observation.look, place_of(service, task), service)
        ),
    )


def _merged(observation: Observation) -> list[Task]:
    """Each task once, in the most advanced state reported for it: states only move forward."""
    merged: dict[str, Task] = {task.id: task for task in observation.look.tasks}
    for task in sorted(observation.heard, key=lambda task: (task.state, task.desired)):
        known = merged.get(task.id)
        if known is None:
            merged[task.id] = task
        elif (task.state, task.desired) > (known.state, known.desired):
            merged[task.id] = replace(task, up_to_date=known.up_to_date)
    ours = (task for task in merged.values() if task.service_id == observation.service.id)
    return sorted(ours, key=lambda task: (task.since, task.created, task.id))


def _age(memory: Memory, task: Task, now: float) -> Age:
    known = memory.ages.get(task.id)
    if known is not None and (known.state, known.error) == (task.state, bool(task.err)):
        return known
    return Age(task.state, bool(task.err), now)


def _calm(memory: Memory, observation: Observation) -> float | None:
    if observation.census.unknown_nodes:
        return None
    return observation.now if memory.calm_since is None else memory.calm_since


def _lost(memory: Memory, observation: Observation) -> float | None:
    if not observation.census.lost:
        return None
    return observation.now if memory.lost_since is None else memory.lost_since


def _by_hand(memory: Memory, service: Service) -> bool:
    rolling = service.update in {UpdateState.ROLLBACK_STARTED, *_ROLLBACK_ENDS}
    return service.update_message.startswith(_MANUAL) or (memory.rolled_back_by_hand and rolling)


def _fresh_failures(
    memory: Memory, observation: Observation, tasks: list[Task]
) -> tuple[Failure, ...]:
    known = {failure.task_id for failure in memory.failures}
    excused = observation.goal.known_dead | memory.leaving | known
    down = down_nodes(observation.look.nodes, tasks)
    failed = (t for t in tasks if t.id not in excused and t.node_id not in down)
    found = (_failure(task, observation.service) for task in failed)
    return tuple(failure for failure in found if failure is not None)


def _failure(task: Task, service: Service) -> Failure | None:
    cause = classify(task, service) if _is_failure(task, service) else None
    if cause is None:
        return None
    place = place_of(service, task)
    cause = replace(cause, place=place)
    return Failure(task.id, place, cause, is_current(service, task), service.template)


def _reclassified(failure: Failure, observation: Observation) -> Failure:
    """The failure, reclassified with the present look. One look lists all tasks and then the
    up-to-date ones, so a task that failed between the two calls looked like an outdated task."""
    if failure.counts or failure.template != observation.service.template:
        return failure
    task = next((task for task in observation.look.tasks if task.id == failure.task_id), None)
    return replace(failure, counts=task is not None and is_current(observation.service, task))


def _is_failure(task: Task, service: Service) -> bool:
    if task.desired is TaskState.REMOVE or REPLACED_BY_SWARM in task.err:
        return False
    if task.state is TaskState.COMPLETE:
        return not may_complete(service)
    return task.state in {TaskState.FAILED, TaskState.REJECTED}


def _well(
    memory: Memory, observation: Observation, *, broken: bool
) -> tuple[frozenset[str], float] | None:
    if not observation.census.full or not (
        observation.readiness.ready or observation.readiness.wrong
    ):
        return None
    ids = frozenset(task.id for task in observation.census.running)
    if memory.well is None or memory.well[0] != ids or broken:
        return ids, observation.now
    return memory.well
