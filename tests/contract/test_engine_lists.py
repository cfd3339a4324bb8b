"""Lists of an engine that answers in pieces, or not to the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from bot.domain.errors import SwarmError, SwarmUnavailableError
from bot.swarm.engine import DockerSwarm

NODES = (
    b'[{"ID": "n1", "Desc',
    b'ription": {"Hostname": "photon-ma',
    b'chine-01"}}, {"ID": "n2"}]',
)
REFUSED = (b'{"message": "the store ', b'is broken"}')


class Engine:
    """Answers each list with these parts, and then breaks the connection if ``cut``."""

    def __init__(self) -> None:
        self.status = 200
        self.parts: tuple[bytes, ...] = NODES
        self.cut = False

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Any call."""
        if request.path == "/_ping":
            return web.Response(text="OK", headers={"Api-Version": "1.41"})
        answer = web.StreamResponse(status=self.status)
        await answer.prepare(request)
        for part in self.parts:
            await asyncio.sleep(0.01)  # so that each part is sent alone
            await answer.write(part)
        if self.cut and request.transport:
            request.transport.abort()
        return answer


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[tuple[Engine, DockerSwarm]]:
    """An engine in this event loop, and the adapter that speaks to it."""
    spoken = Engine()
    application = web.Application()
    application.router.add_get("/{path:.*}", spoken.serve)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "d.sock")).start()
    swarm = DockerSwarm(f"unix://{tmp_path / 'd.sock'}", timeout=5.0)
    yield spoken, swarm
    await swarm.aclose()
    await runner.cleanup()


async def test_a_list_may_come_in_pieces(engine: tuple[Engine, DockerSwarm]) -> None:
    _, swarm = engine

    assert {node.id: node.hostname for node in await swarm.nodes()} == {
        "n1": "photon-machine-01",
        "n2": "",
    }


async def test_a_list_that_breaks_off_is_an_error(engine: tuple[Engine, DockerSwarm]) -> None:
    spoken, swarm = engine
    spoken.parts, spoken.cut = NODES[:2], True

    with pytest.raises(SwarmUnavailableError):
        await swarm.nodes()


async def test_an_errors_words_are_not_read_in_the_event_loop(
    engine: tuple[Engine, DockerSwarm],
) -> None:
    """They would never come: this engine is in the same loop."""
    spoken, swarm = engine
    spoken.status, spoken.parts = 500, REFUSED

    with pytest.raises(SwarmError, match=r"the store is broken"):
        await swarm.nodes()
