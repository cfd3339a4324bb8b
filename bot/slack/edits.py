"""Edits of the bot's messages: verdicts first, progress as far as the rate limit allows.

Verdicts have priority: progress leaves part of the budget unused and queues behind every waiting
verdict. If an edit of the same message is in progress, a verdict waits for it, so that the verdict
is the last state in Slack. ``bot.slack.pacing`` decides which progress is next.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final
from weakref import WeakValueDictionary

from bot.domain.errors import (
    CannotPostError,
    ChatError,
    ChatLoginError,
    ChatUnavailableError,
    LeaseLostError,
)
from bot.domain.text.message import Message
from bot.ports import Clock, Still
from bot.slack.api import SlackApi
from bot.slack.budget import Budget, Limit
from bot.slack.errors import LayoutError, RateLimitedError
from bot.slack.pacing import KEPT, LONGEST_PAUSE, Key, Pacing
from bot.slack.sending import Sender, while_allowed
from bot.slack.wording import edit_arguments

log = logging.getLogger(__name__)

EDITS: Final = Limit("chat.update", per_minute=30, burst=18)
"""At most 48 edits in any minute; Slack allows 50 per workspace (tier 3)."""
RESERVE: Final = 8
"""Edits of the burst that are reserved for verdicts."""


class Edits:
    """All edits of this process."""

    def __init__(self, api: SlackApi, clock: Clock, budget: Budget, sender: Sender) -> None:
        self._api = api
        self._clock = clock
        self._budget = budget
        self._sender = sender
        self._pacing = Pacing()
        self._lines: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()
        self._still: dict[Key, Still] = {}
        self._wake = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start sending progress."""
        self._loop = asyncio.create_task(self._send_progress(), name="slack-progress")

    async def close(self) -> None:
        """Stop sending progress; an edit in progress finishes first."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.wait([self._loop])
        await asyncio.gather(*self._under_way)

    def posted(self, key: Key, message: Message) -> None:
        """Record that a message was posted with this content."""
        self._pacing.posted(key, message)

    def show(self, key: Key, message: Message, still: Still | None = None) -> None:
        """Request a state of a message; ignored if it was settled before."""
        if self._pacing.show(key, message):
            self._allow(key, still)
            self._wake.set()

    async def forget(self, key: Key) -> None:
        """Drop a message's pending progress, and wait for an edit in progress."""
        self._pacing.forget(key)
        async with self._line(key):
            self._pacing.forget(key)

    async def settle(self, key: Key, message: Message, still: Still | None = None) -> None:
        """Show a message's final state. Raises ChatError on failure."""
        deadline = self._sender.deadline()
        self._pacing.settle(key)
        async with self._line(key):
            await self._insist(key, message, deadline, still)

    async def edit(self, key: Key, message: Message, still: Still | None = None) -> None:
        """Show a state that may change again. Raises ChatError on failure.

        Progress requested since then comes after it.
        """
        deadline = self._sender.deadline()
        self._pacing.reopen(key)
        async with self._line(key):
            await self._insist(key, message, deadline, still)
            self._pacing.posted(key, message)

    def _allow(self, key: Key, still: Still | None) -> None:
        """Remember the function that says whether a message's progress may still be sent."""
        self._still.pop(key, None)
        if still is not None:
            self._still[key] = still
        if len(self._still) > KEPT:
            del self._still[next(iter(self._still))]

    async def _insist(
        self, key: Key, message: Message, deadline: float, still: Still | None = None
    ) -> None:
        async def attempt(said: Message) -> None:
            await while_allowed(still, lambda: self._edit(key, said))

        await self._sender.deliver(message, attempt, EDITS, repeat=True, deadline=deadline)

    def _line(self, key: Key) -> asyncio.Lock:
        """The lock that orders the edits of one message."""
        return self._lines.setdefault(key, asyncio.Lock())

    async def _edit(self, key: Key, message: Message) -> None:
        channel, ts = key
        await self._api.call("chat.update", channel=channel, ts=ts, **edit_arguments(message))

    async def _send_progress(self) -> None:
        while True:
            self._wake.clear()
            try:
                wait = await self._next()
            except Exception:
                log.exception("Progress could not be sent")
                wait = LONGEST_PAUSE
            await self._pause(wait)

    async def _pause(self, seconds: float | None) -> None:
        """Wait for something new, at most ``seconds``."""
        news = asyncio.create_task(self._wake.wait())
        timer = [] if seconds is None else [asyncio.ensure_future(self._clock.sleep(seconds))]
        try:
            await asyncio.wait([news, *timer], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (news, *timer):
                task.cancel()

    async def _next(self) -> float | None:
        """Start the next edit; returns the seconds until the next check, None for no limit."""
        async with self._sender.gate(EDITS):
            turn = self._pacing.turn(self._clock.now())
            if turn is None:
                return None
            wait = turn.wait or self._api.closed_for("chat.update")
            wait = wait or await self._budget.take(
                EDITS.name, EDITS.per_minute, EDITS.burst, RESERVE
            )
            if wait > 0:
                return wait
        return self._begin()

    def _begin(self) -> float:
        now = self._clock.now()
        turn = self._pacing.turn(now)
        message = self._pacing.begin(turn.key, now) if turn else None
        if turn and message:
            task = asyncio.create_task(self._progress(turn.key, message))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return 0.0

    async def _progress(self, key: Key, message: Message) -> None:
        try:
            async with self._line(key):
                if self._pacing.is_dropped(key):
                    self._pacing.skipped(key)
                    return
                still = self._still.get(key)
                await while_allowed(still, lambda: self._edit(key, message))
        except LeaseLostError:
            self._pacing.skipped(key)
        except LayoutError as error:
            log.error("Progress was not shown (%s): %s", error.ref, error)  # noqa: TRY400
            self._pacing.sent(key, message)
        except CannotPostError as error:
            log.warning("Progress can no longer be shown (%s): %s", error.ref, error)
            self._pacing.gone(key)
        except (ChatUnavailableError, ChatLoginError) as error:
            self._pacing.failed(key, message, self._clock.now(), _pause_after(error))
        except ChatError as error:
            log.error("Progress is no longer shown (%s): %s", error.ref, error)  # noqa: TRY400
            self._pacing.gone(key)
        except Exception:
            log.exception("Progress was not shown")
            self._pacing.failed(key, message, self._clock.now(), LONGEST_PAUSE)
        else:
            self._pacing.sent(key, message)
        finally:
            self._wake.set()


def _pause_after(error: ChatError) -> float:
    """Minimum seconds to wait; longer for an invalid token, to avoid a retry every second."""
    if isinstance(error, RateLimitedError):
        return error.retry_after
    if isinstance(error, ChatUnavailableError):
        return 0.0
    log.error("Progress was not shown (%s): %s", error.ref, error)
    return LONGEST_PAUSE
