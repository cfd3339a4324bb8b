"""Connections to one Redis: for quick commands and for blocking reads.

Every failure of Redis or of its network becomes a StoreUnavailableError within two seconds. Callers
with a loop use their own backoff, and the next call reconnects.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as BrokenConnectionError
from redis.maint_notifications import MaintNotificationsConfig

from bot.domain.errors import StoreFullError, StoreUnavailableError

CONNECT_SECONDS = 1.0
COMMAND_SECONDS = 1.0
CALL_SECONDS = 1.8
BLOCK_SECONDS = 2.0
"""Maximum length of a single blocking read, so that a hanging Redis is noticed soon."""

CONNECTIONS = 500
PROBE_SECONDS = 60

log = logging.getLogger(__name__)

_connected: ContextVar[bool] = ContextVar("_connected", default=False)
"""Whether the present call had a connection, so that it may have been sent."""

Reply: TypeAlias = Any
"""An answer of Redis; each command and each script has its own type."""


class RedisLink:
    """The clients of one Redis, and whether it answers.

    ``password`` is used if the URL has none. ``clock`` counts seconds and never goes back. ``full``
    says that Redis refused new data and has taken none since, as far as ``probe`` knows.
    """

    def __init__(
        self, url: str, password: str = "", *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self.commands = _client(url, password, COMMAND_SECONDS)
        self._waiting = _client(url, password, BLOCK_SECONDS + COMMAND_SECONDS)
        self._answers = True
        self._since = -math.inf
        self.full = False

    @property
    def steady_seconds(self) -> float:
        """How long Redis has answered without a failure seen here; 0.0 while it does not answer."""
        return self._clock() - self._since if self._answers else 0.0

    async def probe(self, key: str) -> None:
        """Write a short-lived value. Raises StoreUnavailableError, also if Redis takes no data."""
        await self.call(lambda redis: redis.set(key, "1", ex=PROBE_SECONDS))
        if self.full:
            log.info("Redis takes new data again")
        self.full = False

    async def call(self, command: Callable[[Redis], Awaitable[object]]) -> Reply:
        """Run one quick command. Raises StoreUnavailableError."""
        async with _cancellable(), self._translated(), asyncio.timeout(CALL_SECONDS):
            return await command(self.commands)

    async def wait(self, stream: str, after: str, seconds: float) -> bool:
        """Wait for an entry of ``stream`` newer than ``after``; False if there was none.

        Waits for at most BLOCK_SECONDS. Raises StoreUnavailableError.
        """
        block = max(1, round(min(seconds, BLOCK_SECONDS) * 1000))
        longest = BLOCK_SECONDS + CALL_SECONDS
        async with _cancellable(), self._translated(), asyncio.timeout(longest):
            return bool(await self._waiting.xread({stream: after}, count=1, block=block))

    async def aclose(self) -> None:
        """Close every connection."""
        await self.commands.aclose()
        await self._waiting.aclose()

    @asynccontextmanager
    async def _translated(self) -> AsyncIterator[None]:
        _connected.set(False)
        try:
            yield
        except (RedisError, OSError, TimeoutError) as error:
            if full := _full(error):
                self._note_full(full)
                raise full from error
            self._answers, self._since = False, self._clock()
            unavailable = _unavailable(error)
            unavailable.doubtful = _connected.get()
            raise unavailable from error
        if not self._answers:
            self._answers, self._since = True, self._clock()

    def _note_full(self, error: StoreFullError) -> None:
        if not self.full:
            log.error("%s %s", error, error.hint)
        self.full = True


def _full(error: Exception) -> StoreFullError | None:
    """The error if Redis answers but takes no new data."""
    if isinstance(error, OutOfMemoryError):
        return StoreFullError(
            "Redis is full, so the bot cannot keep its jobs.",
            hint="Free memory in Redis, or raise its `maxmemory`. Then jobs go on by themselves.",
        )
    if isinstance(error, ReadOnlyError):
        return StoreFullError(
            "Redis is a read-only replica, so the bot cannot keep its jobs.",
            hint="Point REDIS_URL at the primary.",
        )
    if isinstance(error, ResponseError) and "MISCONF" in str(error):
        return StoreFullError(
            "Redis cannot write to its disk, so the bot cannot keep its jobs.",
            hint="Free space on the disk of Redis' node. Then jobs go on by themselves.",
        )
    return None


def _unavailable(error: Exception) -> StoreUnavailableError:
    if isinstance(error, AuthenticationError):
        return StoreUnavailableError(
            "Redis refuses the bot's password, so the bot cannot keep its jobs.",
            hint="Check REDIS_PASSWORD, or the password in REDIS_URL.",
        )
    return StoreUnavailableError(
        "Redis does not answer, so the bot cannot keep its jobs.",
        hint="Check the Redis service.",
    )


@asynccontextmanager
async def _cancellable() -> AsyncIterator[None]:
    """Raise a cancellation that redis-py swallowed.

    redis-py sends within ``asyncio.wait_for``, which on Python 3.11 loses a cancellation that comes
    as the send ends or times out (python/cpython#86296). A task that was already cancelled before
    may continue to make calls, to clean up.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        yield
    finally:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError


class _Pool(ConnectionPool):
    """Notes that a call has a connection: from then on it may have been sent."""

    async def get_connection(self, *args: object, **kwargs: object) -> AbstractConnection:
        connection: AbstractConnection = await super().get_connection(*args, **kwargs)  # type: ignore[no-untyped-call]
        _connected.set(True)
        return connection


def _client(url: str, password: str, timeout: float) -> Redis:
    """A client that repeats a call once if its connection turns out to be broken.

    After a restart of Redis every pooled connection is broken; a call that timed out is not
    repeated. All scripts can safely run twice. Notifications of managed clouds are disabled,
    because with them redis-py does not check whether a pooled connection was closed. It tells Redis
    nothing about itself: for that it would read its own package's metadata for each connection, 7 %
    of the processor time of a bot in a profile of short tests.
    """
    pool = _Pool.from_url(
        url,
        password=password or None,
        decode_responses=True,
        encoding_errors="replace",
        legacy_responses=False,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=timeout,
        retry=Retry(NoBackoff(), 1, supported_errors=(BrokenConnectionError,)),
        max_connections=CONNECTIONS,
        driver_info=None,
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )
    return Redis.from_pool(pool)
