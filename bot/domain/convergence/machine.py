"""The convergence of one service: from a change to a correct verdict.

A pure state machine. ``step`` takes the state so far, a look at the service, the tasks reported
since the last look, the observer's clock, and the result of the service's probe. It returns the
next state, what to show, and an outcome once there is one. Looks are authoritative; tasks reported
between looks only add failures that a look can no longer show. ``docs/convergence.md`` explains the
rules.

There are two phases: *converging* ends with an outcome; a provisional ``converged`` may then be on
*probation* for a while, in this or another process, and is confirmed or revised.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from bot.domain.convergence import readiness, wording
from bot.domain.convergence.goal import ConvergenceLimits, Goal
from bot.domain.convergence.history import Memory, Observation, remember
from bot.domain.convergence.probe_spec import ProbeSpec, Reading
from bot.domain.convergence.rule import Case, Phase, Rule
from bot.domain.convergence.rules import CONVERGING, PROBATION
from bot.domain.jobs.progress import ServiceProgress
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.model import Look, Task
from bot.domain.swarm.slots import count, runs_to_completion
from bot.domain.text.amounts import plural

__all__ = ["Convergence", "ConvergenceLimits", "Goal", "Phase", "StepResult", "question", "step"]


@dataclass(frozen=True, slots=True)
class Convergence:
    """The state of one convergence.

    ``since`` is when its probation began, None while converging. ``last`` is the step that ended
    it: further steps repeat it.
    """

    goal: Goal
    phase: Phase = Phase.CONVERGING
    since: float | None = None
    memory: Memory | None = None
    last: Outcome | None = None
    shown: ServiceProgress | None = None

    @classmethod
    def start(cls, goal: Goal) -> Convergence:
        """The state right after the change."""
        return cls(goal)

    @classmethod
    def on_probation(cls, goal: Goal, since: float) -> Convergence:
        """The state after a provisional ``converged`` at ``since``, Unix seconds.

        Nothing else is needed, so another process can take over the probation.
        """
        return cls(goal, Phase.PROBATION, since)


@dataclass(frozen=True, slots=True)
class StepResult:
    """The result of a step.

    ``look_again_in`` is the time in seconds (at least 0) after which the answer may change without
    any event.
    """

    state: Convergence
    progress: ServiceProgress
    outcome: Outcome | None
    look_again_in: float


def question(state: Convergence, look: Look) -> ProbeSpec | None:
    """The probe to ask before the step with this look, None for none (always None on probation)."""
    service = look.service
    if state.phase is not Phase.CONVERGING or service is None:
        return None
    return readiness.question(look, count(look, service))


def step(
    state: Convergence,
    look: Look,
    heard: tuple[Task, ...],
    now: float,
    reading: Reading | None = None,
) -> StepResult:
    """Advance the state by one look. ``now`` is the observer's clock, Unix seconds.

    ``reading`` is the answer to the ``question`` of this look, None if there is none.

    After an outcome, nothing changes any more.
    """
    if state.last is not None and state.shown is not None:
        return StepResult(state, state.shown, state.last, math.inf)
    service = look.service
    if service is None or service.id != state.goal.service_id:
        return _gone(state)
    state = replace(state, goal=replace(state.goal, advised=service.advised_name))
    census = count(look, service)
    ready = readiness.UNPROBED
    if state.phase is Phase.CONVERGING:
        ready = readiness.judge(look, service, census, reading)
    observation = Observation(state.goal, look, service, census, heard, now, ready)
    case = Case(observation, remember(state.memory, observation), state.since)
    rules = PROBATION if state.phase is Phase.PROBATION else CONVERGING
    result, seconds = _ask(rules, case)
    progress = wording.progress(observation, case.memory, _phase_words(case, seconds, result))
    state = replace(state, memory=case.memory, shown=progress)
    return StepResult(_ended(state, result), progress, result, seconds)


def _ask(rules: tuple[Rule, ...], case: Case) -> tuple[Outcome | None, float]:
    seconds = math.inf
    for rule in rules:
        answer = rule.judge(case)
        if isinstance(answer, Outcome):
            return answer, math.inf
        seconds = min(seconds, answer)
    return None, max(seconds, 0.0)


def _ended(state: Convergence, result: Outcome | None) -> Convergence:
    return state if result is None else replace(state, phase=Phase.ENDED, last=result)


def _gone(state: Convergence) -> StepResult:
    goal = state.goal
    verdict, reason = Verdict.SUPERSEDED, "Someone removed the service."
    if state.phase is Phase.PROBATION:
        verdict, reason = Verdict.CONVERGED, "Stable until someone removed the service."
    result = Outcome(verdict, reason)
    progress = ServiceProgress(goal.service, 0, 0, "the service is gone")
    return StepResult(_ended(replace(state, shown=progress), result), progress, result, math.inf)


def _phase_words(case: Case, seconds: float, result: Outcome | None) -> str:
    observation, census = case.observation, case.observation.census
    if result is not None:
        return wording.score(observation)
    if case.since is not None:
        return f"{wording.score(observation)}; watching"
    if census.unplaced:
        waits = f"{plural(len(census.unplaced), 'task')} waiting"
        return f"{waits}: {census.unplaced[0].err}"
    if census.lost:
        node = wording.hostname(observation.look.nodes, census.lost[0].node_id)
        return f"{wording.score(observation)}; waiting for {node}, which is down"
    if case.replacing:
        return f"{wording.score(observation)}; {case.update.value.replace('_', ' ')}"
    if census.surplus and len(census.running) >= census.wanted:
        return f"waiting for {plural(len(census.surplus), 'surplus container')} to stop"
    ready = observation.readiness
    if census.running and not ready.ready:
        return f"{wording.score(observation)}; {ready.words}"
    if census.full and not runs_to_completion(observation.service) and math.isfinite(seconds):
        said = f"all running, {ready.words}" if ready.probed else "all running"
        return f"{said}; must stay stable for {math.ceil(seconds)} s"
    return wording.score(observation)
