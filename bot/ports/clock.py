"""Time."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """A clock that tests can control."""

    def now(self) -> float:
        """Unix seconds."""

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds``."""
