"""The polling feed: for engines without a usable control socket, and as the fallback.

One hub polls for all subscribers together, and only while there are any. It reports hints. A task
that failed and was replaced between two polls is still among the dead tasks that the swarm keeps
(five per slot), so its end is reported too.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Final, Protocol

from bot.domain.errors import SwarmError
from bot.domain.swarm.model import StackLook
from bot.ports import FeedChange, FeedStatus
from bot.runtime.backoff import doubled
from bot.swarm.differences import differences

log = logging.getLogger(__name__)

_BUSY_SHARE: Final = 0.2
_SLOWEST: Final = 2.0
_LONGEST_BACKOFF: Final = 5.0
_FIRST_LOOK_SECONDS: Final = 1.0
_MOST_CHANGES: Final = 512


class PollSource(Protocol):
    """The source to poll."""

    async def services_look(self, service_ids: frozenset[str]) -> StackLook:
        """The existing ones of these services, with their tasks and all nodes."""


class PollFeed:
    """Implements ``bot.ports.Feed``.

    ``interval`` is the shortest pause between two polls in seconds; it grows if a poll takes long,
    so that polling keeps the engine busy for at most a fifth of the time.
    """

    def __init__(
        self,
        source: PollSource,
        *,
        interval: float = 0.2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._interval = interval
        self._clock = clock
        self._mailboxes: set[Mailbox] = set()
        self._known: StackLook | None = None
        self._polling: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._complete_at = 0.0
        self._trouble = ""

    def subscribe(self, service_ids: frozenset[str]) -> AbstractAsyncContextManager[Mailbox]:
        """Follow these services from now on."""
        return self._subscription(service_ids)

    def status(self) -> FeedStatus:
        """The kind of feed in use and its delay; without subscribers it is never behind."""
        lag = self._clock() - self._complete_at if self._mailboxes else 0.0
        return FeedStatus("poll", lag, self._trouble)

    @asynccontextmanager
    async def _subscription(self, service_ids: frozenset[str]) -> AsyncIterator[Mailbox]:
        mailbox = Mailbox(service_ids)
        self._open(mailbox)
        try:
            try:
                async with asyncio.timeout(_FIRST_LOOK_SECONDS):
                    await mailbox.began.wait()
            except TimeoutError:
                mailbox.late = True
            yield mailbox
        finally:
            await self._close(mailbox)

    def _open(self, mailbox: Mailbox) -> None:
        if not self._mailboxes:
            self._complete_at = self._clock()
        self._mailboxes.add(mailbox)
        self._wake.set()
        if self._polling is None:
            self._polling = asyncio.create_task(self._poll_for_ever(), name="poll feed")

    async def _close(self, mailbox: Mailbox) -> None:
        self._mailboxes.discard(mailbox)
        if self._mailboxes or self._polling is None:
            return
        polling, self._polling = self._polling, None
        self._known, self._trouble = None, ""
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)

    async def _poll_for_ever(self) -> None:
        failures = 0
        while True:
            self._wake.clear()
            began = self._clock()
            try:
                await self._poll()
            except SwarmError as error:
                failures += 1
                self._note_trouble(error.sentence)
            except Exception:
                failures += 1
                log.exception("the poll feed failed")
                self._note_trouble("polling failed, see the log")
            else:
                failures = 0
                self._trouble = ""
            await self._pause(self._clock() - began, failures)

    async def _poll(self) -> None:
        began = self._clock()
        wanted = frozenset[str]().union(*(mailbox.service_ids for mailbox in self._mailboxes))
        look = await self._source.services_look(wanted)
        changes = differences(self._known, look) if self._known else ()
        self._known = look
        self._complete_at = began
        for mailbox in self._mailboxes:
            mailbox.put(changes)
            if mailbox.service_ids <= wanted:
                mailbox.begin()

    async def _pause(self, took: float, failures: int) -> None:
        """Sleep until the next poll; a new subscriber ends the pause, except after failures."""
        if failures:
            await asyncio.sleep(doubled(self._interval, failures, _LONGEST_BACKOFF))
            return
        pause = pause_after(took, self._interval, _SLOWEST)
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._wake.wait()

    def _note_trouble(self, sentence: str) -> None:
        if not self._trouble:
            log.warning("polling failed: %s", sentence)
        self._trouble = sentence


def pause_after(took: float, shortest: float, longest: float) -> float:
    """Seconds to pause after a look that took ``took`` seconds."""
    return max(shortest, min(took * (1 / _BUSY_SHARE - 1), longest))


class Mailbox:
    """Implements ``bot.ports.Subscription``: the newest change of each task, in order.

    If they are not read for long, they are reduced to one hint to look again for each service.
    """

    def __init__(self, service_ids: frozenset[str]) -> None:
        self.service_ids = service_ids
        self.began = asyncio.Event()
        self.late = False
        self._changes: dict[tuple[str, str], FeedChange] = {}
        self._filled = asyncio.Event()

    def begin(self) -> None:
        """Note the first look. If it came late, changes may have been missed: ask to look again."""
        if self.late and not self.began.is_set():
            self.put(tuple(FeedChange(service_id) for service_id in sorted(self.service_ids)))
        self.began.set()

    def put(self, changes: tuple[FeedChange, ...]) -> None:
        """Store the changes that concern these services."""
        for change in changes:
            if change.service_id in self.service_ids:
                key = (change.service_id, change.task.id if change.task else "")
                self._changes.pop(key, None)
                self._changes[key] = change
        if len(self._changes) > _MOST_CHANGES:
            services = sorted({service for service, _ in self._changes})
            self._changes = {(service, ""): FeedChange(service) for service in services}
        if self._changes:
            self._filled.set()

    async def wait(self, seconds: float) -> tuple[FeedChange, ...]:
        """All changes since the last call; waits up to ``seconds`` for one, then returns ()."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._filled.wait()
        taken = tuple(self._changes.values())
        self._changes.clear()
        self._filled.clear()
        return taken
