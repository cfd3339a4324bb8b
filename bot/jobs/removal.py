"""Follows removed services until their containers are gone."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable

from bot.domain.errors import SwarmError
from bot.domain.jobs.progress import ServiceProgress
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.model import Node, NodeState, Task
from bot.jobs.context import Context
from bot.jobs.engine_calls import in_time
from bot.jobs.follower import Following, at
from bot.loops.job_lease import JobLease
from bot.runtime.backoff import Backoff
from bot.runtime.tasks import together

TICK = 1.0
"""Maximum seconds between two looks."""


class Removing:
    """Follows removals to their outcomes."""

    def __init__(self, ctx: Context, following: Following) -> None:
        self._ctx = ctx
        self._following = following

    async def follow(self, lease: JobLease, indexes: Iterable[int]) -> None:
        """Follow the targets that have no outcome yet, in parallel."""
        left = [index for index in indexes if at(lease.job.outcomes, index) is None]
        look = _SharedLook(self._ctx, frozenset(lease.job.targets[i].service_id for i in left))
        await together(*(self._follow(lease, index, look) for index in left))

    async def _follow(self, lease: JobLease, index: int, look: _SharedLook) -> None:
        target = lease.job.targets[index]
        late = (target.applied or self._ctx.clock.now()) + self._ctx.limits.time_limit
        backoff = Backoff()
        outcome: Outcome | None = None
        async with self._ctx.feed.subscribe(frozenset({target.service_id})) as changes:
            while outcome is None:
                alive: list[Task] | None = None
                try:
                    alive = await look.alive(target.service_id)
                except SwarmError as error:
                    self._following.progress(lease, index, _blind(target.service, error))
                    await self._ctx.clock.sleep(backoff.failed())
                else:
                    backoff.worked()
                outcome = _judged(alive, late=self._ctx.clock.now() > late)
                if alive:
                    self._following.progress(lease, index, _progress(target.service, alive))
                    await changes.wait(TICK)
        await lease.note(lease.job.with_outcome(index, outcome))
        self._following.show(lease)


class _SharedLook:
    """Looks at the tasks of all followed services at once: each look is at the whole swarm.

    Everybody who asks while a look is in progress gets the result of the next one.
    """

    def __init__(self, ctx: Context, services: frozenset[str]) -> None:
        self._ctx = ctx
        self._services = services
        self._lock = asyncio.Lock()
        self._order = itertools.count(1)
        self._began = 0
        self._seen: list[Task] | SwarmError = []

    async def alive(self, service_id: str) -> list[Task]:
        """The tasks of a service whose containers still run, as far as known; not older than this.

        Raises SwarmError.
        """
        asked = next(self._order)
        async with self._lock:
            if self._began < asked:
                began = next(self._order)
                self._seen = await self._look()
                self._began = began  # a look that was cancelled tells nobody anything
        if isinstance(self._seen, SwarmError):
            raise self._seen
        return [task for task in self._seen if task.service_id == service_id]

    async def _look(self) -> list[Task] | SwarmError:
        try:
            tasks = await in_time(self._ctx.swarm.tasks_of(self._services))
            down = _down(await in_time(self._ctx.swarm.nodes()))
        except SwarmError as error:
            return error
        return [task for task in tasks if not task.state.over and task.node_id not in down]


def _down(nodes: Iterable[Node]) -> frozenset[str]:
    return frozenset(node.id for node in nodes if node.state is NodeState.DOWN)


def _progress(name: str, alive: list[Task]) -> ServiceProgress:
    word = "container" if len(alive) == 1 else "containers"
    return ServiceProgress(name, len(alive), 0, f"removed; waiting for {len(alive)} {word} to stop")


def _blind(name: str, error: SwarmError) -> ServiceProgress:
    words = f"unknown at the moment, still checking: {error.sentence}"
    return ServiceProgress(name, 0, 0, words)


def _judged(alive: list[Task] | None, *, late: bool) -> Outcome | None:
    """The outcome after all tasks stopped or the time is over; ``alive`` is None if unknown."""
    if alive is not None and not alive:
        return Outcome(Verdict.CONVERGED, "Removed. All tasks have stopped.")
    return _late(alive) if late else None


def _late(alive: list[Task] | None) -> Outcome:
    running = len(alive or ())
    reason = "Removed, but it is unknown whether its containers stopped."
    if running:
        reason = f"Removed, but {running} of its containers did not stop."
    advice = "Check why they do not stop. The swarm keeps trying."
    return Outcome(Verdict.TIMED_OUT, reason, advice, running=running)
