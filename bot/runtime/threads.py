"""Runs blocking calls in daemon threads, so that a hanging call never blocks the exit."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import ParamSpec, TypeVar

IDLE_SECONDS = 30.0

P = ParamSpec("P")
T = TypeVar("T")


class DaemonThreads(ThreadPoolExecutor):
    """The event loop's default executor, for name lookups: a call never waits for another.

    A thread that has nothing to do takes the next call. Starting one would keep the event loop
    until the thread runs: several milliseconds each while other threads compute.

    A lookup cannot be cancelled and takes half a minute if no name server answers (resolv.conf(5):
    ``timeout`` times ``attempts`` for each server). ``asyncio.run`` and the interpreter would wait
    for the pool's threads, so that SIGTERM would end in SIGKILL. It is a subclass of a pool only
    because ``set_default_executor`` accepts nothing else.
    """

    def __init__(self) -> None:
        super().__init__()
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call ``fn`` in an idle thread, or in a new one."""
        future: Future[T] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - passed on unchanged to the awaiting caller
                future.set_exception(error)

        self._calls.put(work)
        if not self._idle.acquire(blocking=False):
            threading.Thread(target=self._serve, name="call", daemon=True).start()
        return future

    def _serve(self) -> None:
        """Run calls; ends after some time without one, unless one is on its way to this thread."""
        while True:
            try:
                self._calls.get(timeout=IDLE_SECONDS)()
            except queue.Empty:
                if self._idle.acquire(blocking=False):
                    return
                continue
            self._idle.release()


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
