"""Injected faults: the next calls of a method fail in a chosen way.

A fault is queued for a Web API method, for `response_url`, or for `*` (any call), and is used up by
the calls that it hits, oldest first. `after_effect` says whether the call is carried out before its
answer is lost: then the message exists, and the client cannot know.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from aiohttp import web

from bot.slack.error_words import METHODS, reaction_to
from playground.slack.rates import RateLimits
from playground.slack.refusals import RateLimited, Refusal

Effect = Callable[[], Awaitable[web.Response]]
FaultKind = Literal["error", "status", "rate_limit", "hang", "drop", "slow"]
ANY_METHOD = "*"


@dataclass(frozen=True)
class Fault:
    """One fault: `code` is an error code, `status` an HTTP status, `seconds` a duration."""

    kind: FaultKind
    code: str = ""
    status: int = 500
    seconds: float = 0.0
    after_effect: bool = False


class SlackFaults:
    """The queue of faults for the next calls."""

    def __init__(self, rates: RateLimits) -> None:
        self._rates = rates
        self._queues: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._released = asyncio.Event()

    def fail(self, method: str, code: str, *, times: int = 1, unlisted: bool = False) -> None:
        """Answer `{"ok": false, "error": code}`; the call is not carried out.

        Raises `ValueError` for a word that the method does not have, unless it is `unlisted`: one
        that Slack has added since.
        """
        known = method not in METHODS or reaction_to(method, code) is not None
        if not known and not unlisted:
            raise ValueError(f"{code} is not a word of {method}")
        self._queue(method, Fault("error", code=code), times)

    def status(
        self, method: str, status: int = 500, *, times: int = 1, after_effect: bool = False
    ) -> None:
        """Answer an HTTP status with a body that is not JSON."""
        self._queue(method, Fault("status", status=status, after_effect=after_effect), times)

    def rate_limit(self, method: str, *, retry_after: int = 1, times: int = 1) -> None:
        """Answer 429; calls within `retry_after` seconds are refused too and count as early."""
        self._queue(method, Fault("rate_limit", seconds=retry_after), times)

    def hang(self, method: str, *, times: int = 1, after_effect: bool = False) -> None:
        """Give no answer until `release`, or until the client leaves."""
        self._queue(method, Fault("hang", after_effect=after_effect), times)

    def drop(self, method: str, *, times: int = 1, after_effect: bool = False) -> None:
        """Break the connection instead of answering."""
        self._queue(method, Fault("drop", after_effect=after_effect), times)

    def slow(self, method: str, seconds: float, *, times: int = 1) -> None:
        """Carry out the call at once and answer `seconds` later."""
        self._queue(method, Fault("slow", seconds=seconds, after_effect=True), times)

    def release(self) -> None:
        """Let every hanging call get its answer."""
        self._released.set()
        self._released = asyncio.Event()

    def clear(self) -> None:
        """Remove all queued faults, and release hanging calls."""
        self._queues.clear()
        self.release()

    def pending(self, method: str) -> int:
        """The number of faults that are still queued for a method."""
        return len(self._queues[method])

    async def around(
        self, method: str, channel: str, request: web.Request, effect: Effect
    ) -> web.Response:
        """Carry out a call, or fail it according to the next fault of its method."""
        fault = self._next(method)
        if fault is None:
            return await effect()
        self._refuse(fault, method, channel)
        answer = await effect() if fault.after_effect else None
        await self._delay(fault)
        if fault.kind == "drop" and request.transport is not None:
            request.transport.abort()
        if fault.kind in ("status", "drop"):
            return web.Response(status=fault.status, text="upstream error")
        return answer or await effect()

    def _queue(self, method: str, fault: Fault, times: int) -> None:
        self._queues[method].extend([fault] * times)

    def _next(self, method: str) -> Fault | None:
        for queue in (self._queues[method], self._queues[ANY_METHOD]):
            if queue:
                return queue.popleft()
        return None

    def _refuse(self, fault: Fault, method: str, channel: str) -> None:
        if fault.kind == "error":
            raise Refusal(fault.code)
        if fault.kind == "rate_limit":
            self._rates.close(method, channel, fault.seconds)
            raise RateLimited(int(fault.seconds))

    async def _delay(self, fault: Fault) -> None:
        if fault.kind == "hang":
            await self._released.wait()
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
