"""Blocking calls beside the event loop, so many at a time and no more.

Each call has a daemon thread of its own: an engine that hangs for half a minute keeps neither
the default executor (which resolves names for everybody) nor the end of the process waiting.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class Threads:
    """Runs blocking functions; at most ``most`` at a time, the others wait their turn."""

    def __init__(self, most: int) -> None:
        self._free = asyncio.Semaphore(most)

    async def run(self, call: Callable[[], T]) -> T:
        """What ``call`` returns or raises. A cancelled caller leaves it running on its own."""
        await self._free.acquire()
        job = _Job(call, asyncio.get_running_loop(), self._free)
        job.start()
        return await job.answer


class _Job(Generic[T]):
    """One call; gives its place back when it really ended, whoever stopped waiting before."""

    def __init__(
        self, call: Callable[[], T], loop: asyncio.AbstractEventLoop, free: asyncio.Semaphore
    ) -> None:
        self._call = call
        self._loop = loop
        self._free = free
        self.answer: asyncio.Future[T] = loop.create_future()

    def start(self) -> None:
        threading.Thread(target=self._work, name="swarm call", daemon=True).start()

    def _work(self) -> None:
        try:
            value = self._call()
        except BaseException as error:  # noqa: BLE001 (handed to the caller as it is)
            failure = error
            self._report(lambda: self.answer.set_exception(failure))
        else:
            self._report(lambda: self.answer.set_result(value))

    def _report(self, settle: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._settle, settle)

    def _settle(self, settle: Callable[[], None]) -> None:
        self._free.release()
        if not self.answer.done():
            settle()
