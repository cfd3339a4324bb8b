"""The desk: Slack, the lab, Redis and a bot between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from playground.slack import SlackEmulator
from tests.desk import Desk
from tests.lab import images
from tests.lab.redis import RedisServer
from tests.lab.registry import RegistryServer
from tests.lab.swarm import Lab
from tests.swarm.deploying import Folder


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


@pytest.fixture
def folder(empty_desk: Desk, tmp_path: Path) -> Folder:
    """An empty folder of stacks; a bot that starts after it may deploy them."""
    return Folder(empty_desk, tmp_path)


@pytest.fixture
async def registry(lab: Lab, tmp_path: Path) -> AsyncIterator[RegistryServer]:
    """A registry with two versions of an image, `app:1` and `app:2`."""
    folder = tmp_path / "registry"
    folder.mkdir()
    with RegistryServer(lab, folder) as server:
        first, second, _ = images.busy_archives()
        for name, archive in (("app:1", first), ("app:2", second)):
            await asyncio.to_thread(server.push, name, archive)
        yield server
