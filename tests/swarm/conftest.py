"""The desk: Slack, the lab, Redis and a bot between them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from playground.slack import SlackEmulator
from tests.desk import Desk
from tests.lab.redis import RedisServer
from tests.lab.swarm import Lab


@pytest.fixture
async def slack() -> AsyncIterator[SlackEmulator]:
    """A workspace in its strictest setting."""
    async with SlackEmulator(strict=True) as emulator:
        yield emulator


@pytest.fixture
async def empty_desk(
    lab: Lab, slack: SlackEmulator, redis_server: RedisServer
) -> AsyncIterator[Desk]:
    """A desk whose bot is not started yet."""
    desk = Desk(slack, lab, redis_server)
    yield desk
    await desk.close()


@pytest.fixture
async def desk(empty_desk: Desk) -> Desk:
    """A desk with one bot that is ready."""
    await empty_desk.start_bot()
    return empty_desk
