"""``/orochi status``, compared with ``docker stack ps`` and ``docker stack services``."""

from __future__ import annotations

import statistics
import time

from benchmarks.bench import a_desk
from benchmarks.table import Table, seconds
from tests.desk import STACK, Desk

ROUNDS = 20
SERVICES = 8


async def run() -> list[Table]:
    """A stack of eight services with two replicas each, in alternating rounds."""
    ours: list[float] = []
    theirs: list[float] = []
    async with a_desk() as desk:
        await desk.start_bot()
        for number in range(SERVICES):
            await desk.service(f"service{number:02}", replicas=2)
        for _ in range(ROUNDS):
            ours.append(await _ours(desk))
            theirs.append(await _theirs(desk))
    ratio = statistics.median(ours) / statistics.median(theirs)
    return [
        Table(
            "status: command to answer",
            f"{ROUNDS} rounds each, alternating, {SERVICES} services with 2 replicas, 3 nodes",
            ("", "median s", "least", "most"),
            (
                ("/orochi status", *seconds(ours)),
                ("docker stack ps + docker stack services", *seconds(theirs)),
                ("ratio of medians", f"{ratio:.3f}", "", ""),
            ),
        )
    ]


async def _ours(desk: Desk) -> float:
    began = time.perf_counter()
    await desk.answer("status")
    return time.perf_counter() - began


async def _theirs(desk: Desk) -> float:
    began = time.perf_counter()
    await desk.docker("stack", "ps", STACK)
    await desk.docker("stack", "services", STACK)
    return time.perf_counter() - began
