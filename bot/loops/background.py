"""Work that goes on after its request was answered, so that a shutdown can wait for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Coroutine
from typing import Any

log = logging.getLogger(__name__)

CANCEL_TRIES = 5
CANCEL_SECONDS = 1.0


class Background:
    """Tasks that nobody awaits until the drain. What they raise is logged."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Start ``work`` and keep hold of it until it ends."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def drain(self, seconds: float) -> None:
        """Wait up to ``seconds`` for what runs, then cancel the rest."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        await cancel_all(list(self._tasks))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("%s failed", task.get_name(), exc_info=error)


async def cancel_all(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel tasks until they have ended: a client library may swallow a cancellation."""
    for _ in range(CANCEL_TRIES):
        alive = [task for task in tasks if not task.done()]
        if not alive:
            return
        for task in alive:
            task.cancel()
        await asyncio.wait(alive, timeout=CANCEL_SECONDS)
