"""Real time."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """The machine's own clock, as ``ports.Clock``."""

    def now(self) -> float:
        """Unix seconds."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds``."""
        await asyncio.sleep(seconds)
