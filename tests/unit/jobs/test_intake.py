"""A replica begins a command under its lease; one that it lost, after its former attempt."""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast

from bot.domain.jobs.model import PendingCommand
from bot.jobs.intake import Intake
from bot.ports import Held
from bot.runtime.clock import SystemClock

PENDING = PendingCommand(
    "k3f9ab", "k", "command", "scale 5", "U1", "C1", reply_url="", received=0.0
)


class Kept:
    """A store that has every command for this replica."""

    async def keep_command(self, held: Held) -> Held:
        return held


async def test_a_command_that_this_replica_lost_begins_after_its_former_attempt():
    """It was paused for longer than its lease, and takes over what it was beginning itself."""
    intake, told = Intake(cast("Any", Kept()), SystemClock(), 60.0), []
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            told.append("the first ended")

    async def second() -> None:
        told.append("the second began")
        await go_on.wait()
        told.append(f"adopted: {intake.adopted(PENDING.id)}")
        told.append(f"limited: {intake.still(PENDING.id)() < 60.0}")

    held = Held(PENDING, time.monotonic() + 50.0)
    one = asyncio.create_task(intake.begin(held, first))
    await begun.wait()
    other = asyncio.create_task(intake.begin(held, second, adopted=True))
    await asyncio.wait({one}, timeout=5)
    go_on.set()
    await other

    assert told == ["the first ended", "the second began", "adopted: True", "limited: True"]
    assert not intake.adopted(PENDING.id)
