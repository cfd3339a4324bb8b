"""Which way changes reach the whole bot: by push, by polling, and from the one to the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from tests.bot import BotProcess
from tests.desk import Desk

SECONDS = 60.0


class Relay:
    """Stands in for the manager's control socket, so that a test can take it away."""

    def __init__(self, path: Path, target: Path) -> None:
        self._path = path
        self._target = target
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def open(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self._path)

    async def close(self) -> None:
        """End every connection; the socket is gone."""
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(self._target)
        self._writers += [writer, far_writer]
        with suppress(OSError):
            await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


@pytest.fixture
async def relay(empty_desk: Desk, tmp_path: Path) -> AsyncIterator[Relay]:
    path = tmp_path / "control.sock"
    relay = Relay(path, empty_desk.lab.manager.control_socket)
    empty_desk.settings["BOT_CONTROL_SOCKET"] = str(path)
    yield relay
    await relay.close()


async def kind(bot: BotProcess) -> list[str]:
    """The kinds of feed that the bot's metrics name."""
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"http://127.0.0.1:{bot.port}/metrics") as answer,
    ):
        lines = (await answer.text()).splitlines()
    found = [line for line in lines if line.startswith("orochi_feed_lag_seconds{")]
    return [line.split('"')[1] for line in found]


async def until_kind(bot: BotProcess, wanted: str) -> None:
    """Return when the bot's metrics name this kind of feed and no other."""
    async with asyncio.timeout(SECONDS):
        while True:
            if await kind(bot) == [wanted]:
                return
            await asyncio.sleep(0.1)


async def converges(desk: Desk, replicas: int) -> None:
    message = await desk.job(f"scale {replicas}")
    assert message.payload["verdict"] == "converged", message.shown_text


async def test_the_swarm_pushes(desk: Desk) -> None:
    await desk.service("worker01")
    (bot,) = desk.bots
    await until_kind(bot, "push")
    await converges(desk, 3)
    answer = await desk.answer("status")

    assert "live data" in answer
    assert "⚠️" not in answer


async def test_polling_can_be_had_by_setting(empty_desk: Desk) -> None:
    """That is no trouble."""
    bot = await empty_desk.start_bot(BOT_CONTROL_SOCKET="")
    await empty_desk.service("worker01")
    await converges(empty_desk, 3)
    answer = await empty_desk.answer("status")

    assert await kind(bot) == ["poll"]
    assert "· polling" in answer
    assert "⚠️" not in answer


async def test_a_control_socket_may_come_and_go(empty_desk: Desk, relay: Relay) -> None:
    """Jobs converge all the time; status, metrics and the log say how changes are found."""
    bot = await empty_desk.start_bot()
    await empty_desk.service("worker01")
    await until_kind(bot, "poll")
    await converges(empty_desk, 2)
    without = await empty_desk.answer("status")
    await relay.open()
    await until_kind(bot, "push")
    await converges(empty_desk, 3)
    pushed = await empty_desk.answer("status")
    await relay.close()
    await converges(empty_desk, 2)
    await until_kind(bot, "poll")
    await converges(empty_desk, 3)
    lost = await empty_desk.answer("status")

    for polled in (without, lost):
        assert "· polling" in polled
        assert "⚠️ There is no engine control socket at" in polled
    assert "live data" in pushed
    assert "⚠️" not in pushed
    said = [line for line in bot.lines if "Mount the folder /var/run/docker/swarm" in line]
    assert len(said) == 2, "once each time that it is not there"
