"""A whole bot beside a large swarm and a long queue: answers, and how long its loop stands still.

The swarm is simulated in a process of its own, because no machine runs so many containers. The
docker CLI asks the same engine.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from benchmarks.footprint import resident
from benchmarks.simulated import Swarm, simulated
from benchmarks.table import Table
from bot.store.jobs import RedisJobs
from playground.slack import SlackEmulator
from tests.bot import BotProcess
from tests.contract.job_kit import a_job, replica, taken
from tests.desk import OPERATOR, STACK, settings_for
from tests.lab.redis import RedisServer

SIZES = ((10, 100), (100, 10_000))
"""Nodes and tasks."""
QUEUED = 10_000
AT_ONCE = 10
HELD = f"{STACK}_held"
ROUNDS = 10
PATIENCE = 120.0
COMMANDS = ("status", "ps", "nodes", "drain photon-machine-009", "jobs", "scale part0001=10")
STALL = 0.1
COLUMNS = (
    "",
    "first ms",
    "median ms",
    "longest ms",
    f"stalls over {STALL * 1000:.0f} ms",
    "up to s",
)

_BUCKET = re.compile(r'orochi_loop_lag_seconds_bucket\{le="([^"]+)"\} (\S+)')

Row = tuple[str, ...]


async def run() -> list[Table]:
    """Each size alone, then the larger one with the queue full."""
    tables = [await _measured(nodes, tasks, 0) for nodes, tasks in SIZES]
    return [*tables, await _measured(*SIZES[-1], QUEUED)]


async def _measured(nodes: int, tasks: int, queued: int) -> Table:
    with tempfile.TemporaryDirectory() as folder, RedisServer(Path(folder)) as redis:
        place = Path(folder, "s")
        await asyncio.to_thread(place.mkdir)
        async with (
            simulated(nodes, tasks, place) as swarm,
            SlackEmulator(enforce_rates=False) as slack,
            replica(redis.url, lease=3600) as jobs,
        ):
            await _fill(jobs, queued)
            settings = settings_for(slack, redis.url, swarm.host, swarm.control)
            async with BotProcess(settings) as bot:
                rows = [await _row(slack, bot, command) for command in COMMANDS]
                memory = resident(bot.pid)
            rows.append(await _of_the_cli(swarm))
    return Table(
        f"load: {tasks:,} tasks on {nodes} nodes, {queued:,} queued jobs",
        f"{ROUNDS} rounds each after a first one; a stall is a timer of the bot that is late;"
        f" resident memory at the end: {memory:.0f} MiB",
        COLUMNS,
        tuple(rows),
    )


async def _fill(jobs: RedisJobs, queued: int) -> None:
    """Queue jobs behind one that another replica holds."""
    await jobs.submit(a_job(HELD))
    await taken(jobs)
    for _ in range(0, queued, AT_ONCE):
        await asyncio.gather(*(jobs.submit(a_job(HELD)) for _ in range(AT_ONCE)))


async def _row(slack: SlackEmulator, bot: BotProcess, command: str) -> Row:
    before = await _lags(bot)
    spent = [await _answered(slack, command) for _ in range(ROUNDS + 1)]
    after = await _lags(bot)
    added = {bound: count - before[bound] for bound, count in after.items()}
    over = round(max(added.values()) - added[STALL])
    highest = min(bound for bound, count in added.items() if count == max(added.values()))
    return (f"/orochi {command}", *_milliseconds(spent), str(over), f"{highest:g}")


async def _answered(slack: SlackEmulator, command: str) -> float:
    """Seconds from a command to anything that it shows: an answer, or a job's message."""
    known = _shown(slack)
    began = time.perf_counter()
    await slack.command("/orochi", command, user=OPERATOR)
    async with asyncio.timeout(PATIENCE):
        while _shown(slack) == known:  # noqa: ASYNC110 - one of two kinds of message
            await asyncio.sleep(0.005)
    return time.perf_counter() - began


def _shown(slack: SlackEmulator) -> tuple[int, int]:
    """How many answers and messages there are."""
    return len(slack.workspace.shown_to(OPERATOR)), len(slack.workspace.messages)


async def _lags(bot: BotProcess) -> dict[float, float]:
    """How many timers were at most so late."""
    url = f"http://127.0.0.1:{bot.port}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return {float(b): float(n) for b, n in _BUCKET.findall(await answer.text())}


async def _of_the_cli(swarm: Swarm) -> Row:
    spent = [await _docker(swarm, "stack", "ps", STACK) for _ in range(3)]
    return ("docker stack ps", *_milliseconds(spent), "", "")


async def _docker(swarm: Swarm, *arguments: str) -> float:
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        "docker", "-H", swarm.host, *arguments, stdout=asyncio.subprocess.DEVNULL
    )
    await process.wait()
    return time.perf_counter() - began


def _milliseconds(spent: Sequence[float]) -> Row:
    later = spent[1:]
    return tuple(f"{s * 1000:.0f}" for s in (spent[0], statistics.median(later), max(later)))
