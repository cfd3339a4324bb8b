"""Delays between retries."""

from __future__ import annotations

import random


def doubled(first: float, failures: int, most: float) -> float:
    """Seconds to wait after ``failures``: ``first`` doubled for each, up to ``most``."""
    return min(first * 2.0 ** min(failures, 30), most)


class Backoff:
    """A delay that doubles from ``first`` to ``most`` seconds, with jitter to spread replicas."""

    def __init__(self, first: float = 0.1, most: float = 2.0) -> None:
        self._first = first
        self._most = most
        self._failures = 0

    def failed(self) -> float:
        """The seconds to wait after one more failure."""
        wait = doubled(self._first, self._failures, self._most)
        self._failures += 1
        return wait * random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, no secret

    def worked(self) -> None:
        """Reset to the first delay."""
        self._failures = 0
