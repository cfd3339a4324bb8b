"""Follows one service from a change to its verdict."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from bot.domain.convergence import Convergence, Step, step
from bot.domain.errors import SwarmError
from bot.domain.progress import ServiceProgress
from bot.domain.swarm import Task
from bot.domain.verdict import Outcome, Verdict
from bot.loops.backoff import Backoff
from bot.loops.evidence import Evidence
from bot.ports import Clock, Feed, Subscription, Swarm

log = logging.getLogger(__name__)

RECONCILE_SECONDS = 2.0

OnProgress = Callable[[ServiceProgress], None]


class Observer:
    """Drives the pure state machine: hints of the feed and a slow tick lead to looks.

    ``tick`` is the longest time between two looks, in seconds.
    """

    def __init__(
        self, swarm: Swarm, feed: Feed, clock: Clock, *, tick: float = RECONCILE_SECONDS
    ) -> None:
        self._swarm = swarm
        self._feed = feed
        self._clock = clock
        self._tick = tick
        self._evidence = Evidence(swarm)

    async def follow(self, state: Convergence, on_progress: OnProgress) -> Outcome:
        """Look until there is an outcome; ``on_progress`` gets every new progress."""
        goal = state.goal
        async with self._feed.subscribe(frozenset({goal.service_id})) as changes:
            heard: tuple[Task, ...] = ()
            backoff = Backoff()
            while True:
                now = self._clock.now()
                try:
                    look = await self._swarm.look(goal.service_id)
                except SwarmError as error:
                    if now - goal.began > goal.limits.time_limit:
                        return _unseen(error)
                    heard += await self._wait(changes, backoff.failed())
                    continue
                backoff.worked()
                result = step(state, look, heard, self._clock.now())
                state, heard = result.state, ()
                on_progress(result.progress)
                if result.outcome is not None:
                    return await self._evidence.add(result.outcome, look)
                heard = await self._wait(changes, self._until(result))

    def _until(self, result: Step) -> float:
        return max(0.01, min(self._tick, result.look_again_in))

    @staticmethod
    async def _wait(changes: Subscription, seconds: float) -> tuple[Task, ...]:
        hints = await changes.wait(seconds)
        return tuple(hint.task for hint in hints if hint.task is not None)


def _unseen(error: SwarmError) -> Outcome:
    return Outcome(
        Verdict.TIMED_OUT,
        f"The engine did not answer until the time limit: {error.sentence}",
        advice="Look at the manager's engine, then ask for the `status`.",
    )


async def first_of(work: asyncio.Task[None], stop: asyncio.Event) -> bool:
    """Wait for ``work`` or ``stop``; returns whether the work ended. Cancels what is left."""
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
