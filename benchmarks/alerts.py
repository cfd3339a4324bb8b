"""Time from a task's failure to its alert in Slack: the bot by push, by polling, and a script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

from slack_sdk.web.async_client import AsyncWebClient

from benchmarks.bench import a_desk
from benchmarks.table import Table, quantile
from bot.swarm.wire import timestamp
from playground.slack import Message
from playground.slack.workspace import BOT_USER_ID
from tests.desk import STACK, Desk

FAILURES = 60
CHANNELS = 15
"""Slack accepts about one message a second in each channel, and failures come faster."""
APART = 0.4
POLL = 1.0
CRASH = ("sh", "-c", "sleep 0.$(($$ % 10)); exit 3")
ONCE = ("--restart-condition", "none")


async def run() -> list[Table]:
    """Sixty services that fail once each, for one alternative after the other, on one lab."""
    async with a_desk() as desk:
        for number in range(CHANNELS):
            desk.slack.workspace.add_channel(
                f"alerts{number:02d}", id=_channel(number), members=[BOT_USER_ID]
            )
        sides: dict[str, Callable[[], AbstractAsyncContextManager[None]]] = {
            "the bot on push": lambda: _bot(desk),
            "the bot polling, every 1 s": lambda: _bot(desk, BOT_CONTROL_SOCKET=""),
            "docker service ps, every 1 s": lambda: _script(desk),
        }
        rows = []
        for number, (name, listening) in enumerate(sides.items()):
            async with listening():
                rows.append(_row(name, await _delays(desk, f"side{number}")))
    workload = (
        f"{FAILURES} services for each side, one after the other, each fails once; {APART} s "
        f"apart, to {CHANNELS} channels; from Status.Timestamp to the post in the emulator; "
        "3 nodes, all on this machine"
    )
    columns = ("", "p50 ms", "p99 ms", "most ms", "alerts")
    title = "alerts: a task's failure to the message at Slack"
    return [Table(title, workload, columns, tuple(rows))]


def _row(name: str, delays: list[float]) -> tuple[str, ...]:
    figures = (quantile(delays, 0.5), quantile(delays, 0.99), max(delays))
    return (name, *(f"{figure * 1000:.0f}" for figure in figures), str(len(delays)))


async def _delays(desk: Desk, prefix: str) -> list[float]:
    """Make every service fail and wait for its message; returns the seconds for each."""
    names = [f"{prefix}x{number:02d}" for number in range(FAILURES)]
    for number, name in enumerate(names):
        channel = f"orochi-bot.channel={_channel(number)}"
        await desk.service(name, *CRASH, running=0, options=(*ONCE, "--label", channel))
        await asyncio.sleep(APART)
    delays = []
    for name in names:
        full = f"{STACK}_{name}"
        message = await desk.slack.wait_for_message(partial(_names, name), timeout=60)
        delays.append(message.history[0].at - await asyncio.to_thread(_failed_at, desk, full))
    await desk.docker("service", "rm", *(f"{STACK}_{name}" for name in names))
    return delays


def _names(name: str, message: Message) -> bool:
    return name in message.text


def _channel(number: int) -> str:
    return f"C0ALARMS{number % CHANNELS:02d}"


def _failed_at(desk: Desk, service: str) -> float:
    """The time at which its only task failed, by the engine's clock."""
    (task,) = desk.lab.client().tasks(filters={"service": service})  # type: ignore[no-untyped-call]
    return timestamp(task["Status"]["Timestamp"])


@asynccontextmanager
async def _bot(desk: Desk, **settings: str) -> AsyncIterator[None]:
    desk.redis.flush()
    bot = await desk.start_bot(BOT_ALERTS_CHANNEL=_channel(0), **settings)
    await bot.wait_for_log("this replica watches the swarm")
    await asyncio.sleep(POLL)
    yield
    await bot.stop()


@asynccontextmanager
async def _script(desk: Desk) -> AsyncIterator[None]:
    """A typical script of a team: lists all services' tasks and posts new failures."""
    client = AsyncWebClient(desk.slack.tokens.bot, base_url=desk.slack.base_url)
    asking = asyncio.create_task(_ask(desk, client))
    await asyncio.sleep(POLL)
    yield
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


async def _ask(desk: Desk, client: AsyncWebClient) -> None:
    known: set[str] = set()
    while True:
        services = (await desk.docker("service", "ls", "--quiet")).split()
        shown = "{{.ID}} {{.Name}} {{.CurrentState}}"
        lines = await desk.docker("service", "ps", "--format", shown, *services) if services else ""
        for line in lines.splitlines():
            task, name, state = line.split(maxsplit=2)
            if state.startswith("Failed") and task not in known:
                known.add(task)
                number = int(name.partition("x")[2].partition(".")[0])
                await client.chat_postMessage(channel=_channel(number), text=f"{name} failed")
        await asyncio.sleep(POLL)
