"""Waiting in line, for each of some names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary


class Lines:
    """One line for each name: who came first goes first, different names side by side."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def through(self, names: Iterable[str]) -> AsyncIterator[None]:
        """Wait until it is one's turn in all of these lines; sorted, so that nobody deadlocks."""
        locks = [self._locks.setdefault(name, asyncio.Lock()) for name in sorted(set(names))]
        async with AsyncExitStack() as stack:
            for lock in locks:
                await stack.enter_async_context(lock)
            yield
