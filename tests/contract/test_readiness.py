"""Readiness probes over HTTP: each kind of answer or failure gives the right result."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from bot.domain.convergence.probe_spec import (
    HttpStatus,
    ProbeKind,
    ProbeSpec,
    Reading,
    Unlike,
    Unreached,
    Workers,
)
from bot.domain.swarm.reachability import Reach
from bot.network.readiness import IDENTITY, MOST_BYTES, HttpProbeClient
from bot.ports import ProbeClient

LOOPBACK = "127.0.0.1"
RECORDINGS = sorted((Path(__file__).parent / "recordings" / "dask").glob("*.json"))
"""The answers of these releases' schedulers with two workers, at 127.0.0.2 and 127.0.0.3."""
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def asker(seconds: float = 5.0) -> ProbeClient:
    """The adapter implements the port, which mypy checks."""
    return HttpProbeClient(seconds)


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[int]:
    """A server that answers every path with this; returns its port."""
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, LOOPBACK, 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def dask(answer: Answer) -> Reading:
    """The result of a Dask probe of a server."""
    async with serving(answer) as port:
        return await asker().ask(ProbeSpec(ProbeKind.DASK, LOOPBACK, port))


def telling(body: str, status: int = 200) -> Answer:
    """A server that always answers with this."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=body, status=status)

    return answer


async def test_a_schedulers_workers_are_read_by_host():
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        addresses = [
            "tcp://10.0.1.7:39073",
            "tls://[fd00::7]:1",
            "ucx://worker-a:9",
            "inproc://x y",
        ]
        return web.json_response({"workers": {each: {} for each in addresses}})

    reading = await dask(answer)

    assert asked == [IDENTITY]
    assert reading == Workers(("10.0.1.7", "fd00::7", "worker-a", "x y"))


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
async def test_workers_are_read_from_every_dask_release(recording: Path):
    """2021.2 is the platform's release; `tests/swarm` has a running scheduler."""
    said = await asyncio.to_thread(recording.read_text, encoding="utf-8")

    assert await dask(telling(said)) == Workers(("127.0.0.2", "127.0.0.3"))


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        ("no", 404, f"it answers 404 at {IDENTITY}"),
        ("{}", 204, f"it answers 204 at {IDENTITY}"),
        ("<html>", 200, f"its answer is not JSON at {IDENTITY}"),
        ("\x00", 200, f"its answer is not JSON at {IDENTITY}"),
        ("[1]", 200, f"its answer lists no workers at {IDENTITY}"),
        (json.dumps({"workers": 3}), 200, f"its answer lists no workers at {IDENTITY}"),
        (" " * (MOST_BYTES + 1), 200, f"it answers more than {MOST_BYTES} bytes at {IDENTITY}"),
    ],
    ids=["404", "204", "html", "bytes", "list", "number", "long"],
)
async def test_another_server_is_not_taken_for_a_scheduler(body: str, status: int, why: str):
    assert await dask(telling(body, status)) == Unlike(why)


@pytest.mark.parametrize("status", [200, 204, 302, 404, 503])
async def test_an_http_probe_returns_the_status_and_follows_no_redirect(status: int):
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.raw_path)
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    async with serving(answer) as port:
        reading = await asker().ask(ProbeSpec(ProbeKind.HTTP, LOOPBACK, port, "/a%20b?c=d"))

    assert reading == HttpStatus(status)
    assert asked == ["/a%20b?c=d"]


async def test_a_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch):
    """The proxy cannot resolve the names of services."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    async with serving(telling("ok")) as port:
        assert await asker().ask(ProbeSpec(ProbeKind.HTTP, LOOPBACK, port)) == HttpStatus(200)


async def test_a_refused_connection():
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        port = taken.getsockname()[1]

        reading = await asker().ask(ProbeSpec(ProbeKind.DASK, LOOPBACK, port))

    assert reading == Unreached(Reach.REFUSES)


async def test_an_unknown_host_name():
    reading = await asker(30.0).ask(ProbeSpec(ProbeKind.DASK, "no-such-host.invalid", 8787))

    assert reading == Unreached(Reach.UNRESOLVED)


async def test_an_address_without_a_route():
    """An address for documentation (RFC 3849), from a machine without such a route.

    A machine that has one times out.
    """
    reading = await asker(0.5).ask(ProbeSpec(ProbeKind.HTTP, "2001:db8::1", 80))

    assert reading in {Unreached(Reach.UNREACHABLE), Unreached(Reach.SILENT)}


async def test_a_probe_that_takes_too_long():
    entered = asyncio.Event()

    async def answer(_request: web.Request) -> web.Response:
        entered.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with serving(answer) as port:
        reading = await asker(0.5).ask(ProbeSpec(ProbeKind.DASK, LOOPBACK, port))

    assert entered.is_set()
    assert reading == Unreached(Reach.SILENT)


@pytest.mark.parametrize(
    "said", [b"", b"220 mail ready\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"]
)
async def test_a_server_that_does_not_speak_http(said: bytes):
    async def speak(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        writer.close()

    server = await asyncio.start_server(speak, LOOPBACK, 0)
    async with server:
        port = server.sockets[0].getsockname()[1]

        reading = await asker().ask(ProbeSpec(ProbeKind.DASK, LOOPBACK, port))

    assert reading == Unlike("the answer breaks off, or is not HTTP")
