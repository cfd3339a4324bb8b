"""Time."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Time, so that tests can move it by hand."""

    def now(self) -> float:
        """Unix seconds."""

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds``."""
