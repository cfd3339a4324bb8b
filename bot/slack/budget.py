"""How many calls may be made: a bucket of tokens for each limit of Slack's.

A bucket holds ``burst`` tokens and gains ``per_minute`` evenly. So any minute sees at most
``burst + per_minute`` calls, which is what has to stay below Slack's own number
(https://docs.slack.dev/apis/web-api/rate-limits).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.ports import Clock
from bot.runtime.token_buckets import TokenBuckets


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: ``name`` of its bucket, tokens gained each minute, most tokens at once."""

    name: str
    per_minute: int
    burst: int


class Budget(Protocol):
    """Tokens for calls; one bucket for each name."""

    async def take(self, name: str, per_minute: int, burst: int, reserve: int = 0) -> float:
        """Take a token if more than ``reserve`` are left.

        Returns 0.0 when it was taken, else the seconds after which to try again (nothing was
        taken then).
        """


class LocalBudget:
    """The budget of this process alone."""

    def __init__(self, clock: Clock) -> None:
        self._buckets = TokenBuckets(clock.now)

    async def take(self, name: str, per_minute: int, burst: int, reserve: int = 0) -> float:
        """Take a token if more than ``reserve`` are left; else the seconds to wait."""
        return self._buckets.take(name, per_minute, burst, reserve)
