"""How long to wait before trying again."""

from __future__ import annotations

import random


class Backoff:
    """Doubles from ``first`` to ``most`` seconds, with jitter so that replicas spread out."""

    def __init__(self, first: float = 0.1, most: float = 2.0) -> None:
        self._first = first
        self._most = most
        self._next = first

    def failed(self) -> float:
        """Seconds to wait after one more failure."""
        wait = self._next * random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, no secret
        self._next = min(self._next * 2, self._most)
        return wait

    def worked(self) -> None:
        """Begin anew with the first wait."""
        self._next = self._first
