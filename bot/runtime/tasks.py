"""Background work that continues after its request was answered; shutdown waits for it.

It covers requests and the tasks that they started.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

log = logging.getLogger(__name__)

CANCEL_TRIES = 5
CANCEL_SECONDS = 1.0

T = TypeVar("T")


class Background:
    """Counts work in progress, keeps references to its tasks, and waits for all of it."""

    def __init__(self) -> None:
        self._count = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def count(self) -> int:
        """The number of things in progress."""
        return self._count

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count one thing as in progress within this block."""
        self._begin()
        try:
            yield
        finally:
            self._end()

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run something in the background; errors are logged. Only ``drain`` waits for it."""
        self.start(work, name).add_done_callback(_log_error)

    def start(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Run something in the background; the caller handles the task's errors."""
        self._begin()
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def drain(self, seconds: float) -> bool:
        """Wait until nothing is in progress; False if that took longer than ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            log.warning("%d requests did not end within %.1f s", self._count, seconds)
            return False
        return True

    async def cancel(self) -> None:
        """Cancel the remaining tasks."""
        await cancel_all(list(self._tasks))

    def _begin(self) -> None:
        self._count += 1
        self._idle.clear()

    def _end(self) -> None:
        self._count -= 1
        if self._count == 0:
            self._idle.set()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        self._end()


def _log_error(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("%s failed", task.get_name(), exc_info=error)


async def together(*works: Coroutine[Any, Any, T]) -> list[T]:
    """The results of several works; when one fails, the others are cancelled and have ended.

    Raises the first error, without a group.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
    except BaseExceptionGroup as ended:
        raise first_error(ended) from None
    return [task.result() for task in tasks]


def first_error(ended: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of a group, at any depth."""
    first = ended.exceptions[0]
    return first_error(first) if isinstance(first, BaseExceptionGroup) else first


async def cancel_all(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks until they have ended, because a client library may swallow a cancellation."""
    for _ in range(CANCEL_TRIES):
        alive = [task for task in tasks if not task.done()]
        if not alive:
            return
        for task in alive:
            task.cancel()
        await asyncio.wait(alive, timeout=CANCEL_SECONDS)
