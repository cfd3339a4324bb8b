"""Follows one service from a change to its verdict."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bot.domain.convergence.machine import Convergence, StepResult, question, step
from bot.domain.convergence.probe_spec import Reading
from bot.domain.errors import SwarmError, SwarmUnavailableError
from bot.domain.jobs.progress import ServiceProgress
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.model import Look, Task
from bot.loops.evidence import EvidenceReader
from bot.ports import Clock, Feed, ProbeClient, Subscription, Swarm
from bot.runtime.backoff import Backoff

log = logging.getLogger(__name__)

RECONCILE_SECONDS = 2.0
LOOK_SECONDS = 10.0

OnProgress = Callable[[ServiceProgress], None]


class Observer:
    """Drives the convergence state machine: hints of the feed and a timer lead to looks.

    If the service has a probe, it is asked after each look. ``tick`` is the maximum time between
    two looks, in seconds.
    """

    def __init__(
        self,
        swarm: Swarm,
        feed: Feed,
        clock: Clock,
        probes: ProbeClient,
        evidence: EvidenceReader,
        *,
        tick: float = RECONCILE_SECONDS,
    ) -> None:
        self._swarm = swarm
        self._feed = feed
        self._clock = clock
        self._probes = probes
        self._tick = tick
        self._evidence = evidence

    async def follow(self, state: Convergence, on_progress: OnProgress) -> Outcome:
        """Look until there is an outcome; ``on_progress`` gets every change of the progress."""
        goal = state.goal
        async with self._feed.subscribe(frozenset({goal.service_id})) as changes:
            heard: tuple[Task, ...] = ()
            backoff = Backoff()
            while True:
                try:
                    look = await self._look(goal.service_id)
                except SwarmError as error:
                    if self._clock.now() - goal.began > goal.limits.time_limit:
                        return _unseen(error)
                    on_progress(_blind(state, error))
                    heard += await self._wait(changes, backoff.failed())
                    continue
                backoff.worked()
                reading = await self._ask(state, look)
                result = step(state, look, heard, self._clock.now(), reading)
                state, heard = result.state, ()
                on_progress(result.progress)
                if result.outcome is not None:
                    return await self._evidence.add(result.outcome, look, state.goal)
                heard = await self._wait(changes, self._until(result))

    async def _look(self, service_id: str) -> Look:
        """A look at the service. Raises SwarmError, also for a slow engine, because people wait."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                return await self._swarm.look(service_id)
        except TimeoutError as error:
            raise SwarmUnavailableError("The engine does not answer.") from error

    async def _ask(self, state: Convergence, look: Look) -> Reading | None:
        probe = question(state, look)
        return await self._probes.ask(probe) if probe else None

    def _until(self, result: StepResult) -> float:
        return max(0.01, min(self._tick, result.look_again_in))

    @staticmethod
    async def _wait(changes: Subscription, seconds: float) -> tuple[Task, ...]:
        hints = await changes.wait(seconds)
        return tuple(hint.task for hint in hints if hint.task is not None)


def _blind(state: Convergence, error: SwarmError) -> ServiceProgress:
    """The last known progress, with a note that the engine does not answer."""
    goal = state.goal
    last = state.shown or ServiceProgress(goal.service, 0, 0, "")
    return replace(last, phase=f"unknown at the moment, still checking: {error.sentence}")


def _unseen(error: SwarmError) -> Outcome:
    return Outcome(
        Verdict.TIMED_OUT,
        f"The engine did not answer before the time limit: {error.sentence}",
        advice="Check the manager's engine, then `status`.",
    )


async def first_of(work: asyncio.Task[Any], stop: asyncio.Event) -> bool:
    """Wait for ``work`` or ``stop``; returns whether the work ended. Cancels the rest."""
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        if not work.done():
            work.cancel()
        await asyncio.gather(work, stopped, return_exceptions=True)
    if work.cancelled():
        return False
    work.result()
    return True
