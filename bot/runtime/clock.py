"""The real clock."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """The system clock as ``ports.Clock``."""

    def now(self) -> float:
        """Unix seconds."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds``."""
        await asyncio.sleep(seconds)
