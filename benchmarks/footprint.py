"""The cost of an idle bot, and its start time."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from benchmarks.bench import a_desk
from benchmarks.table import Table, seconds

STARTS = 5
IDLE_SECONDS = 20.0


async def run() -> list[Table]:
    """Several starts in sequence, then one idle bot with everything connected."""
    starts: list[float] = []
    async with a_desk(nodes=1) as desk:
        await desk.service("worker01", replicas=3)
        for _ in range(STARTS):
            began = time.perf_counter()
            bot = await desk.start_bot()
            starts.append(time.perf_counter() - began)
            await bot.stop()
        bot = await desk.start_bot()
        await desk.job("scale 2")
        fresh = resident(bot.pid)
        before = cpu_seconds(bot.pid)
        await asyncio.sleep(IDLE_SECONDS)
        share = (cpu_seconds(bot.pid) - before) / IDLE_SECONDS
        idle = resident(bot.pid)
    return [
        Table(
            "start to ready",
            f"{STARTS} starts of `python -m bot run`, process start to the log line ready",
            ("", "median s", "least", "most"),
            (("start to ready", *seconds(starts)),),
        ),
        Table(
            "idle bot",
            f"connected to Slack, Redis and Docker, after one job and {IDLE_SECONDS:.0f} s idle",
            ("", "value"),
            (
                ("resident memory after a job", f"{fresh:.1f} MiB"),
                ("resident memory idle", f"{idle:.1f} MiB"),
                ("CPU idle", f"{share * 100:.2f} % of one core"),
            ),
        ),
    ]


def resident(pid: int) -> float:
    """Memory that a process has in use, in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def cpu_seconds(pid: int) -> float:
    """CPU that a process has used so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
