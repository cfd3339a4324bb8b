"""The HTTP port: nobody can keep it busy, and its checks are bounded."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from bot.domain.text.message import Message
from bot.http.metrics import Metrics
from bot.http.server import Web
from bot.ports import Request
from bot.slack import app, http_mode
from tests.contract.slack_side import COMMAND, MODES, connected

DOCKERFILE = Path(__file__).parents[2] / "Dockerfile"


async def nothing() -> None:
    """A part that works."""


@asynccontextmanager
async def serving(
    checks: dict[str, Callable[[], Awaitable[None]]], host: str = "127.0.0.1", **limits: float
) -> AsyncIterator[Web]:
    server = Web(checks, Metrics(), **limits)
    await server.start(host, 0)
    try:
        yield server
    finally:
        await server.stop()


async def read(server: Web, path: str) -> tuple[int, str]:
    url = f"http://127.0.0.1:{server.port}{path}"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.text()


async def closed_after(server: Web, first: bytes, more: bytes) -> bytes:
    """What comes back on a connection that sends ``more`` until it is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(first)
    answer = asyncio.create_task(reader.read())
    try:
        async with asyncio.timeout(10):
            while not answer.done():
                writer.write(more)
                await asyncio.wait([answer], timeout=0.05)
            return b"" if answer.exception() else answer.result()
    finally:
        writer.close()


async def test_endless_headers_are_cut_off():
    async with serving({}, idle=0.5) as server:
        await closed_after(server, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ", b"a")
        assert (await read(server, "/healthz"))[0] == 200


async def test_a_silent_connection_is_closed():
    async with serving({}, idle=0.5) as server:
        assert await closed_after(server, b"", b"") == b""


async def test_a_request_in_progress_is_not_cut_off():
    async def slow(_request: web.Request) -> web.Response:
        await asyncio.sleep(1.0)
        return web.Response(text="done")

    server = Web({}, Metrics(), idle=0.3)
    server.app.add_routes([web.get("/slow", slow)])
    await server.start("127.0.0.1", 0)
    try:
        assert await read(server, "/slow") == (200, "done")
    finally:
        await server.stop()


async def test_an_endless_body_is_answered_and_cut_off(monkeypatch):
    monkeypatch.setattr(http_mode, "BODY_SECONDS", 0.3)
    async with connected("http") as side:
        port = int(side.slack.request_url.split(":")[2].split("/")[0])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = "POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
        writer.write(head.encode())
        async with asyncio.timeout(10):
            assert b" 408 " in await reader.readline()
        writer.close()
    assert side.received.requests == []


async def test_a_part_that_hangs_is_reported_in_time():
    async with serving({"docker": asyncio.Event().wait}, check_within=0.2) as server:  # type: ignore[dict-item]
        status, body = await read(server, "/readyz")
    assert status == 503
    assert "No answer within 0.2 s." in body


async def test_readyz_asks_the_parts_once_for_everybody():
    asked = 0

    async def ask() -> None:
        nonlocal asked
        asked += 1

    async with serving({"docker": ask}) as server:
        answers = await asyncio.gather(*(read(server, "/readyz") for _ in range(20)))
    assert {status for status, _ in answers} == {200}
    assert asked == 1


async def test_the_metrics_have_a_series_for_each_part_before_anybody_asks_readyz():
    async with serving({"redis": nothing}) as server:
        _, body = await read(server, "/metrics")
    assert 'orochi_up{part="redis"} 1.0' in body


def health_check() -> str:
    """The program of the image's HEALTHCHECK."""
    line = next(x for x in DOCKERFILE.read_text().splitlines() if x.startswith("HEALTHCHECK"))
    program = re.search(r'"-c", "(.*)"\]$', line)
    assert program is not None
    return program[1].encode().decode("unicode_escape")


async def test_the_image_checks_the_address_that_the_bot_binds():
    async with serving({}, host="127.0.0.2") as server:
        for host, code in (("127.0.0.2", 0), ("127.0.0.1", 1)):
            environ = os.environ | {"BOT_HTTP_HOST": host, "BOT_HTTP_PORT": str(server.port)}
            ended = await asyncio.to_thread(
                subprocess.run,
                [sys.executable, "-I", "-S", "-c", health_check()],
                env=environ,
                check=False,
                capture_output=True,
            )
            assert ended.returncode == code


@pytest.mark.parametrize("mode", MODES)
async def test_the_acknowledgement_is_measured_not_the_answer(mode, monkeypatch):
    """An answer that takes longer than Slack waits is acknowledged before."""
    monkeypatch.setattr(app, "ACK_PATIENCE", 0.2)
    taken: list[float] = []

    async def slow(_request: Request) -> Message | None:
        await asyncio.sleep(2.0)
        return None

    async with connected(mode, slow, acked=taken.append) as side:
        assert (await side.slack.command(COMMAND, "map")).ok
    (seconds,) = taken
    assert 0.2 <= seconds < 2.0


@pytest.mark.parametrize(
    "sent", [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GX\r\n\r\n", b"\x16\x03\x01\x02\x00\r\n\r\n"]
)
async def test_a_request_that_is_not_http_leaves_one_line_in_the_log(
    caplog: pytest.LogCaptureFixture, sent: bytes
):
    """Nobody who can reach the port can fill the log."""
    caplog.set_level("DEBUG")
    async with serving({}) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(sent)
        answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.0 400 ")
    records = [each for each in caplog.records if "request" in each.getMessage().lower()]
    assert [each.levelname for each in records] == ["DEBUG"]
    assert records[0].exc_info is None
    assert "\n" not in records[0].getMessage()


async def test_an_error_of_a_handler_is_logged_in_full(caplog: pytest.LogCaptureFixture):
    """Its traceback is needed to find the fault."""

    async def broken(_: web.Request) -> web.Response:
        raise ValueError("a fault")

    server = Web({}, Metrics())
    server.app.router.add_get("/broken", broken)
    await server.start("127.0.0.1", 0)
    try:
        assert (await read(server, "/broken"))[0] == 500
    finally:
        await server.stop()
    assert "ValueError: a fault" in caplog.text
