"""Rules about failures: tasks that end, cannot start, or cannot be scheduled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from bot.domain.convergence import wording
from bot.domain.convergence.history import Failure
from bot.domain.convergence.rule import NEVER, Answer, Case
from bot.domain.convergence.wording import outcome, score
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.causes import Cause, CauseKind, classify, not_allocated
from bot.domain.swarm.model import RestartCondition, Service, Task, TaskState, UpdateState
from bot.domain.swarm.slots import may_complete, place_of, runs_to_completion
from bot.domain.text.amounts import plural


def judge_final_failure(case: Case) -> Answer:
    """A task failed that will never be restarted."""
    if case.observation.service.restart is not RestartCondition.NONE or case.replacing:
        return NEVER
    failed = [t for t in case.observation.census.vacant if t.state is not TaskState.COMPLETE]
    return _after(case, failed, lambda _: case.observation.goal.limits.ended_margin, _ended_badly)


def judge_repeated_failure(case: Case) -> Answer:
    """One slot failed three times since the change."""
    worst = _worst(case)
    completed = case.update is UpdateState.COMPLETED
    if worst is None or case.replacing or (completed and case.observation.census.full):
        return NEVER
    cause = _cause_of(case, worst)
    default = Verdict.CRASH_LOOPING
    if runs_to_completion(case.observation.service) or cause.kind is CauseKind.START_FAILED:
        default = Verdict.FAILED
    went_on = completed and case.observation.service.failure_action == "continue"
    verdict = Verdict.FAILED if went_on else wording.verdict_for(cause.kind, default)
    return outcome(
        case.observation, verdict, wording.failed_often(case.observation, worst, cause), cause
    )


def judge_stuck_start(case: Case) -> Answer:
    """One task keeps failing to start with an error."""
    wait = case.observation.goal.limits.starting_error_after
    return _after(case, list(case.observation.census.stuck), lambda _: wait, _stuck)


def judge_allocation(case: Case) -> Answer:
    """A task waits for an address in a network."""
    wait = case.observation.goal.limits.unallocated_after
    return _after(case, list(case.observation.census.unallocated), lambda _: wait, _unallocated)


def judge_placement(case: Case) -> Answer:
    """The scheduler finds no node, and no container of this service is about to free one."""
    observation = case.observation
    if observation.census.surplus:
        return NEVER
    if observation.service.mode.is_global and observation.census.wanted == 0:
        return _no_eligible_node(case)
    wait = observation.goal.limits.unschedulable_after
    return _after(case, list(observation.census.unplaced), lambda _: wait, _unplaced)


def judge_lost_node(case: Case) -> Answer:
    """A job's task was lost with its node, which is not back yet."""
    observation, since = case.observation, case.memory.lost_since
    if since is None:
        return NEVER
    left = since + observation.goal.limits.lost_after - observation.now
    if left > 0:
        return left
    task = observation.census.lost[0]
    node = wording.hostname(observation.look.nodes, task.node_id)
    text = f"The node {node} was lost before the task ended, so it is unknown how far it came"
    cause = Cause(CauseKind.NODE_DOWN, text, task_id=task.id, node_id=task.node_id)
    reason = f"{score(observation)}; {wording.clause(cause)}."
    lost = outcome(observation, Verdict.FAILED, reason, cause)
    return replace(
        lost, advice="Check what it did. The swarm starts no other task while the node is down."
    )


def judge_vacancy(case: Case) -> Answer:
    """A slot's task ended and was not replaced after its restart delay."""
    census = case.observation.census
    if case.replacing or len(census.chosen) + census.completed >= census.wanted:
        return NEVER
    service = case.observation.service
    ended = list(case.observation.census.vacant)
    if may_complete(service):
        ended = [task for task in ended if task.state is not TaskState.COMPLETE]
    return _after(case, ended, lambda task: _patience(case, task), _vacant)


def _after(
    case: Case,
    tasks: list[Task],
    patience: Callable[[Task], float],
    verdict: Callable[[Case, list[Task]], Outcome],
) -> Answer:
    """The verdict once any of the tasks has stayed unchanged for longer than its patience."""
    soonest = NEVER
    for task in tasks:
        since = case.memory.since(task)
        if since is not None:
            soonest = min(soonest, since + patience(task) - case.observation.now)
    return soonest if soonest > 0 else verdict(case, tasks)


def _worst(case: Case) -> tuple[Failure, ...] | None:
    """The failures of the slot that failed most, if they are enough for a verdict."""
    places = sorted({failure.place for failure in case.counted})
    failures = [tuple(each for each in case.counted if each.place == place) for place in places]
    worst = max(failures, key=len, default=())
    return worst if len(worst) >= case.observation.goal.limits.slot_failures else None


def _cause_of(case: Case, failures: tuple[Failure, ...]) -> Cause:
    """The latest failure's cause; UNHEALTHY if the service has a health check that never passed.

    The swarm reports a task with a health check as running once the check has passed. A task that
    ended with exit 0 before that was either stopped as unhealthy (and exits 0 on SIGTERM) or ended
    on its own: in both cases its health check never passed.
    """
    cause = failures[-1].cause
    never_ran = not any(failure.task_id in case.memory.ran for failure in failures)
    if cause.kind is CauseKind.ENDED and case.observation.service.has_health_check and never_ran:
        text = (
            "The container ended with exit 0 before its health check passed: stopped as unhealthy,"
            " or ended by itself"
        )
        return replace(cause, kind=CauseKind.UNHEALTHY, text=text)
    return cause


def _cause(task: Task, service: Service) -> Cause:
    cause = classify(task, service) or Cause(CauseKind.ENDED, "The container was stopped")
    return replace(cause, place=place_of(service, task))


def _ended_badly(case: Case, tasks: list[Task]) -> Outcome:
    task = tasks[0]
    cause = _cause(task, case.observation.service)
    place = wording.where(case.observation, cause.place)
    clause = wording.clause(cause)
    reason = (
        f"{score(case.observation)}; {place} failed and is not restarted (policy `none`): {clause}."
    )
    return outcome(case.observation, wording.verdict_for(cause.kind, Verdict.FAILED), reason, cause)


def _stuck(case: Case, tasks: list[Task]) -> Outcome:
    first = min(tasks, key=lambda task: (case.memory.since(task) or NEVER, task.id))
    cause = _cause(first, case.observation.service)
    place = wording.where(case.observation, cause.place)
    node = wording.hostname(case.observation.look.nodes, first.node_id)
    why = wording.clause(cause)
    reason = f"{score(case.observation)}; {place} keeps failing to start on {node}: {why}."
    return outcome(case.observation, wording.verdict_for(cause.kind, Verdict.FAILED), reason, cause)


def _unallocated(case: Case, tasks: list[Task]) -> Outcome:
    waiting = plural(len(tasks), "task waits", "tasks wait")
    reason = (
        f"{score(case.observation)}; {waiting} for an address: a network of the service may have "
        "none left."
    )
    return outcome(case.observation, Verdict.NETWORK_FAILED, reason, not_allocated(tasks[0]))


def _unplaced(case: Case, tasks: list[Task]) -> Outcome:
    observation = case.observation
    cause = _cause(tasks[0], observation.service)
    starting = len(observation.census.chosen) - len(observation.census.running) - len(tasks)
    more = f"{starting} starting; " if starting else ""
    waiting = plural(len(tasks), "task")
    reason = f"{score(observation)}; {more}{waiting} cannot be placed: {cause.raw}."
    result = outcome(observation, Verdict.UNSCHEDULABLE, reason, cause)
    fitting = len(observation.census.chosen) - len(tasks)
    return replace(result, advice=_room_advice(case, fitting, cause.raw))


_ROOM: Final = "Make room, or allow more nodes"
_LACKS: Final = {
    "constraints not satisfied": "Correct its constraints, or give a node what they ask for",
    "unsupported platform": "Use an image for the nodes' platform, or add such a node",
    "missing plugin": "Install the plugin on a node that it may run on",
    "host-mode port": "Publish another port, or allow more nodes",
    "max replicas per node": "Raise `max_replicas_per_node`, or add a node",
    "not available for new tasks": "Activate a node, or start one",
}
"""What helps if this is all that the scheduler says (swarmkit ``manager/scheduler/filter.go``)."""


def _what_helps(raw: str) -> str:
    found = [advice for lack, advice in _LACKS.items() if lack in raw]
    return found[0] if len(found) == 1 and ";" not in raw else _ROOM


def _room_advice(case: Case, fitting: int, raw: str) -> str:
    goal = case.observation.goal
    room = _what_helps(raw)
    if not fitting or goal.replicas is None:
        return f"{room}; it then starts by itself."
    return f"{room}, or scale back: `{goal.command} scale {goal.advised} {fitting}`."


def _no_eligible_node(case: Case) -> Answer:
    observation, memory = case.observation, case.memory
    if memory.calm_since is None:
        return NEVER
    since = max(memory.first_at, memory.calm_since)
    left = since + observation.goal.limits.unschedulable_after - observation.now
    if left > 0:
        return left
    reason = "No node is ready, active and allowed by its constraints."
    advice = _room_advice(case, 0, "constraints not satisfied")
    return replace(outcome(observation, Verdict.UNSCHEDULABLE, reason), advice=advice)


def _patience(case: Case, task: Task) -> float:
    """How long a slot may have no live task, in seconds.

    Swarmkit creates the replacement immediately and starts it after the restart delay. A longer gap
    means that there is no replacement: the restart policy does not ask for one, or its attempts are
    used up.
    """
    service, limits = case.observation.service, case.observation.goal.limits
    if service.restart is RestartCondition.ON_FAILURE and task.state is TaskState.COMPLETE:
        return limits.ended_margin
    return service.restart_delay + limits.vacant_margin


def _vacant(case: Case, tasks: list[Task]) -> Outcome:
    observation, service = case.observation, case.observation.service
    failing = [t for t in tasks if t.state is not TaskState.COMPLETE] or tasks
    cause = _cause(failing[0], service)
    place = wording.where(observation, cause.place)
    why = wording.clause(cause)
    reason = f"{score(observation)}; {place} is not restarted{_why_not(service)}: {why}."
    return outcome(observation, Verdict.FAILED, reason, cause)


def _why_not(service: Service) -> str:
    if service.max_attempts:
        number = service.max_attempts
        return f" (its {plural(number, 'restart is', 'restarts are')} used up)"
    if service.restart is RestartCondition.ON_FAILURE:
        return " (policy `on-failure`)"
    return ""
