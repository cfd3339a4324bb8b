"""``/orochi scale 1→5`` and ``docker service scale``: time from the command to converged."""

from __future__ import annotations

import asyncio
import statistics
import time

from benchmarks.bench import a_desk
from benchmarks.table import Table, seconds
from tests.desk import Desk

ROUNDS = 7
SERVICE = "orochi_worker01"


async def run() -> list[Table]:
    """Alternating rounds on the same lab and service, the same monitor period (Docker's 5 s)."""
    ours: list[float] = []
    theirs: list[float] = []
    async with a_desk() as desk:
        await desk.start_bot(BOT_WATCH_SECONDS="1")
        await desk.service("worker01", options=("--update-monitor=5s",))
        for _ in range(ROUNDS):
            ours.append(await _ours(desk))
            theirs.append(await _theirs(desk))
    ratio = statistics.median(ours) / statistics.median(theirs)
    return [
        Table(
            "scale 1 → 5: command to converged",
            f"{ROUNDS} rounds each, alternating, three-node lab, monitor period 5 s",
            ("", "median s", "least", "most"),
            (
                ("/orochi scale 5", *seconds(ours)),
                ("docker service scale --detach=false", *seconds(theirs)),
                ("ratio of medians", f"{ratio:.3f}", "", ""),
            ),
        )
    ]


async def _ours(desk: Desk) -> float:
    began = time.perf_counter()
    message = await desk.job("scale 5")
    took = time.perf_counter() - began
    assert message.payload["verdict"] == "converged", message.shown_text
    await _back(desk)
    return took


async def _theirs(desk: Desk) -> float:
    began = time.perf_counter()
    await desk.docker("service", "scale", "--detach=false", f"{SERVICE}=5")
    took = time.perf_counter() - began
    await _back(desk)
    return took


async def _back(desk: Desk) -> None:
    await desk.docker("service", "scale", "--detach", f"{SERVICE}=1")
    await asyncio.to_thread(desk.lab.wait_running, SERVICE, 1)
