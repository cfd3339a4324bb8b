"""Measures how long the event loop is busy: how late it runs a timer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

PROBE_SECONDS: Final = 0.05


async def probe_lag(seen: Callable[[float], None], interval: float = PROBE_SECONDS) -> None:
    """Call ``seen`` with the delay of each timer of ``interval`` seconds, until cancelled.

    Work that keeps the loop busy for less than the interval may not show.
    """
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + interval
        await asyncio.sleep(interval)
        seen(max(0.0, loop.time() - due))
