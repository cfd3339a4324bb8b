"""Rate limits: a token bucket for each of Slack's limits.

A bucket holds at most ``burst`` tokens and gains ``per_minute`` evenly. So any minute has at most
``burst + per_minute`` calls, which must stay below Slack's own limit
(https://docs.slack.dev/apis/web-api/rate-limits).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.ports import Clock
from bot.runtime.token_buckets import TokenBuckets


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: its bucket's ``name``, tokens gained per minute, and maximum tokens."""

    name: str
    per_minute: int
    burst: int


class Budget(Protocol):
    """Tokens for calls; one bucket for each name."""

    async def take(self, name: str, per_minute: int, burst: int, reserve: int = 0) -> float:
        """Take a token if more than ``reserve`` are left.

        Returns 0.0 if it was taken, else the seconds to wait before trying again (no token was
        taken).
        """


class LocalBudget:
    """The budget of this process only."""

    def __init__(self, clock: Clock) -> None:
        self._buckets = TokenBuckets(clock.now)

    async def take(self, name: str, per_minute: int, burst: int, reserve: int = 0) -> float:
        """Take a token if more than ``reserve`` are left; else the seconds to wait."""
        return self._buckets.take(name, per_minute, burst, reserve)
