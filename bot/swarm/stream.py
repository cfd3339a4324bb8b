"""All changes of the swarm: by push if possible, otherwise by polling.

By push nothing is missed: the managers' log is resumed from the last handled version. Polling
reports the differences between two looks; a task that failed and was replaced between them is still
among the dead tasks that the swarm keeps (five per slot).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Protocol

from bot.domain.errors import SwarmError
from bot.domain.swarm.events import Batch, CursorLostError, Listing
from bot.domain.swarm.model import StackLook
from bot.runtime.backoff import doubled
from bot.swarm.differences import events_between
from bot.swarm.poll_feed import pause_after

log = logging.getLogger(__name__)

RETRY_SECONDS: Final = 30.0

_SLOWEST: Final = 10.0
_FIRST_BACKOFF: Final = 0.2
_LONGEST_BACKOFF: Final = 5.0


class Push(Protocol):
    """The stream by push: ``bot.swarm.push_feed.PushFeed``."""

    def events(self, cursor: int | None = None) -> AsyncGenerator[Batch, None]:
        """As ``PushFeed.events``."""

    def warn(self, error: SwarmError) -> None:
        """As ``PushFeed.warn``."""


class LookSource(Protocol):
    """The source of looks: ``bot.swarm.engine.DockerSwarm``."""

    async def stack_look(self, stack: str) -> StackLook:
        """Every service of the swarm when ``stack`` is empty."""

    async def whole_look(self) -> StackLook:
        """The same for repeated looks."""


@dataclass
class _Position:
    """The last version that a follower handled; None if there is none or it was lost."""

    version: int | None


class SwarmStream:
    """Implements ``bot.ports.Stream``; each follower has its own stream.

    ``push`` None means polling only. ``interval`` is the shortest pause between two polls in
    seconds; it grows up to ten if a look takes long, so that polling keeps the engine busy for at
    most a fifth of the time. While it polls, push is tried again every ``retry`` seconds.
    """

    def __init__(
        self,
        push: Push | None,
        swarm: LookSource,
        *,
        interval: float = 1.0,
        retry: float = RETRY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._push = push
        self._swarm = swarm
        self._interval = interval
        self._retry = retry
        self._clock = clock
        self._blind = False

    async def follow(self, cursor: int | None) -> AsyncGenerator[Listing | Batch, None]:
        """A listing and then all later changes, until closed. As in ``bot.ports.Stream``.

        Polled batches have version 0: keep the earlier cursor then.
        """
        place = _Position(cursor or None)
        while True:
            for way in (self._pushed, self._polled):
                async with aclosing(way(place)) as told:
                    async for one in told:
                        yield one

    async def _pushed(self, place: _Position) -> AsyncGenerator[Listing | Batch, None]:
        """Listings and batches by push, until that is not available (any more)."""
        while self._push is not None:
            try:
                async with (
                    aclosing(self._push.events(place.version)) as batches,
                    aclosing(self._listed(batches, place)) as told,
                ):
                    async for one in told:
                        yield one
            except CursorLostError as error:
                _lose(place, error)
            except SwarmError as error:
                self._push.warn(error)
                return
            except Exception:
                log.exception("the stream of the swarm's changes failed")
                return

    async def _listed(
        self, batches: AsyncIterator[Batch], place: _Position
    ) -> AsyncGenerator[Listing | Batch, None]:
        """A listing made after the stream was connected, so that no change is lost in between."""
        resumed = place.version is not None
        first = await anext(batches)
        # In no variable: it would keep the first look at ten thousand tasks for ever.
        yield Listing(await self._look_until_seen(), first.version, resumed)
        place.version = first.version or place.version
        async for batch in batches:
            yield batch
            place.version = batch.version or place.version

    async def _look_until_seen(self) -> StackLook:
        failures = 0
        while (look := await self._look(lambda: self._swarm.stack_look(""))) is None:
            await asyncio.sleep(doubled(_FIRST_BACKOFF, failures, _LONGEST_BACKOFF))
            failures += 1
        return look

    async def _polled(self, place: _Position) -> AsyncGenerator[Listing | Batch, None]:
        """A listing and batches by polling, until push is available.

        If even the first look fails, the engine is unavailable: then it ends too, because push is
        better to start with when the engine is back.
        """
        known: StackLook | None = None
        failures = 0
        pushing = asyncio.create_task(self._until_pushed(place), name="control socket")
        try:
            while not pushing.done():
                began = self._clock()
                look = await self._look(self._swarm.whole_look)
                if look is None:
                    pause = doubled(_FIRST_BACKOFF, failures, _LONGEST_BACKOFF)
                    failures += 1
                else:
                    pause = pause_after(self._clock() - began, self._interval, _SLOWEST)
                    yield _news(known, look)
                    known, failures = look, 0
                await asyncio.wait({pushing}, timeout=pause)
                if known is None and self._push is not None:
                    return
        finally:
            pushing.cancel()
            await asyncio.gather(pushing, return_exceptions=True)

    async def _until_pushed(self, place: _Position) -> None:
        """Return when push is available."""
        if self._push is None:
            await asyncio.Event().wait()
            return
        while True:
            await asyncio.sleep(self._retry)
            try:
                async with aclosing(self._push.events(place.version)) as batches:
                    await anext(batches)
            except CursorLostError as error:
                _lose(place, error)
                return
            except SwarmError as error:
                self._push.warn(error)
            else:
                log.info("the swarm's changes are pushed again")
                return

    async def _look(self, looking: Callable[[], Awaitable[StackLook]]) -> StackLook | None:
        """A look, None if it failed; failures are logged once."""
        try:
            look = await looking()
        except SwarmError as error:
            trouble = error.sentence
        except Exception:
            log.exception("a look at the swarm failed")
            trouble = "it failed"
        else:
            self._blind = False
            return look
        if not self._blind:
            log.warning("cannot read the swarm: %s", trouble)
        self._blind = True
        return None


def _lose(place: _Position, error: CursorLostError) -> None:
    """Drop the position: everything is read again."""
    log.warning(
        "cannot resume the swarm's changes from version %s, reading everything again: %s",
        place.version,
        error.sentence,
    )
    place.version = None


def _news(known: StackLook | None, look: StackLook) -> Listing | Batch:
    if known is None:
        return Listing(look, 0, resumed=False)
    return Batch(events_between(known, look), 0)
