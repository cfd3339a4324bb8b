"""The probe of the event loop."""

from __future__ import annotations

import asyncio
import time

from bot.runtime.loop_lag import probe_lag

STALL = 0.2
INTERVAL = 0.01


async def test_a_busy_loop_shows_as_the_delay_of_a_timer() -> None:
    """The delay is the stall, less what was left of the timer when it began."""
    delays: asyncio.Queue[float] = asyncio.Queue()
    probing = asyncio.create_task(probe_lag(delays.put_nowait, INTERVAL))
    await delays.get()
    time.sleep(STALL)  # noqa: ASYNC251 - the stall to be measured
    delay = await delays.get()
    probing.cancel()
    assert delay >= STALL - INTERVAL
