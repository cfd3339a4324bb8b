"""Time until Slack gets the answer to a command: the bot and Bolt's default, in both modes.

The measuring emulator and the bot run in one process and one event loop, with one command at a
time. So the numbers are of the Slack adapter only, without Redis and without the network.

python -m benchmarks.ack [COMMANDS]
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from benchmarks.table import Table, quantile
from bot.domain.text.message import Message
from bot.ports import Request
from bot.runtime.clock import SystemClock
from bot.slack.api import SlackApi
from bot.slack.messenger import Messenger
from bot.slack.service import SlackService
from playground.slack import SlackEmulator

COMMAND = "/orochi"
COMMANDS = 500
WARM_UP = 20
ANSWER = "One moment."


async def run(commands: int = COMMANDS) -> list[Table]:
    """Measure the bot and Bolt in both modes."""
    rows = []
    for mode in ("socket", "http"):
        for name, answering in (("the bot", ours), ("Bolt's default", bolts)):
            async with SlackEmulator() as slack, answering(slack, mode):
                latencies = await measure(slack, commands)
            rows.append((name, mode, *milliseconds(latencies)))
    return [
        Table(
            "command to ack, the adapter alone",
            f"{commands} commands each, one after the other; the emulator and the bot share one "
            "process, no Redis, no network",
            ("", "mode", "p50 ms", "p99 ms", "most ms"),
            tuple(rows),
        )
    ]


async def measure(slack: SlackEmulator, commands: int) -> list[float]:
    """The latencies of commands in seconds. Raises RuntimeError if one was not answered."""
    latencies = []
    for number in range(WARM_UP + commands):
        delivery = await slack.command(COMMAND, f"scale {number}")
        if delivery.latency is None or delivery.error or delivery.shown is None:
            raise RuntimeError(f"command {number} was not answered: {delivery.error}")
        latencies.append(delivery.latency)
    return latencies[WARM_UP:]


def milliseconds(latencies: list[float]) -> tuple[str, str, str]:
    """The median, the 99th percentile and the maximum."""
    shares = (quantile(latencies, 0.5), quantile(latencies, 0.99), max(latencies))
    return (f"{1000 * shares[0]:.2f}", f"{1000 * shares[1]:.2f}", f"{1000 * shares[2]:.2f}")


@asynccontextmanager
async def ours(slack: SlackEmulator, mode: str) -> AsyncIterator[None]:
    """The bot's adapter, which answers every command with a message."""

    async def receive(_request: Request) -> Message:
        return Message(ANSWER)

    clock = SystemClock()
    api = SlackApi(slack.tokens.bot, clock, slack.base_url)
    messenger = Messenger(api, clock)
    service = SlackService(
        api,
        clock,
        command=COMMAND,
        receive=receive,
        press=receive,
        reply=messenger.reply,
        app_token=slack.tokens.app if mode == "socket" else "",
        signing_secret=slack.tokens.signing_secret,
    )
    async with served(slack, service.routes()):
        await service.listen()
        yield
        await service.close()
    await messenger.close()


@asynccontextmanager
async def bolts(slack: SlackEmulator, mode: str) -> AsyncIterator[None]:
    """Bolt, started as in its documentation."""
    client = AsyncWebClient(token=slack.tokens.bot, base_url=slack.base_url)
    app = AsyncApp(client=client, signing_secret=slack.tokens.signing_secret)

    async def on_command(ack: AsyncAck) -> None:
        await ack(ANSWER)

    app.command(COMMAND)(on_command)
    if mode == "socket":
        handler = AsyncSocketModeHandler(app, slack.tokens.app)
        await handler.connect_async()  # type: ignore[no-untyped-call]
        yield
        await handler.close_async()  # type: ignore[no-untyped-call]
        return

    async def on_request(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

    async with served(slack, [web.post("/slack/events", on_request)]):
        yield


@asynccontextmanager
async def served(slack: SlackEmulator, routes: list[web.RouteDef]) -> AsyncIterator[None]:
    """Serve the routes on a free port to which the emulator posts; nothing without routes."""
    if not routes:
        yield
        return
    application = web.Application()
    application.add_routes(routes)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        yield
    finally:
        await runner.cleanup()


def main() -> None:
    """Run the benchmark and print the table."""
    logging.basicConfig(level=logging.ERROR)
    commands = int(sys.argv[1]) if len(sys.argv) > 1 else COMMANDS
    for table in asyncio.run(run(commands)):
        print(table)


if __name__ == "__main__":
    main()
