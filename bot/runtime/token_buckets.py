"""Token buckets of this process.

A bucket holds at most ``burst`` tokens and gains ``per_minute`` evenly. So at most ``burst +
per_minute`` are taken in any minute.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_ROUNDING: Final = 1e-9
_MANY: Final = 1000
_IDLE_SECONDS: Final = 600.0


class TokenBuckets:
    """Token buckets by name. ``now`` returns seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._buckets: dict[str, tuple[float, float]] = {}

    def __len__(self) -> int:
        """The number of buckets kept."""
        return len(self._buckets)

    def take(self, name: str, per_minute: float, burst: int, reserve: int = 0) -> float:
        """Take a token if more than ``reserve`` are left: 0.0, else the seconds to wait."""
        now = self._now()
        self._forget_full(now)
        tokens, since = self._buckets.get(name, (float(burst), now))
        tokens = min(float(burst), tokens + max(0.0, now - since) * per_minute / 60)
        lacking = 1 + reserve - tokens
        if lacking > _ROUNDING:
            return lacking * 60 / per_minute
        self._buckets[name] = (tokens - 1, now)
        return 0.0

    def _forget_full(self, now: float) -> None:
        """Drop full buckets: every bucket is full after ten idle minutes, whatever its limit."""
        if len(self._buckets) > _MANY:
            kept = self._buckets.items()
            self._buckets = {name: each for name, each in kept if now - each[1] < _IDLE_SECONDS}
