"""Watchers as processes, to be killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from bot.demo.slack import Message, SlackEmulator
from tests.contract.watcher_kit import CHANNEL
from tests.lab.redis import RedisServer


class Crew:
    """Watcher processes, forked from one that is ready."""

    def __init__(self, nursery: Process) -> None:
        self._nursery = nursery
        self.members: list[int] = []

    async def hire(self) -> None:
        """One more."""
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write(b"one more\n")
        self.members.append(int(await self._nursery.stdout.readline()))

    def lose(self, index: int) -> None:
        """SIGKILL one."""
        os.kill(self.members.pop(index), signal.SIGKILL)


@asynccontextmanager
async def a_crew(
    redis: RedisServer, slack: SlackEmulator, head: Path, start: float, factor: float
) -> AsyncIterator[Crew]:
    """Nobody in it yet; all end with the block."""
    places = (redis.url, slack.base_url, slack.tokens.bot, str(head), str(start), str(factor))
    with (head.parent / "watchers.log").open("wb") as log:
        nursery = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.contract.watcher_process", *places),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    try:
        yield Crew(nursery)
    finally:
        with suppress(ProcessLookupError):
            nursery.kill()
        await nursery.wait()


def alerts(slack: SlackEmulator) -> list[Message]:
    """Every incident's message."""
    return [message for message in slack.workspace.in_channel(CHANNEL) if message.payload]
