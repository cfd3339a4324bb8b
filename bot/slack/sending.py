"""Sends one message with retries, within the rate limits and for a limited time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar
from weakref import WeakValueDictionary

from bot.domain.errors import ChatUnavailableError
from bot.domain.text.message import Message
from bot.ports import Clock, Still, mind
from bot.runtime.backoff import doubled
from bot.runtime.tasks import cancel_all
from bot.slack.budget import Budget, Limit
from bot.slack.errors import LayoutError, NotSentError, RateLimitedError
from bot.slack.wording import simpler

log = logging.getLogger(__name__)

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 5.0
LONGEST_LOOK: Final = 60.0

T = TypeVar("T")
Attempt = Callable[[Message], Awaitable[T]]


class Sender:
    """Retries for up to ``patience`` seconds, not including the last attempt."""

    def __init__(self, clock: Clock, budget: Budget, patience: float) -> None:
        self._clock = clock
        self._budget = budget
        self._patience = patience
        self._gates: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def deadline(self) -> float:
        """The time at which a call that starts now is given up."""
        return self._clock.now() + self._patience

    def gate(self, limit: Limit) -> asyncio.Lock:
        """The lock that orders waiting callers of one limit."""
        return self._gates.setdefault(limit.name, asyncio.Lock())

    async def deliver(
        self,
        message: Message,
        attempt: Attempt[T],
        limit: Limit | None,
        *,
        repeat: bool,
        deadline: float | None = None,
    ) -> T:
        """Send a message; if Slack rejects the layout, its substitute, or less of it.

        ``repeat`` allows a retry when the result of an attempt is unknown.

        Raises:
            ChatUnavailableError: Slack did not accept it in time.
        """
        until = self.deadline() if deadline is None else deadline
        if message.otherwise is not None:
            try:
                return await self._insist(message, attempt, limit, until, repeat=repeat)
            except LayoutError as error:
                log.error("Sending its substitute (%s): %s", error.ref, error)  # noqa: TRY400
                message = await message.otherwise()
        for less in simpler(message):
            try:
                return await self._insist(message, attempt, limit, until, repeat=repeat)
            except LayoutError as error:
                log.error("Sending less of a message (%s): %s", error.ref, error)  # noqa: TRY400
                message = less
        return await self._insist(message, attempt, limit, until, repeat=repeat)

    async def _insist(
        self,
        message: Message,
        attempt: Attempt[T],
        limit: Limit | None,
        deadline: float,
        *,
        repeat: bool,
    ) -> T:
        failures = 0
        while True:
            if limit is not None:
                await self._take(limit, deadline)
            try:
                return await attempt(message)
            except ChatUnavailableError as error:
                pause = doubled(FIRST_PAUSE, failures, LONGEST_PAUSE)
                wait = error.retry_after if isinstance(error, RateLimitedError) else pause
                known = isinstance(error, RateLimitedError | NotSentError)
                if not (repeat or known) or self._clock.now() + wait > deadline:
                    raise
                log.info("Trying again in %.1f s: %s", wait, error)
            await self._clock.sleep(wait)
            failures += 1

    async def _take(self, limit: Limit, deadline: float) -> None:
        async with self.gate(limit):
            while wait := await self._budget.take(limit.name, limit.per_minute, limit.burst):
                if self._clock.now() + wait > deadline:
                    raise ChatUnavailableError(f"Slack's limit for {limit.name} is used up.")
                await self._clock.sleep(wait)


async def while_allowed(still: Still | None, call: Callable[[], Awaitable[T]]) -> T:
    """Make a call that ends, at the latest, when the caller may not act any more.

    A silent network would otherwise deliver it after what another replica has sent meanwhile.

    Raises:
        LeaseLostError: the caller may not act; nothing was sent.
        ChatUnavailableError: the call was ended; it is unknown whether it had an effect.
    """
    mind(still)
    if still is None:
        return await call()
    calling = asyncio.ensure_future(call())
    try:
        while not calling.done() and (left := still()) > 0:
            await asyncio.wait({calling}, timeout=min(left, LONGEST_LOOK))
        if not calling.done():
            raise ChatUnavailableError("Slack did not answer while this replica could act.")
        return calling.result()
    finally:
        await cancel_all([calling])
