"""Keeps the Home tab fresh for who looks at it.

Slack tells when a person opens the tab, never when they leave it. So it is published at once,
then whenever something changed, for some minutes after the opening: all viewers together by one
look each few seconds, each by one call at most.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.domain.errors import BotError, ChatError
from bot.domain.operations.dashboard import Dashboard
from bot.domain.text.message import Message
from bot.ports import Chat, Clock

log = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
FRESH_SECONDS = 600.0
MOST_VIEWERS = 30
"""With a look each five seconds this could be 360 calls a minute, when everything changes all the
time; then the shared budget for Slack's limit makes rounds last longer."""

Read = Callable[[], Awaitable[Dashboard]]
May = Callable[[str], Awaitable[bool]]
"""Whether a person is an operator. Raises ChatError."""
Render = Callable[[Dashboard, bool, float, float], Message]
"""The tab of a dashboard, for an operator or not, as of a time, kept fresh until another."""


@dataclass(slots=True)
class Viewer:
    """Who opened the tab. ``due`` says that it is to be published whatever it shows; ``shown`` is
    the tab that Slack has, without its times, None while that is not known."""

    until: float
    due: bool = True
    shown: Message | None = None


class Home:
    """One replica's viewers: those whose opening it was told of."""

    def __init__(
        self,
        chat: Chat,
        clock: Clock,
        *,
        every: float = EVERY_SECONDS,
        fresh: float = FRESH_SECONDS,
        most: int = MOST_VIEWERS,
    ) -> None:
        self._chat = chat
        self._clock = clock
        self._every = every
        self._fresh = fresh
        self._most = most
        self._viewers: OrderedDict[str, Viewer] = OrderedDict()
        self._opened = asyncio.Event()

    @property
    def viewers(self) -> tuple[str, ...]:
        """The ids of those for whom the tab is kept fresh, who opened it last at the end."""
        return tuple(self._viewers)

    def opened(self, user: str) -> None:
        """A person looks at the tab now. Who looked the longest ago makes room."""
        until = self._clock.now() + self._fresh
        known = self._viewers.pop(user, None)
        self._viewers[user] = Viewer(until, shown=known.shown if known else None)
        while len(self._viewers) > self._most:
            _ = self._viewers.popitem(last=False)
        self._opened.set()

    async def run(self, read: Read, may: May, render: Render) -> None:
        """Publish what is new until cancelled."""
        while True:
            await self._next()
            try:
                await self._round(read, may, render)
            except BotError as error:
                log.info("the Home tabs wait: %s", error)
            except Exception:
                log.exception("the Home tabs could not be published")

    async def _next(self) -> None:
        """Wait for an opening; with viewers for the next look at the latest."""
        if self._viewers:
            opening = asyncio.create_task(self._opened.wait())
            pause = asyncio.create_task(self._clock.sleep(self._every))
            try:
                await asyncio.wait({opening, pause}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                _ = opening.cancel(), pause.cancel()
        else:
            await self._opened.wait()
        self._opened.clear()

    async def _round(self, read: Read, may: May, render: Render) -> None:
        now = self._clock.now()
        for user in [user for user, viewer in self._viewers.items() if viewer.until < now]:
            del self._viewers[user]
        if not self._viewers:
            return
        board = await read()
        await asyncio.gather(
            *(
                self._publish(user, viewer, board, may, render)
                for user, viewer in list(self._viewers.items())
            )
        )

    async def _publish(
        self, user: str, viewer: Viewer, board: Dashboard, may: May, render: Render
    ) -> None:
        """Bring a viewer's tab up to date; what Slack does not take comes with the next round."""
        try:
            operator = await may(user)
            timeless = render(board, operator, 0.0, 0.0)
            if not viewer.due and viewer.shown == timeless:
                return
            viewer.due = False
            viewer.shown = None
            await self._chat.publish(user, render(board, operator, board.at, viewer.until))
            viewer.shown = timeless
        except ChatError as error:
            log.info("the Home tab of %s waits: %s", user, error)
