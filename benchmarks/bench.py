"""The setup for benchmarks: the lab, Redis, the Slack emulator and a bot, on one machine."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playground.slack import SlackEmulator
from tests.desk import Desk
from tests.lab.redis import RedisServer
from tests.lab.swarm import Lab


@asynccontextmanager
async def a_desk(nodes: int = 3) -> AsyncIterator[Desk]:
    """A setup without a bot yet; Slack's rate limits are off, and the connection is loopback."""
    with (
        tempfile.TemporaryDirectory() as folder,
        RedisServer(Path(folder)) as redis,
        Lab(nodes=nodes, managers=nodes) as lab,
    ):
        async with SlackEmulator(enforce_rates=False) as slack:
            desk = Desk(slack, lab, redis, forked=False)
            try:
                yield desk
            finally:
                await desk.close()
