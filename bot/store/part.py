"""The base class of all parts of the store."""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.ports import acts_until
from bot.store.connection import RedisLink
from bot.store.keys import Keys, StoreLimits
from bot.store.scripting import Scripts

T = TypeVar("T")


class StorePart:
    """One replica's access to the store.

    ``lease_seconds`` is how long a worker keeps a turn without renewing the lease.
    """

    def __init__(
        self,
        link: RedisLink,
        *,
        prefix: str = "orochi",
        lease_seconds: float = 5.0,
        limits: StoreLimits | None = None,
    ) -> None:
        self._link = link
        self._keys = Keys(prefix)
        self._limits = limits or StoreLimits()
        self._scripts = Scripts(link, self._keys, self._limits)
        self._lease_seconds = lease_seconds
        self._consumer = f"{socket.gethostname()}-{secrets.token_hex(4)}"

    async def ping(self) -> None:
        """Raise StoreUnavailableError if Redis does not answer or takes no new data."""
        await self._link.probe(self._keys.probe)

    def _claimed_until(self) -> float:
        """The end of a claim that is made from now on; Redis counts from a later moment."""
        return acts_until(time.monotonic(), self._limits.claim_seconds)


async def claim_safely(claim: Awaitable[T], give_back: Callable[[T], Awaitable[None]]) -> T:
    """The result of ``claim``; if cancelled, it is given back before the cancellation is raised.

    Redis may have executed a claim whose caller was cancelled; without this, nobody would handle
    it.
    """
    claiming = asyncio.ensure_future(claim)
    try:
        return await asyncio.shield(claiming)
    except asyncio.CancelledError:
        await asyncio.wait({claiming})
        if not claiming.cancelled() and claiming.exception() is None:
            await give_back(claiming.result())
        raise
