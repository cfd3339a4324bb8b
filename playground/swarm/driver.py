"""Advances a simulation with the real clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from playground.swarm.simulation import Simulation
from playground.swarm.timeline import FOR_EVER


class Driver:
    """Runs everything that is due. ``clock`` returns Unix seconds."""

    def __init__(self, simulation: Simulation, clock: Callable[[], float] = time.time) -> None:
        self._simulation = simulation
        self._clock = clock
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start."""
        self._task = asyncio.create_task(self._run(), name="simulated swarm")

    async def stop(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def catch_up(self) -> None:
        """Run what is due by now; call it before and after each read or change."""
        self._simulation.advance(self._clock())
        self._woken.set()

    async def _run(self) -> None:
        while True:
            self._simulation.advance(self._clock())
            self._woken.clear()
            at = self._simulation.timeline.next_at
            pause = None if at == FOR_EVER else max(at - self._clock(), 0.0)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._woken.wait()
