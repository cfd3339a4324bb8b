"""The rules of convergence in order of evaluation; the first answer wins.

A rule looks at a case (one look and what earlier looks have shown) and returns an outcome, or the
seconds after which its answer may change without a new look (infinite: only a new look can change
it).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bot.domain.convergence import failure_rules, wording
from bot.domain.convergence.rule import NEVER, Answer, Case, Rule
from bot.domain.convergence.wording import current_score, outcome, score
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.causes import Cause
from bot.domain.swarm.model import RestartCondition, UpdateState
from bot.domain.swarm.slots import may_complete, runs_to_completion
from bot.domain.text.amounts import duration


def judge_foreign_version(case: Case) -> Answer:
    """Somebody else changed the tasks' template after this change."""
    goal, service = case.observation.goal, case.observation.service
    if not goal.template or goal.template == service.template or _is_rolled_back(case):
        return NEVER
    who = "A rollback" if case.update.is_roll_back else "Someone else"
    return outcome(case.observation, Verdict.SUPERSEDED, f"{who} changed its version.")


def judge_update(case: Case) -> Answer:
    """The update was paused or rolled back: the swarm gave up on the new version."""
    if case.update in {UpdateState.PAUSED, UpdateState.ROLLBACK_PAUSED}:
        return _paused(case)
    goal = case.observation.goal
    if case.update is not UpdateState.ROLLBACK_COMPLETED or not goal.updates or goal.rollback:
        return NEVER
    if case.memory.rolled_back_by_hand:
        reason = "Someone else rolled back the service."
        return outcome(case.observation, Verdict.SUPERSEDED, reason)
    return _rolled_back(case) if runs_to_completion(case.observation.service) else NEVER


def judge_foreign_change(case: Case) -> Answer:
    """Somebody else requested another replica count since."""
    goal, service = case.observation.goal, case.observation.service
    if goal.replicas is None or goal.replicas == service.replicas or _is_rolled_back(case):
        return NEVER
    who = "A rollback" if case.update.is_roll_back else "Someone else"
    reason = f"{who} set it to {service.replicas}; this job wanted {goal.replicas}."
    return outcome(case.observation, Verdict.SUPERSEDED, reason)


def judge_completion(case: Case) -> Answer:
    """Every task of a run-to-completion service ended with exit 0."""
    observation, census = case.observation, case.observation.census
    done = census.completed == census.wanted > 0 and not census.chosen
    if not may_complete(observation.service) or not done or case.replacing:
        return NEVER
    return outcome(observation, Verdict.COMPLETED, f"{score(observation)}.")


def judge_hold(case: Case) -> Answer:
    """Exactly the desired tasks have run and been ready for the monitor period."""
    left = _remaining_seconds(case)
    if left > 0:
        return left
    return _converged(case) if case.observation.census.wanted else _nothing_runs(case)


def judge_wrong_probe(case: Case) -> Answer:
    """The tasks run, but readiness is unknown because the probe's label is not valid."""
    ready = case.observation.readiness
    if not ready.wrong:
        return NEVER
    left = _remaining_seconds(case)
    if left > 0:
        return left
    result = outcome(
        case.observation, Verdict.FAILED, f"{score(case.observation)}, but {ready.lack}."
    )
    return replace(result, advice=ready.advice)


def judge_time_limit(case: Case) -> Answer:
    """No other rule decided within the time limit."""
    observation = case.observation
    left = observation.goal.began + observation.goal.limits.time_limit - observation.now
    if left > 0:
        return left
    census, service = observation.census, observation.service
    daemon = service.restart is RestartCondition.NONE and not service.mode.is_job
    whole = len(census.running) + census.completed == census.wanted
    if daemon and whole and not census.surplus:
        return outcome(
            observation, Verdict.CONVERGED, f"Every task runs or has ended: {score(observation)}."
        )
    latest = case.memory.counted[-1].cause if case.memory.counted else None
    limit = duration(observation.goal.limits.time_limit)
    awaited = wording.missing(observation, case.memory)
    if case.replacing and census.full:
        awaited = "the swarm's update is still in progress"
    reason = f"{score(observation)} after {limit}: {awaited}."
    result = outcome(observation, Verdict.TIMED_OUT, reason, latest)
    blocked = census.full and observation.readiness.advice
    return replace(result, advice=observation.readiness.advice) if blocked else result


def judge_probation_foreign(case: Case) -> Answer:
    """Somebody changed the service: later events are not caused by this change."""
    observation = case.observation
    other_template = observation.service.template != case.memory.first_template
    judged = (judge_foreign_version(case), judge_foreign_change(case))
    if other_template or not all(isinstance(answer, float) for answer in judged):
        return _kept(case, "stable until someone changed the service")
    return NEVER


def judge_probation_held(case: Case) -> Answer:
    """The service was healthy for the whole probation, counted from the last failure."""
    well, since = case.memory.well, case.since
    if well is None or since is None:
        return NEVER
    start = since if well[1] == case.memory.first_at and not case.memory.counted else well[1]
    left = case.observation.goal.limits.probation - (case.observation.now - start)
    watched = duration(case.observation.goal.limits.probation)
    return left if left > 0 else _kept(case, f"stable for {watched}")


def judge_probation_limit(case: Case) -> Answer:
    """The probation ends with the time limit."""
    observation, limits = case.observation, case.observation.goal.limits
    end = max(
        (case.since or observation.now) + limits.probation,
        observation.goal.began + limits.time_limit,
    )
    if observation.now < end:
        return end - observation.now
    failures = case.memory.counted
    if observation.census.full or not failures:
        return _kept(case, "at the time limit")
    cause = failures[-1].cause
    reason = f"{score(observation)} after {len(failures)} failures: {wording.clause(cause)}."
    return outcome(observation, Verdict.FAILED, reason, cause)


def _is_rolled_back(case: Case) -> bool:
    """Whether the swarm itself is rolling back the update of this change."""
    by_swarm = case.update.is_roll_back and not case.memory.rolled_back_by_hand
    return case.observation.goal.updates and by_swarm


def _named_failure(case: Case) -> Cause | None:
    """The failure that the update status names, or else the latest one.

    After a rollback, that of a task of the new version, if there is one.
    """
    service, failures = case.observation.service, case.memory.failures
    named = (failure for failure in failures if failure.task_id in service.update_message)
    new = [each for each in failures if each.template != service.template]
    latest = (new if case.rolled_back and new else failures)[-1:]
    found = next(named, None) or next(iter(latest), None)
    return found.cause if found else None


def _because(cause: Cause | None) -> str:
    return f": {wording.clause(cause)}." if cause else "."


def _paused(case: Case) -> Outcome:
    observation, cause = case.observation, _named_failure(case)
    if case.update is UpdateState.PAUSED:
        new, old = current_score(observation), observation.census.former
        both = f"{new} on the new version, {old} on the old"
        reason = f"The swarm paused the update ({both})" + _because(cause)
        result = outcome(observation, Verdict.PAUSED, reason, cause)
        advice = wording.way_out(observation.service, observation.goal.command)
        return replace(result, advice=advice, can_roll_back=observation.service.has_older_version)
    what = "The rollback failed and was paused"
    if not observation.goal.rollback:
        what = "The update failed, and so did the rollback"
    reason = f"{what} ({score(observation)})" + _because(cause)
    advice = wording.way_out(observation.service, observation.goal.command)
    return replace(outcome(observation, Verdict.PAUSED, reason, cause), advice=advice)


def _rolled_back(case: Case, answer: Outcome | None = None) -> Outcome:
    """The outcome after a rollback by the swarm; ``answer`` is that of the old version."""
    cause = _named_failure(case)
    reason = (
        f"The swarm rolled back the update ({current_score(case.observation)} on the old version)"
    )
    result = outcome(case.observation, Verdict.ROLLED_BACK, reason + _because(cause), cause)
    if answer is None or answer.verdict.good:
        return result
    reason = f"{result.reason} The old version fails too: {answer.reason}"
    return replace(result, reason=reason, advice=answer.advice or result.advice)


def _also_after_roll_back(rule: Rule) -> Rule:
    """The rule, whose answer after a rollback by the swarm is about the old version."""

    def judge(case: Case) -> Answer:
        answer = rule.judge(case)
        if isinstance(answer, Outcome) and case.rolled_back:
            return _rolled_back(case, answer)
        return answer

    return replace(rule, ends=(*rule.ends, Verdict.ROLLED_BACK), judge=judge)


def _remaining_seconds(case: Case) -> float:
    """How long the desired state must still last, in seconds: zero or less if it has lasted long
    enough; infinite while the state is not the desired one."""
    observation, memory = case.observation, case.memory
    census = observation.census
    if (runs_to_completion(observation.service) and census.wanted) or case.replacing:
        return NEVER
    if (
        census.full
        and not census.surplus
        and not observation.readiness.ready
        and memory.well is None
    ):
        return observation.goal.limits.probe_again
    if not census.full or census.surplus or memory.well is None or memory.calm_since is None:
        return NEVER
    if census.wanted == 0:
        return NEVER if observation.service.mode.is_global else 0.0
    return _required_seconds(case) - (observation.now - max(memory.well[1], memory.calm_since))


def _required_seconds(case: Case) -> float:
    """How long the running tasks must stay healthy, in seconds.

    Zero if the change only stopped containers: the remaining tasks were running before, in slots
    without any failure, and were not touched.
    """
    observation, memory = case.observation, case.memory
    running = frozenset(task.id for task in observation.census.running)
    untouched = not observation.goal.template and not case.rolled_back
    only_stopped = untouched and memory.saw_surplus and running <= memory.settled
    if only_stopped and not memory.counted:
        return 0.0
    back = observation.goal.rollback or case.rolled_back
    return observation.service.rollback_monitor if back else observation.service.monitor


def _converged(case: Case) -> Outcome:
    probation = case.observation.goal.limits.probation
    held = _required_seconds(case)
    how = f", stable for {duration(held)}" if held else ""
    ready = case.observation.readiness
    by = f"; {ready.words}" if ready.probed else ""
    result = outcome(case.observation, Verdict.CONVERGED, f"{score(case.observation)}{how}{by}.")
    return replace(result, provisional=probation > 0)


def _nothing_runs(case: Case) -> Outcome:
    return outcome(case.observation, Verdict.CONVERGED, "All tasks have stopped.")


def _kept(case: Case, how: str) -> Outcome:
    """The earlier ``converged``, confirmed."""
    return outcome(case.observation, Verdict.CONVERGED, f"{score(case.observation)}, {how}.")


_BY_CAUSE: Final = (
    Verdict.OUT_OF_MEMORY,
    Verdict.UNHEALTHY,
    Verdict.IMAGE_MISSING,
    Verdict.PULL_DENIED,
    Verdict.PULL_FAILED,
    Verdict.NETWORK_FAILED,
    Verdict.CONFIG_FAILED,
    Verdict.MOUNT_FAILED,
    Verdict.FAILED,
)
_FAILING: Final = (
    Rule(
        "final failure",
        "a task failed that the restart policy never starts again",
        _BY_CAUSE,
        failure_rules.judge_final_failure,
    ),
    Rule(
        "repeated failure",
        "one slot failed three times since the change, and no update is in progress",
        (Verdict.CRASH_LOOPING, *_BY_CAUSE),
        failure_rules.judge_repeated_failure,
    ),
    Rule(
        "stuck start",
        "the same task has tried to start with an error for 10 s",
        _BY_CAUSE,
        failure_rules.judge_stuck_start,
    ),
    Rule(
        "no address",
        "a task has waited for an address for 15 s",
        (Verdict.NETWORK_FAILED,),
        failure_rules.judge_allocation,
    ),
    Rule(
        "vacancy",
        "a slot's task ended and none follows when its restart delay is over",
        (Verdict.FAILED,),
        failure_rules.judge_vacancy,
    ),
    Rule(
        "lost node",
        "the node of a job's task has been down for 30 s",
        (Verdict.FAILED,),
        failure_rules.judge_lost_node,
    ),
)

CONVERGING: Final = (
    Rule(
        "foreign version",
        "this change replaces tasks, and someone else changed their spec",
        (Verdict.SUPERSEDED,),
        judge_foreign_version,
    ),
    Rule(
        "update ended badly",
        "this change's update was paused or rolled back",
        (Verdict.PAUSED, Verdict.ROLLED_BACK, Verdict.SUPERSEDED),
        judge_update,
    ),
    Rule(
        "foreign change",
        "someone else set another number of replicas",
        (Verdict.SUPERSEDED,),
        judge_foreign_change,
    ),
    Rule(
        "completion",
        "every wanted task of a run-to-completion service ended with exit 0",
        (Verdict.COMPLETED,),
        judge_completion,
    ),
    *map(
        _also_after_roll_back,
        (
            *_FAILING,
            Rule(
                "no place",
                "a task has found no node for 5 s while every node's state was known",
                (Verdict.UNSCHEDULABLE,),
                failure_rules.judge_placement,
            ),
            Rule(
                "wrong probe",
                "all is well for the monitor period, but the label of its probe is not valid",
                (Verdict.FAILED,),
                judge_wrong_probe,
            ),
            Rule(
                "hold",
                "exactly the wanted number runs and is ready, nothing else does, for the monitor"
                " period",
                (Verdict.CONVERGED,),
                judge_hold,
            ),
            Rule(
                "time limit",
                "none of these within the time limit",
                (Verdict.TIMED_OUT, Verdict.CONVERGED),
                judge_time_limit,
            ),
        ),
    ),
)
"""The rules while converging; after a rollback by the swarm, the last judge the old version."""

PROBATION: Final = (
    Rule(
        "changed meanwhile",
        "someone changed the service",
        (Verdict.CONVERGED,),
        judge_probation_foreign,
    ),
    *_FAILING,
    Rule(
        "probation passed",
        "well for the whole probation since the last failure",
        (Verdict.CONVERGED,),
        judge_probation_held,
    ),
    Rule(
        "probation limit",
        "the time limit is over",
        (Verdict.CONVERGED, Verdict.FAILED),
        judge_probation_limit,
    ),
)
"""The rules after a provisional ``converged``."""
