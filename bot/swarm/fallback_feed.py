"""The push feed if there is a control socket, otherwise the polling feed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from bot.ports import Feed, FeedStatus
from bot.swarm.poll_feed import Mailbox
from bot.swarm.push_feed import PushFeed, look_again

_RECHECK_SECONDS: Final = 0.5


class FallbackFeed:
    """Implements ``bot.ports.Feed`` with ``push``, and with ``poll`` while that is down.

    Subscriptions stay valid when the feed changes; subscribers are asked to look again. While it
    polls, ``status`` says what is wrong with the control socket, or with polling if that fails too.
    The push feed itself logs one warning.
    """

    def __init__(self, push: PushFeed, poll: Feed) -> None:
        self._push = push
        self._poll = poll

    def subscribe(self, service_ids: frozenset[str]) -> AbstractAsyncContextManager[Mailbox]:
        """Follow these services from now on."""
        return self._subscription(service_ids)

    def status(self) -> FeedStatus:
        """The kind of feed in use and its delay."""
        push = self._push.status()
        if not self._push.down.is_set():
            return push
        poll = self._poll.status()
        return FeedStatus("poll", poll.lag, poll.trouble or push.trouble)

    @asynccontextmanager
    async def _subscription(self, service_ids: frozenset[str]) -> AsyncIterator[Mailbox]:
        async with self._push.subscribe(service_ids) as mailbox:
            polls = asyncio.Event()
            polling = asyncio.create_task(self._poll_while_down(mailbox, polls))
            try:
                if self._push.down.is_set():
                    await polls.wait()
                yield mailbox
            finally:
                polling.cancel()
                await asyncio.gather(polling, return_exceptions=True)

    async def _poll_while_down(self, mailbox: Mailbox, polls: asyncio.Event) -> None:
        """Fill the mailbox by polling while the push feed is down."""
        try:
            while True:
                await self._push.down.wait()
                async with self._poll.subscribe(mailbox.service_ids) as changes:
                    if mailbox.began.is_set():
                        mailbox.put(look_again(mailbox))
                    polls.set()
                    while self._push.down.is_set():
                        mailbox.put(await changes.wait(_RECHECK_SECONDS))
        finally:
            polls.set()
