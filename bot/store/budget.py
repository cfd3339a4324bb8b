"""Rate limits shared by all replicas."""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.domain.errors import StoreUnavailableError
from bot.runtime.token_buckets import TokenBuckets
from bot.store.connection import RedisLink
from bot.store.keys import Keys, StoreLimits
from bot.store.scripting import Scripts

TRY_AGAIN_SECONDS = 1.0
"""Seconds for which an unavailable Redis is not asked again, so that callers do not wait for it."""


class RedisBudget:
    """Token buckets in Redis; while Redis is unavailable, buckets of this process only."""

    def __init__(
        self,
        link: RedisLink,
        *,
        prefix: str = "orochi",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._link = link
        self._keys = Keys(prefix)
        self._scripts = Scripts(link, self._keys, StoreLimits())
        self._clock = clock
        self._local = TokenBuckets(clock)
        self._not_before = clock()

    async def take(self, name: str, per_minute: float, burst: int, reserve: int = 0) -> float:
        """Take one token of bucket ``name``: 0.0 if granted, else the seconds to wait.

        The bucket has at most ``burst`` tokens and gains ``per_minute``. The last ``reserve``
        tokens are not available to this caller. Never raises.
        """
        if self._clock() >= self._not_before:
            try:
                key = self._keys.budget(name)
                wait = await self._scripts.run("budget", key, per_minute, burst, reserve)
                return int(wait) / 1000
            except StoreUnavailableError:
                self._not_before = self._clock() + TRY_AGAIN_SECONDS
        return self._local.take(name, per_minute, burst, reserve)
