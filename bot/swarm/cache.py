"""Looks at the whole swarm from memory, while the push feed says all that changes.

The first look is read from the engine and kept; the feed's events update it. Services that changed
since are read again, and the nodes always, which also shows that the swarm has a leader. While
there is no push feed, or it is behind, every look is read from the engine. After an interruption
the kept look is dropped, because changes may have been missed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from bot.domain.swarm.cached import CachedSwarm
from bot.domain.swarm.events import Batch, Event
from bot.domain.swarm.model import Look, Node, Service, StackLook
from bot.ports import FeedStatus

_LATEST: Final = 1.0
"""Seconds that the feed may be behind."""
_MOST_STALE: Final = 20
"""With more changed services it is quicker to read everything."""
_TRIES: Final = 3


class LookSource(Protocol):
    """The source of looks: ``bot.swarm.engine.DockerSwarm``."""

    async def look(self, service_id: str) -> Look:
        """One service with its tasks."""

    async def stack_look(self, stack: str) -> StackLook:
        """Every service of the swarm when ``stack`` is empty."""

    async def services(self, stack: str = "") -> tuple[Service, ...]:
        """Every service of the swarm when ``stack`` is empty, by name."""

    async def nodes(self) -> tuple[Node, ...]:
        """All nodes by hostname."""


class PushedBatches(Protocol):
    """The batches of the push feed: ``bot.swarm.push_feed.PushFeed``."""

    def listen(self, listener: Callable[[Batch | None], None]) -> None:
        """As ``PushFeed.listen``."""

    def status(self) -> FeedStatus:
        """The delay of the feed."""


class SwarmCache:
    """Implements ``bot.ports.Looks``. ``push`` None: every look is read from the engine."""

    def __init__(self, swarm: LookSource, push: PushedBatches | None) -> None:
        self._swarm = swarm
        self._push = push
        self._connected = False
        self._cached: CachedSwarm | None = None
        self._reading: list[Event] | None = None
        self._updating: asyncio.Task[CachedSwarm | None] | None = None
        if push is not None:
            push.listen(self._hear)

    async def stack_look(self, stack: str) -> StackLook:
        """A look as in ``bot.ports.Swarm.stack_look``, at most seconds old."""
        cached = await self._updated()
        if cached is None:
            return await self._swarm.stack_look(stack)
        nodes = await self._swarm.nodes()
        return cached.look(stack, nodes, time.time())

    async def services(self, stack: str) -> tuple[Service, ...]:
        """As in ``bot.ports.Looks``; the whole swarm is not read only for them."""
        cached = await self._updated() if self._cached is not None else None
        return await self._swarm.services(stack) if cached is None else cached.services(stack)

    async def _updated(self) -> CachedSwarm | None:
        """As ``_current``, read once for all who ask meanwhile.

        It goes on if they stop waiting: a large swarm takes long to read, and the next look needs
        the same.
        """
        if self._updating is None or self._updating.done():
            self._updating = asyncio.create_task(self._current(), name="cache of the swarm")
            self._updating.add_done_callback(lambda task: task.cancelled() or task.exception())
        return await asyncio.shield(self._updating)

    def _hear(self, batch: Batch | None) -> None:
        self._connected = batch is not None
        if batch is None:
            self._cached = self._reading = None
            return
        if self._reading is not None:
            self._reading += batch.events
        if self._cached is not None:
            self._cached.take(batch.events)

    async def _current(self) -> CachedSwarm | None:
        """The cache without anything to be read again; None if there is none that can be used."""
        for _ in range(_TRIES):
            if not self._follows():
                return None
            cached = self._cached
            if cached is None or cached.outdated or len(cached.stale) > _MOST_STALE:
                await self._read_all()
            elif cached.stale:
                await self._read_again(cached)
            if self._cached is not None and not self._cached.stale and not self._cached.outdated:
                return self._cached if self._follows() else None
        return None

    def _follows(self) -> bool:
        return self._connected and self._push is not None and self._push.status().lag <= _LATEST

    async def _read_all(self) -> None:
        with self._heard() as since:
            look = await self._swarm.stack_look("")
            if self._reading is not since:
                return
            cached = CachedSwarm(look)
            cached.take(since)
            self._cached = cached

    async def _read_again(self, cached: CachedSwarm) -> None:
        ids = sorted(cached.stale)
        with self._heard() as since:
            looks = await asyncio.gather(*map(self._swarm.look, ids))
            if self._reading is not since:
                return
            for service_id, look in zip(ids, looks, strict=True):
                cached.put(service_id, look)
            cached.take(since)

    @contextmanager
    def _heard(self) -> Iterator[list[Event]]:
        """The events since the beginning of this block; after an interruption it is not current."""
        since: list[Event] = []
        self._reading = since
        try:
            yield since
        finally:
            self._reading = None
