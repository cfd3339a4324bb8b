"""Keeps the Home tab up to date for the people who view it.

Slack reports when a person opens the tab, but not when they leave it. So the tab is published
immediately, and then after every change for some minutes. One look every few seconds serves all
viewers, and each viewer needs one call at most.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.domain.errors import BotError, ChatError, ChatLoginError, ChatUnavailableError
from bot.domain.operations.dashboard import Dashboard
from bot.domain.text.message import Message
from bot.ports import Chat, Clock

log = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
FRESH_SECONDS = 600.0
MOST_VIEWERS = 30
"""Limits the calls to Slack.

With a look every five seconds, constant changes could cause 360 calls a minute; then the shared
rate limit makes the rounds longer.
"""

CLOSED = Message("Only members of the workspace where this bot is installed can see this.")
"""The tab of somebody who may not see it."""

Read = Callable[[], Awaitable[Dashboard]]
May = Callable[[str], Awaitable[bool | None]]
"""Whether a person is an operator; None if they may not see the tab. Raises ChatError."""
Render = Callable[[Dashboard, bool, float, float], Message]
"""Renders a dashboard: for an operator or not, the present time, and the end of updates."""


@dataclass(slots=True)
class Viewer:
    """A person who opened the tab.

    ``due`` says that it must be published whatever it shows. ``shown`` is the tab that Slack has,
    without its times, None if unknown.
    """

    until: float
    due: bool = True
    shown: Message | None = None


class Home:
    """The viewers whose opening of the tab was reported to this replica."""

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
        """The ids of the viewers whose tab is kept up to date; the latest to open it comes last."""
        return tuple(self._viewers)

    def opened(self, user: str) -> None:
        """A person opened the tab; if there are too many viewers, the oldest is dropped."""
        until = self._clock.now() + self._fresh
        known = self._viewers.pop(user, None)
        self._viewers[user] = Viewer(until, shown=known.shown if known else None)
        while len(self._viewers) > self._most:
            _ = self._viewers.popitem(last=False)
        self._opened.set()

    async def run(self, read: Read, may: May, render: Render) -> None:
        """Publish changes until cancelled."""
        while True:
            await self._next()
            try:
                await self._round(read, may, render)
            except BotError as error:
                log.info("the Home tabs wait: %s", error)
            except Exception:
                log.exception("the Home tabs could not be published")

    async def _next(self) -> None:
        """Wait for an opening; while there are viewers, at most until the next look."""
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
        """Update a viewer's tab; if Slack does not accept it, the next round tries again."""
        try:
            operator = await may(user)
            if operator is None:
                await self._refuse(user, viewer)
                return
            timeless = await asyncio.to_thread(render, board, operator, 0.0, 0.0)
            if not viewer.due and viewer.shown == timeless:
                return
            viewer.due = False
            viewer.shown = None
            tab = await asyncio.to_thread(render, board, operator, board.at, viewer.until)
            await self._chat.publish(user, tab)
            viewer.shown = timeless
        except (ChatUnavailableError, ChatLoginError) as error:
            log.info("the Home tab of %s waits: %s", user, error)
        except ChatError as error:
            log.warning("the Home tab of %s is left alone: %s", user, error)
            self._drop(user, viewer)

    async def _refuse(self, user: str, viewer: Viewer) -> None:
        await self._chat.publish(user, CLOSED)
        self._drop(user, viewer)

    def _drop(self, user: str, viewer: Viewer) -> None:
        """Leave a viewer's tab alone until they open it again."""
        if self._viewers.get(user) is viewer:
            del self._viewers[user]
