"""Runs blocking calls in daemon threads, so that a hanging call never blocks the exit."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class DaemonThreads(ThreadPoolExecutor):
    """The event loop's default executor, for name lookups: each call has its own thread.

    A lookup cannot be cancelled and takes half a minute if no name server answers (resolv.conf(5):
    ``timeout`` times ``attempts`` for each server). ``asyncio.run`` and the interpreter would wait
    for the pool's threads, so that SIGTERM would end in SIGKILL. It is a subclass of a pool only
    because ``set_default_executor`` accepts nothing else.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call ``fn`` in its own thread."""
        future: Future[T] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - passed on unchanged to the awaiting caller
                future.set_exception(error)

        threading.Thread(target=work, name="call", daemon=True).start()
        return future


class Threads:
    """Runs blocking functions in threads, at most ``most`` at a time.

    Separate from the default executor, which resolves names for everything: calls to an engine that
    hangs for half a minute must not block lookups.
    """

    def __init__(self, most: int) -> None:
        self._free = asyncio.Semaphore(most)
        self._threads = DaemonThreads()

    async def run(self, call: Callable[[], T]) -> T:
        """Run ``call`` and return its result. If the caller is cancelled, the call continues.

        Its slot is freed when the call has really ended, even if the caller stopped waiting
        earlier.
        """
        await self._free.acquire()
        loop = asyncio.get_running_loop()

        def ended(_: Future[T]) -> None:
            with suppress(RuntimeError):  # the loop is closed, so there is no waiter
                loop.call_soon_threadsafe(self._free.release)

        job = self._threads.submit(call)
        job.add_done_callback(ended)
        return await asyncio.wrap_future(job)
