"""The engine's record of a container's end, and when the bot relies on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from bot.domain.swarm.model import Task, TaskState
from bot.swarm.engine import DockerSwarm

TASK = Task("t", "s", 1, "n", TaskState.FAILED, TaskState.SHUTDOWN, container_id="c1")


class Engine:
    """An engine with one container; ``said`` are its answers in turn, the last one repeats."""

    def __init__(self, said: list[bool]) -> None:
        self.said = said
        self.looks = 0

    async def container(self, _: web.Request) -> web.Response:
        """``GET /containers/{id}/json``."""
        killed = self.said[min(self.looks, len(self.said) - 1)]
        self.looks += 1
        return web.json_response({"State": {"OOMKilled": killed}})

    async def ping(self, _: web.Request) -> web.Response:
        """``GET /_ping``."""
        return web.Response(text="OK", headers={"Api-Version": "1.41"})


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[tuple[Engine, DockerSwarm]]:
    """An engine on a socket, and the adapter that speaks to it."""
    spoken = Engine([])
    application = web.Application()
    application.router.add_get("/_ping", spoken.ping)
    application.router.add_get("/v1.41/containers/c1/json", spoken.container)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "d.sock")).start()
    swarm = DockerSwarm(f"unix://{tmp_path / 'd.sock'}")
    yield spoken, swarm
    await swarm.aclose()
    await runner.cleanup()


@pytest.mark.parametrize(
    ("said", "believed", "looks"),
    [([True], True, 1), ([False, False, True], True, 3), ([False], False, 5)],
    ids=["at once", "late", "never"],
)
async def test_a_missing_memory_kill_counts_only_after_a_second_read(
    engine: tuple[Engine, DockerSwarm], said: list[bool], believed: bool, looks: int
):
    """The kernel's report may reach the engine after the container's end."""
    spoken, swarm = engine
    spoken.said = said

    assert await swarm.out_of_memory(TASK) is believed
    assert spoken.looks == looks
