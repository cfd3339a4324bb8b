"""How many calls may be made: a bucket of tokens for each limit of Slack's.

A bucket holds ``burst`` tokens and gains ``per_minute`` evenly. So any minute sees at most
``burst + per_minute`` calls, which is what has to stay below Slack's own number
(https://docs.slack.dev/apis/web-api/rate-limits).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from bot.ports import Clock

ROUNDING: Final = 1e-9


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


def refilled(tokens: float, elapsed: float, per_minute: int, burst: int) -> float:
    """The tokens of a bucket after ``elapsed`` seconds without a call."""
    return min(float(burst), tokens + max(0.0, elapsed) * per_minute / 60)


def shortage(tokens: float, per_minute: int, reserve: int) -> float:
    """Seconds until a bucket has one token above ``reserve``; 0.0 when it has one."""
    lacking = 1 + reserve - tokens
    return lacking * 60 / per_minute if lacking > ROUNDING else 0.0


class LocalBudget:
    """The budget of this process alone."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    async def take(self, name: str, per_minute: int, burst: int, reserve: int = 0) -> float:
        """Take a token if more than ``reserve`` are left; else the seconds to wait."""
        now = self._clock.now()
        self._forget_full(now)
        tokens, since = self._buckets.get(name, (float(burst), now))
        tokens = refilled(tokens, now - since, per_minute, burst)
        wait = shortage(tokens, per_minute, reserve)
        if wait <= 0:
            self._buckets[name] = (tokens - 1, now)
        return wait

    def _forget_full(self, now: float) -> None:
        """Every bucket is full after ten idle minutes, whatever its limit here."""
        if len(self._buckets) > 1000:
            kept = {name: each for name, each in self._buckets.items() if now - each[1] < 600}
            self._buckets = kept
