"""The demo: its start time, and the bot's cost on small and large simulated swarms."""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from benchmarks.footprint import resident
from benchmarks.simulated import Swarm, simulated
from benchmarks.table import Table, seconds
from playground.redis import EmbeddedRedis
from playground.slack import SlackEmulator
from tests.bot import BotProcess
from tests.demo import ALERTS, DemoProcess

STARTS = 5
ROUNDS = 5
SIZES = ((10, 100), (100, 10_000))
STACK, SERVICE = "orochi", "part0000"
PATIENCE = 180.0


async def run() -> list[Table]:
    """Starts of the demo, then the same work on two swarms."""
    starts = [await asyncio.to_thread(_start) for _ in range(STARTS)]
    columns = [await _cost(nodes, tasks) for nodes, tasks in SIZES]
    few, many = columns
    rows = tuple((name, few[name], many[name]) for name in few)
    names = tuple(f"{nodes} nodes, {tasks} tasks" for nodes, tasks in SIZES)
    return [
        Table(
            "demo: start to a usable page",
            f"{STARTS} starts of `python -m playground`, everything installed; process start to the"
            " page served with the bot connected",
            ("", "median s", "least", "most"),
            (("start to page", *seconds(starts)),),
        ),
        Table(
            "the bot on a large swarm",
            "services of 10 replicas, all of one stack; bot, swarm and Slack are processes of their"
            f" own; medians of {ROUNDS} rounds. A scale is by one more: 5 s of it are the monitor"
            " period",
            ("", *names),
            rows,
        ),
    ]


def _start() -> float:
    began = time.perf_counter()
    with DemoProcess() as demo:
        connected = json.loads(demo.get("api/state"))["bot"]
        spent = time.perf_counter() - began
        assert connected
    return spent


async def _cost(nodes: int, tasks: int) -> dict[str, str]:
    async with _a_bot(nodes, tasks) as (bot, slack, swarm):
        fresh = resident(bot.pid)
        status = [await _timed(partial(_status, slack)) for _ in range(ROUNDS)]
        scales = [await _timed(partial(_scale, slack)) for _ in range(ROUNDS)]
        alerts = [await _timed(partial(_alert, slack, swarm, n + 1)) for n in range(ROUNDS)]
        return {
            "status, s": f"{statistics.median(status):.3f}",
            "scale to its verdict, s": f"{statistics.median(scales):.2f}",
            "failure to alert, s": f"{statistics.median(alerts):.3f}",
            "memory of the bot at its start, MiB": f"{fresh:.0f}",
            "memory of the bot after the work, MiB": f"{resident(bot.pid):.0f}",
        }


@asynccontextmanager
async def _a_bot(nodes: int, tasks: int) -> AsyncIterator[tuple[BotProcess, SlackEmulator, Swarm]]:
    """A bot that watches a swarm of this size."""
    async with AsyncExitStack() as parts:
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory()))
        store, sockets = folder / "redis", folder / "s"
        store.mkdir()
        sockets.mkdir()
        redis = await parts.enter_async_context(EmbeddedRedis(store))
        swarm = await parts.enter_async_context(simulated(nodes, tasks, sockets))
        slack = await parts.enter_async_context(SlackEmulator(enforce_rates=False))
        bot = await parts.enter_async_context(BotProcess(_settings(slack, redis, swarm)))
        await bot.wait_for_log("this replica watches the swarm", PATIENCE)
        await _status(slack)
        yield bot, slack, swarm
        await bot.stop()


def _settings(slack: SlackEmulator, redis: EmbeddedRedis, swarm: Swarm) -> dict[str, str]:
    return {
        "SLACK_BOT_TOKEN": slack.tokens.bot,
        "SLACK_APP_TOKEN": slack.tokens.app,
        "SLACK_API_URL": slack.base_url,
        "REDIS_URL": redis.url,
        "DOCKER_HOST": swarm.host,
        "BOT_CONTROL_SOCKET": swarm.control,
        "BOT_OPERATORS": "*",
        "BOT_ALERTS_CHANNEL": ALERTS,
        "BOT_WATCH_SECONDS": "0",
        "BOT_TIMELINES": "false",
        "BOT_HTTP_PORT": "0",
    }


async def _timed(work: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def _status(slack: SlackEmulator) -> None:
    shown = len(slack.workspace.ephemerals)
    assert (await slack.command("/orochi", "status")).ok
    await slack.workspace.until(lambda: len(slack.workspace.ephemerals) > shown or None, PATIENCE)


async def _scale(slack: SlackEmulator) -> None:
    """Scale to one replica more than before, a number that no earlier job had."""
    jobs = [each for each in slack.workspace.messages.values() if each.metadata]
    wanted = 11 + len(jobs)
    assert (await slack.command("/orochi", f"scale {SERVICE}={wanted}")).ok
    words = f"Converged: scale {SERVICE} to {wanted}"
    await slack.wait_for_message(lambda each: words in each.text, timeout=PATIENCE)


async def _alert(slack: SlackEmulator, swarm: Swarm, number: int) -> None:
    name = f"part{number:04d}"
    swarm.crash(f"{STACK}_{name}")
    await slack.wait_for_message(
        lambda each: f"Firing: {name}" in each.text, channel=ALERTS, timeout=PATIENCE
    )
