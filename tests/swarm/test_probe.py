"""Readiness probes with the whole bot: a service converges only once it is ready."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from tests.desk import Desk, finished, is_job

LABEL = "orochi-bot.probe"
MONITOR = ("--update-monitor", "1s")


class Door:
    """A server that answers 503 until it is opened."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        """Answer 200 from now on."""
        self.asked.append(request.path)
        return web.Response(status=200 if self.open.is_set() else 503)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Its address, while it serves."""
        app = web.Application()
        app.router.add_get("/ready", self.answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


async def probed(desk: Desk, label: str) -> None:
    """A service with a probe and two running tasks."""
    options = ("--label", f"{LABEL}={label}", *MONITOR)
    await desk.service("worker01", replicas=2, options=options)


async def test_an_http_probe_is_waited_for(desk: Desk):
    """Three tasks run, and the job says what it waits for; it converges once the answer is 2xx."""
    door = Door()
    async with door.serving() as address:
        await probed(desk, f"http://{address}/ready")
        await desk.type("scale 3")
        waiting = f"3/3 running; http://{address}/ready answers 503, expected 2xx"
        message = await desk.slack.wait_for_message(lambda m: waiting in m.shown_text, timeout=30)
        assert message.payload["state"] == "running"
        door.open.set()
        message = await desk.slack.wait_for_message(finished, timeout=30)
    assert message.payload["verdict"] == "converged"
    assert f"http://{address}/ready answers 200." in message.shown_text
    assert set(door.asked) == {"/ready"}


async def test_a_restart_waits_for_the_probe_too(desk: Desk):
    door = Door()
    async with door.serving() as address:
        await probed(desk, f"http://{address}/ready")
        await desk.type("restart worker01")
        message = await desk.slack.wait_for_message(
            lambda m: "2/2 running; http" in m.shown_text, timeout=60
        )
        assert message.payload["state"] == "running"
        door.open.set()
        message = await desk.slack.wait_for_message(finished, timeout=30)
    assert message.payload["verdict"] == "converged"


async def test_an_unreachable_probe_is_reported_at_once_and_never_converges(empty_desk: Desk):
    """Outside the swarm the bot cannot resolve the names of the stack's network."""
    desk = empty_desk
    await desk.start_bot(BOT_JOB_SECONDS="10")
    await probed(desk, "dask://scheduler:8787")

    await desk.type("scale 3")
    message = await desk.slack.wait_for_message(
        lambda m: is_job(m) and "3/3 running; registration not verified" in m.shown_text,
        timeout=30,
    )
    assert message.payload["state"] == "running"
    assert "it must share a network with it" in message.shown_text
    message = await desk.slack.wait_for_message(finished, timeout=30)

    assert message.payload["verdict"] == "timed_out"
    assert "3/3 running after 10 s: registration not verified because" in message.shown_text
    assert "Attach the bot to a network of scheduler" in message.shown_text


async def test_an_invalid_label_fails_with_a_valid_example(desk: Desk):
    await probed(desk, "scheduler:8787")

    message = await desk.job("scale 3")

    assert message.payload["verdict"] == "failed"
    assert "3/3 running, but readiness is unknown" in message.shown_text
    assert "use dask://HOST:PORT or http://HOST:PORT/PATH" in message.shown_text
    assert "Correct the label `orochi-bot.probe` and deploy again" in message.shown_text
