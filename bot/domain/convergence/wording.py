"""The sentences of verdicts and of progress.

A reason is one sentence that says why; an advice is the next step. Advice names only existing
commands: the bot's own, or docker's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from bot.domain.convergence.goal import Goal
from bot.domain.convergence.history import Failure, Memory, Observation
from bot.domain.errors import RegistryError
from bot.domain.jobs.progress import ServiceProgress, SlotProgress
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.causes import (
    Cause,
    CauseKind,
    advice_on,
    as_clause,
    is_unreachable,
    with_log,
    with_oom,
    with_probe,
    with_registry,
)
from bot.domain.swarm.model import Node, Service, Task, TaskState
from bot.domain.swarm.slots import (
    Census,
    is_former,
    may_complete,
    place_of,
    place_order,
    runs_to_completion,
)
from bot.domain.text.amounts import duration, plural

_VERDICTS: Final = {
    CauseKind.OUT_OF_MEMORY: Verdict.OUT_OF_MEMORY,
    CauseKind.UNHEALTHY: Verdict.UNHEALTHY,
    CauseKind.IMAGE_MISSING: Verdict.IMAGE_MISSING,
    CauseKind.PULL_DENIED: Verdict.PULL_DENIED,
    CauseKind.PULL_FAILED: Verdict.PULL_FAILED,
    CauseKind.NETWORK_FAILED: Verdict.NETWORK_FAILED,
    CauseKind.CONFIG_FAILED: Verdict.CONFIG_FAILED,
    CauseKind.MOUNT_FAILED: Verdict.MOUNT_FAILED,
    CauseKind.UNSCHEDULABLE: Verdict.UNSCHEDULABLE,
}
_ADVICE: Final = {
    Verdict.OUT_OF_MEMORY: "Raise its memory limit and deploy again, or reduce its usage.",
    Verdict.UNHEALTHY: "Check what the health check needs, or give it more time to start.",
    Verdict.IMAGE_MISSING: "Push the image, or correct its name: "
    "`{command} update {service} IMAGE`.",
    Verdict.PULL_FAILED: "Check that the registry runs and that the nodes can reach it.",
    Verdict.NETWORK_FAILED: "Check the network and the engine on that node.",
    Verdict.MOUNT_FAILED: "Correct the volume's address and options, or create what is missing "
    "on the node.",
    Verdict.CRASH_LOOPING: "Read its log: `{command} logs {service}`.",
    Verdict.FAILED: "See its tasks: `{command} ps {service}`.",
    Verdict.TIMED_OUT: "Check `{command} status {service}`. The swarm keeps trying.",
    Verdict.ROLLED_BACK: "Fix the cause, then deploy again.",
    Verdict.SUPERSEDED: "See its state: `{command} status {service}`.",
}
_CORRECT_IMAGE: Final = "Correct the image or the command, then deploy again."


def verdict_for(kind: CauseKind, default: Verdict) -> Verdict:
    """The verdict that corresponds to the cause, or else ``default``."""
    return _VERDICTS.get(kind, default)


def outcome(
    observation: Observation, verdict: Verdict, reason: str, cause: Cause | None = None
) -> Outcome:
    """An outcome with the counts of this look and the verdict's usual advice."""
    return Outcome(
        verdict=verdict,
        reason=reason,
        advice=advice(observation.goal, verdict, cause),
        cause=cause,
        running=achieved(observation.census),
        desired=observation.census.wanted,
        former=observation.census.former,
    )


def advice(goal: Goal, verdict: Verdict, cause: Cause | None = None) -> str:
    """The next step after a verdict, or ""."""
    if cause and cause.kind.value == verdict.value and (known := advice_on(cause)):
        return known
    if cause and verdict is Verdict.MOUNT_FAILED and is_unreachable(cause):
        return "Start the volume's server, or make it reachable from the node. The swarm retries."
    if cause and verdict is Verdict.FAILED and cause.kind is CauseKind.START_FAILED:
        return "Correct what the engine refuses, then deploy again."
    return _usual(goal, verdict)


def _usual(goal: Goal, verdict: Verdict) -> str:
    return _ADVICE.get(verdict, "").format(
        service=goal.advised or goal.service, command=goal.command
    )


def way_back(service: Service, command: str) -> str:
    """The command that rolls a service back; ``command`` as in ``Goal``."""
    return f"`{command} rollback {service.advised_name}`"


def way_out(service: Service, command: str) -> str:
    """The next step when an update is paused: back to an older version, else on."""
    if service.has_older_version and not service.update.is_roll_back:
        return f"Roll back: {way_back(service, command)}."
    return f"Fix what fails, then go on: `{command} resume {service.advised_name}`."


def judge_memory(outcome: Outcome, killed: bool | None, limit: int) -> Outcome:  # noqa: FBT001 (a fact)
    """The outcome updated with the engine's record of an exit 137 (see ``causes.with_oom``)."""
    if outcome.cause is None:
        return outcome
    cause = with_oom(outcome.cause, killed, limit)
    if cause == outcome.cause:
        return outcome
    verdict = outcome.verdict
    if verdict in {Verdict.OUT_OF_MEMORY, Verdict.CRASH_LOOPING}:
        verdict = verdict_for(cause.kind, Verdict.CRASH_LOOPING)
    reason = outcome.reason.replace(clause(outcome.cause), clause(cause))
    return replace(outcome, verdict=verdict, reason=reason, cause=cause)


def judge_health(outcome: Outcome) -> Outcome:
    """The outcome updated after a failed health probe was found (see ``causes.with_probe``)."""
    if outcome.cause is None or outcome.cause.kind is not CauseKind.ENDED:
        return outcome
    cause = with_probe(outcome.cause)
    verdict = outcome.verdict
    if verdict in {Verdict.CRASH_LOOPING, Verdict.FAILED}:
        verdict = Verdict.UNHEALTHY
    return _revised(outcome, outcome.cause, cause, verdict, outcome.advice)


def judge_log(outcome: Outcome, lines: str) -> Outcome:
    """The outcome updated with the last log lines (see ``causes.with_log``)."""
    if outcome.cause is None:
        return outcome
    cause = with_log(outcome.cause, lines)
    if cause == outcome.cause:
        return outcome
    verdict, advice = outcome.verdict, outcome.advice
    if verdict is Verdict.CRASH_LOOPING:
        verdict, advice = Verdict.FAILED, _CORRECT_IMAGE
    return _revised(outcome, outcome.cause, cause, verdict, advice)


def judge_pull(outcome: Outcome, refusal: RegistryError | None, goal: Goal) -> Outcome:
    """The outcome updated with what the image's registry says (see ``causes.with_registry``)."""
    if outcome.cause is None:
        return outcome
    cause = with_registry(outcome.cause, refusal)
    if cause == outcome.cause:
        return outcome
    verdict, advice = outcome.verdict, outcome.advice
    hint = refusal.hint if refusal else _renewal(goal)
    if verdict is Verdict.IMAGE_MISSING:
        verdict = verdict_for(cause.kind, verdict)
        advice = hint or (advice if verdict is outcome.verdict else _usual(goal, verdict))
    return _revised(outcome, outcome.cause, cause, verdict, advice)


def _revised(
    outcome: Outcome, former: Cause, cause: Cause, verdict: Verdict, advice: str
) -> Outcome:
    """The outcome with a cause that is known better."""
    reason = outcome.reason.replace(clause(former), clause(cause))
    return replace(outcome, verdict=verdict, reason=reason, advice=advice, cause=cause)


def _renewal(goal: Goal) -> str:
    return (
        "If the registry's login has changed, renew the service's copy: "
        f"`{goal.command} update {goal.advised or goal.service} --yes`. Otherwise see what"
        " `docker pull` says on the node."
    )


def achieved(census: Census) -> int:
    """How many of the desired tasks run, or have completed as they may."""
    return len(census.running) + census.completed


def score(observation: Observation) -> str:
    """``4/5 running``, in the words that fit the service; also how many of the old tasks run."""
    census = observation.census
    more = f", and {plural(census.former, 'old one')}" if census.former else ""
    return f"{current_score(observation)}{more}"


def current_score(observation: Observation) -> str:
    """The same of the tasks with the present template alone."""
    census = observation.census
    if not runs_to_completion(observation.service):
        ended = f", {census.completed} ended with exit 0" if census.completed else ""
        return f"{len(census.running)}/{census.wanted} running{ended}"
    still = f", {len(census.running)} still running" if census.running else ""
    return f"{census.completed}/{census.wanted} ended with exit 0{still}"


def where(observation: Observation, place: str) -> str:
    """``slot 3``, or ``the task on photon-machine-02`` for a global service."""
    if observation.service.mode.is_global:
        return f"the task on {hostname(observation.look.nodes, place)}"
    return f"slot {place}"


def hostname(nodes: Iterable[Node], node_id: str) -> str:
    """A node's name, or its id if the name is unknown."""
    return next((node.hostname for node in nodes if node.id == node_id), node_id)


def missing(observation: Observation, memory: Memory) -> str:
    """What differs from the desired state, each item once: slot, state, node and since when."""
    ending = runs_to_completion(observation.service)
    waiting = [t for t in observation.census.chosen if ending or t.state is not TaskState.RUNNING]
    parts = [_waiting(observation, memory, task) for task in waiting]
    parts += [
        f"{_spot(observation, t)} ended: {t.err or t.state.name.lower()}"
        for t in _ended(observation)
    ]
    if former := observation.census.former:
        parts.append(f"{plural(former, 'old task is', 'old tasks are')} not replaced yet")
    if len(observation.census.surplus) > former:
        parts.append(stopping(observation))
    if observation.census.full and observation.readiness.lack:
        parts.append(observation.readiness.lack)
    shown = parts[:5] + ([f"and {len(parts) - 5} more"] if len(parts) > 5 else [])
    if shown or observation.census.full:
        return "; ".join(shown) or "not stable for long enough"
    return "the swarm has created no tasks for the rest"


def stopping(observation: Observation) -> str:
    """The tasks that still have to stop."""
    number = len(observation.census.surplus) - observation.census.former
    return f"{plural(number, 'container has', 'containers have')} not stopped yet"


def progress(observation: Observation, memory: Memory, phase: str) -> ServiceProgress:
    """The progress that people see at this look."""
    return ServiceProgress(
        service=observation.goal.service,
        running=achieved(observation.census),
        desired=observation.census.wanted,
        phase=phase,
        slots=_slots(observation, memory),
        failures=len(memory.counted),
        former=observation.census.former,
    )


def failed_often(observation: Observation, failures: tuple[Failure, ...], cause: Cause) -> str:
    """The reason for a verdict on repeated failures of a slot."""
    place = where(observation, failures[-1].place)
    number = len(failures)
    times = "once" if number == 1 else f"{number} times"
    return f"{score(observation)}; {place} failed {times}: {clause(cause)}."


def clause(cause: Cause) -> str:
    """A cause's text for use within a sentence."""
    return as_clause(cause.text)


def _ended(observation: Observation) -> list[Task]:
    quiet = may_complete(observation.service)
    return [t for t in observation.census.vacant if not (quiet and t.state is TaskState.COMPLETE)]


def _spot(observation: Observation, task: Task) -> str:
    return where(observation, place_of(observation.service, task))


def _waiting(observation: Observation, memory: Memory, task: Task) -> str:
    age = memory.ages.get(task.id)
    since = f" for {duration(round(observation.now - age.since))}" if age else ""
    global_ = observation.service.mode.is_global
    node = (
        f" on {hostname(observation.look.nodes, task.node_id)}"
        if task.node_id and not global_
        else ""
    )
    error = f" ({task.err})" if task.err else ""
    return f"{_spot(observation, task)} {task.state.name.lower()}{node}{since}{error}"


def _slots(observation: Observation, memory: Memory) -> tuple[SlotProgress, ...]:
    census, service = observation.census, observation.service
    shown: dict[str, SlotProgress] = {}
    for task in (*census.surplus, *census.vacant, *census.chosen):
        place = place_of(service, task)
        shown[place] = _slot(observation, memory, task)
    return tuple(shown[place] for place in sorted(shown, key=place_order))


def _slot(observation: Observation, memory: Memory, task: Task) -> SlotProgress:
    nodes = observation.look.nodes
    former = is_former(observation.service, task)
    place = place_of(observation.service, task)
    return SlotProgress(
        place=hostname(nodes, place) if observation.service.mode.is_global else place,
        state=task.state.name.lower(),
        node=hostname(nodes, task.node_id) if task.node_id else "",
        note=task.err,
        failures=len(memory.of_place(place)),
        leaving=task in observation.census.surplus and not former,
        former=former,
    )
