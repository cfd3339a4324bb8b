"""``/orochi run``, and the docker CLI with a job of the same image: from the command to its end."""

from __future__ import annotations

import asyncio
import statistics
import time

from benchmarks.bench import a_desk
from benchmarks.table import Table, seconds
from tests.desk import Desk
from tests.lab import images

ROUNDS = 7
NAME = "once"
APART = 3.0
"""Slack takes one message a second in a channel; a command has two, its own and the mention."""


async def run() -> list[Table]:
    """Alternating rounds of a command that prints a line and ends at once."""
    ours: list[float] = []
    theirs: list[float] = []
    async with a_desk() as desk:
        await desk.start_bot()
        await desk.service("worker01")
        for _ in range(ROUNDS):
            await asyncio.sleep(APART)
            ours.append(await _ours(desk))
            theirs.append(await _theirs(desk))
    ratio = statistics.median(ours) / statistics.median(theirs)
    return [
        Table(
            "a command that ends at once: from the command to its exit code and output",
            f"{ROUNDS} rounds each, alternating and 3 s apart, 3 nodes",
            ("", "median s", "least", "most"),
            (
                ("/orochi run worker01 -- echo done", *seconds(ours)),
                ("docker service create --mode=replicated-job + logs + rm", *seconds(theirs)),
                ("ratio of medians", f"{ratio:.3f}", "", ""),
            ),
        )
    ]


async def _ours(desk: Desk) -> float:
    began = time.perf_counter()
    message = await desk.job("run worker01 -- echo done")
    took = time.perf_counter() - began
    assert message.payload["verdict"] == "completed", message.shown_text
    return took


async def _theirs(desk: Desk) -> float:
    began = time.perf_counter()
    made = ("service", "create", "--mode=replicated-job", "--restart-condition=none")
    await desk.docker(*made, "--no-resolve-image", f"--name={NAME}", images.BUSY, "echo", "done")
    await desk.docker("service", "logs", "--raw", NAME)
    await desk.docker("service", "rm", NAME)
    return time.perf_counter() - began
