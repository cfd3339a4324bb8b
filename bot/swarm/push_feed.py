"""The push feed: the managers' own stream of changes, with a delay of some fifty milliseconds.

One stream serves all subscribers of a process. When it breaks, it is resumed at its end, so that
all changes are reported, and every subscriber is also asked to look again. An engine that died
closes the stream. One that hangs, or that lost its leader, is detected by a check when the stream
has been silent for five seconds. (HTTP/2 pings would not detect a swarm without a leader, and Go's
servers treat pings more often than every five minutes as an attack.)
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Final, Protocol

from bot.domain.errors import SwarmError
from bot.domain.swarm.events import Batch, CursorLostError, Event, EventAction
from bot.domain.swarm.model import Availability, Node, NodeState, Task
from bot.ports import FeedChange, FeedStatus
from bot.runtime.backoff import doubled
from bot.swarm.event_stream.client import CHECK_SECONDS
from bot.swarm.event_stream.errors import NoControlSocketError, UntrustedError
from bot.swarm.poll_feed import Mailbox

log = logging.getLogger(__name__)

GRACE_SECONDS: Final = 30.0

_FIRST_BATCH_SECONDS: Final = 1.0
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 2.0
_CATCH_UP_SECONDS: Final = 10.0


class PushSource(Protocol):
    """The source of the stream: ``bot.swarm.event_stream.client.StreamClient``."""

    def stream(self, resume_from: int | None = None) -> AsyncGenerator[Batch, None]:
        """As ``StreamClient.stream``."""


class PushFeed:
    """Implements ``bot.ports.Feed``, and provides the whole stream to consumers that need it.

    The stream is open while there are subscribers, or from ``start`` to ``aclose``. ``up`` is set
    while it is connected; ``down`` when it is not available: there is no usable control socket, or
    it has been lost for ``grace`` seconds. While it reconnects, neither is set. ``silence`` is how
    long the source may send nothing.
    """

    def __init__(
        self,
        source: PushSource,
        *,
        grace: float = GRACE_SECONDS,
        silence: float = CHECK_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.up = asyncio.Event()
        self.down = asyncio.Event()
        self._source = source
        self._grace = grace
        self._silence = silence
        self._clock = clock
        self._mailboxes: set[Mailbox] = set()
        self._listeners: list[Callable[[Batch | None], None]] = []
        self._nodes: dict[str, tuple[NodeState, Availability]] = {}
        self._standing = False
        self._following: asyncio.Task[None] | None = None
        self._version = 0
        self._complete_at = 0.0
        self._failures = 0
        self._trouble = ""
        self._told: type[Exception] | None = None

    def start(self) -> None:
        """Keep the stream open from now on, so that ``status`` always knows its state."""
        self._standing = True
        self._open()

    async def aclose(self) -> None:
        """Undo ``start``; subscriptions continue."""
        self._standing = False
        await self._close_unless_used()

    def subscribe(self, service_ids: frozenset[str]) -> AbstractAsyncContextManager[Mailbox]:
        """Follow these services from now on."""
        return self._subscription(service_ids)

    def listen(self, listener: Callable[[Batch | None], None]) -> None:
        """Call ``listener`` with every batch from now on, and with None when the stream breaks.

        It does not keep the stream open.
        """
        self._listeners.append(listener)

    def status(self) -> FeedStatus:
        """The kind of feed in use and its delay; while it is not used it is never behind."""
        if self._following is None:
            return FeedStatus("push", 0.0)
        lag = self._clock() - self._complete_at
        return FeedStatus(
            "push", max(0.0, lag - self._silence) if self.up.is_set() else lag, self._trouble
        )

    async def events(self, cursor: int | None = None) -> AsyncGenerator[Batch, None]:
        """All changes of the swarm after a version, None: from now on.

        A separate stream that is resumed automatically. A batch without events comes whenever it
        has reconnected and every five seconds without changes: everything up to its version was
        reported. Close it after use (``contextlib.aclosing``).

        Raises:
            CursorLostError: the log was compacted, or stays behind the version for ten seconds.
            NoControlSocketError, UntrustedError: at once, if the stream was never connected.
            SwarmError: the stream was lost for ``grace`` seconds.
        """
        version, since, failures = cursor or None, self._clock(), 0
        was_up, behind = False, None
        while True:
            try:
                async with aclosing(self._source.stream(version)) as batches:
                    async for batch in batches:
                        yield batch
                        version = batch.version or version
                        since, failures, was_up = self._clock(), 0, True
                        behind = self._told = None
            except SwarmError as error:
                behind = _behind_since(behind, error, self._clock())
                lost = self._clock() - (since if behind is None else behind)
                if self._gives_up(error, lost, was_up=was_up):
                    raise
                if not failures:
                    log.info("the stream of events broke: %s", error.sentence)
            await asyncio.sleep(doubled(_FIRST_PAUSE, failures, _LONGEST_PAUSE))
            failures += 1

    def warn(self, error: SwarmError) -> None:
        """Log once why there is no push feed."""
        if type(error) is not self._told:
            self._told = type(error)
            words = " ".join(filter(None, (error.sentence, error.hint)))
            log.warning("the push feed cannot be used: %s", words)

    @asynccontextmanager
    async def _subscription(self, service_ids: frozenset[str]) -> AsyncIterator[Mailbox]:
        mailbox = Mailbox(service_ids)
        self._mailboxes.add(mailbox)
        self._open()
        try:
            if self.up.is_set():
                mailbox.begin()
            else:
                await self._first_batch(mailbox)
            yield mailbox
        finally:
            self._mailboxes.discard(mailbox)
            await self._close_unless_used()

    async def _first_batch(self, mailbox: Mailbox) -> None:
        """Wait briefly for the stream; without it the subscriber looks itself."""
        waits = [asyncio.ensure_future(event.wait()) for event in (mailbox.began, self.down)]
        await asyncio.wait(waits, timeout=_FIRST_BATCH_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        mailbox.late = not mailbox.began.is_set()

    def _open(self) -> None:
        if self._following is None:
            self._complete_at = self._clock()
            self._following = asyncio.create_task(self._follow_for_ever(), name="push feed")

    async def _close_unless_used(self) -> None:
        if self._mailboxes or self._standing or self._following is None:
            return
        following, self._following = self._following, None
        following.cancel()
        self.up.clear()
        self.down.clear()
        self._version, self._failures, self._trouble, self._told = 0, 0, "", None
        await asyncio.gather(following, return_exceptions=True)  # another may have begun since

    async def _follow_for_ever(self) -> None:
        while True:
            try:
                await self._follow()
            except CursorLostError as error:
                log.info("restarting the push feed: %s", error.sentence)
                self._version = 0
            except SwarmError as error:
                self._lose(error)
            except Exception as error:
                log.exception("the push feed failed")
                self._lose(SwarmError(f"The feed failed ({error!r}). See the log."))
            self.up.clear()
            await asyncio.sleep(doubled(_FIRST_PAUSE, self._failures, _LONGEST_PAUSE))
            self._failures += 1

    async def _follow(self) -> None:
        try:
            async with aclosing(self._source.stream(self._version or None)) as batches:
                async for batch in batches:
                    if not self.up.is_set():
                        self._begin()
                    self._complete_at = self._clock()
                    self._version = batch.version or self._version
                    self._tell(batch)
                    self._pass_on(batch)
        finally:
            self._pass_on(None)

    def _begin(self) -> None:
        """The stream is connected: start new subscribers, ask those who lost it to look again."""
        if self._trouble:
            log.info("the push feed is up")
        self._failures, self._trouble, self._told = 0, "", None
        self.up.set()
        self.down.clear()
        for mailbox in self._mailboxes:
            if mailbox.began.is_set():
                mailbox.put(look_again(mailbox))
            mailbox.begin()

    def _lose(self, error: SwarmError) -> None:
        self._trouble = error.sentence
        lost = self._clock() - self._complete_at
        if self._gives_up(error, lost, was_up=self._version > 0):
            self.down.set()
        self.warn(error)

    def _gives_up(self, error: SwarmError, lost: float, *, was_up: bool) -> bool:
        """Whether to give up. A restarting engine has no control socket for a while."""
        if isinstance(error, CursorLostError):
            return not error.ahead or lost > _CATCH_UP_SECONDS
        if isinstance(error, NoControlSocketError | UntrustedError) and not was_up:
            return True
        return lost > self._grace

    def _tell(self, batch: Batch) -> None:
        for event in batch.events:
            if isinstance(event.object, Node):
                if self._node_changed(event.action, event.object):
                    for mailbox in self._mailboxes:
                        mailbox.put(look_again(mailbox))
            else:
                change = _change(event)
                for mailbox in self._mailboxes:
                    mailbox.put((change,))

    def _pass_on(self, batch: Batch | None) -> None:
        for listener in self._listeners:
            listener(batch)

    def _node_changed(self, action: EventAction, node: Node) -> bool:
        if action is EventAction.REMOVE:
            return self._nodes.pop(node.id, None) is not None
        before = self._nodes.get(node.id)
        self._nodes[node.id] = node.state, node.availability
        return before != self._nodes[node.id]


def _change(event: Event) -> FeedChange:
    if isinstance(event.object, Task):
        task = None if event.action is EventAction.REMOVE else event.object
        return FeedChange(event.object.service_id, task)
    return FeedChange(event.object.id)


def look_again(mailbox: Mailbox) -> tuple[FeedChange, ...]:
    """A hint to look again for each service of a mailbox."""
    return tuple(FeedChange(service_id) for service_id in sorted(mailbox.service_ids))


def _behind_since(before: float | None, error: SwarmError, now: float) -> float | None:
    """Since when an answering manager has not known the version, None if it does.

    A manager that was away for long gets time to catch up.
    """
    if not isinstance(error, CursorLostError):
        return None
    return now if before is None else before
