"""Blocking calls beside the event loop, in daemon threads: what hangs keeps nobody waiting."""

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
    """An event loop's default executor, for name lookups: each call has a thread of its own.

    A lookup cannot be cancelled and takes half a minute where no name server answers
    (resolv.conf(5): ``timeout`` times ``attempts`` for each server). ``asyncio.run`` and the
    interpreter would wait for the pool's threads, and SIGTERM be answered with SIGKILL.
    A pool by inheritance alone: ``set_default_executor`` takes nothing else.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call ``fn`` in a thread of its own."""
        future: Future[T] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - handed to who awaits it, as it is
                future.set_exception(error)

        threading.Thread(target=work, name="call", daemon=True).start()
        return future


class Threads:
    """Runs blocking functions; at most ``most`` at a time, the others wait their turn.

    Beside the default executor, which resolves names for everybody: an engine that hangs for half
    a minute does not take its place.
    """

    def __init__(self, most: int) -> None:
        self._free = asyncio.Semaphore(most)
        self._threads = DaemonThreads()

    async def run(self, call: Callable[[], T]) -> T:
        """What ``call`` returns or raises. A cancelled caller leaves it running on its own.

        It gives its place back when it really ended, whoever stopped waiting before.
        """
        await self._free.acquire()
        loop = asyncio.get_running_loop()

        def ended(_: Future[T]) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._free.release)

        job = self._threads.submit(call)
        job.add_done_callback(ended)
        return await asyncio.wrap_future(job)
