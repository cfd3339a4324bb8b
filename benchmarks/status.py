"""``/orochi status`` and ``status --all``, compared with what the docker CLI lists."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

from benchmarks.bench import a_desk
from benchmarks.table import Table, seconds
from tests.desk import STACK, Desk

ROUNDS = 20
SERVICES = 8
STACKS, EACH = 20, 10
AT_ONCE = 10


async def run() -> list[Table]:
    """A stack of eight services with two replicas each, then twenty stacks of ten services."""
    async with a_desk() as desk:
        await desk.start_bot()
        for number in range(SERVICES):
            await desk.service(f"service{number:02}", replicas=2)
        one = await _compared(
            desk, "status", ("stack", "ps", STACK), ("stack", "services", STACK),
            about=f"{SERVICES} services with 2 replicas",
        )  # fmt: skip
    async with a_desk() as desk:
        await desk.start_bot()
        await _fill(desk)
        every = await _compared(
            desk, "status --all", ("service", "ls"),
            about=f"{STACKS} stacks, {STACKS * EACH} services with 1 replica",
        )  # fmt: skip
    return [one, every]


async def _fill(desk: Desk) -> None:
    """Services of many stacks, all running."""
    room = asyncio.Semaphore(AT_ONCE)

    async def make(stack: str, name: str) -> None:
        options = (f"--label=com.docker.stack.namespace={stack}",)
        async with room:
            await asyncio.to_thread(desk.lab.create_service, name, "serve", options=options)

    names = [(f"stack{n:02}", f"stack{n:02}_web{m}") for n in range(STACKS) for m in range(EACH)]
    await asyncio.gather(*(make(stack, name) for stack, name in names))
    for _, name in names:
        await asyncio.to_thread(desk.lab.wait_running, name, 1, 300.0)


async def _compared(desk: Desk, typed: str, *listed: tuple[str, ...], about: str) -> Table:
    """The bot's answer and the CLI's, in alternating rounds."""

    async def theirs() -> None:
        for command in listed:
            await desk.docker(*command)

    ours_took, theirs_took = [], []
    for _ in range(ROUNDS):
        ours_took.append(await _timed(lambda: desk.answer(typed)))
        theirs_took.append(await _timed(theirs))
    ratio = statistics.median(ours_took) / statistics.median(theirs_took)
    cli = " + ".join(f"docker {' '.join(command)}" for command in listed)
    return Table(
        f"{typed}: command to answer",
        f"{ROUNDS} rounds each, alternating, {about}, 3 nodes",
        ("", "median s", "least", "most"),
        (
            (f"/orochi {typed}", *seconds(ours_took)),
            (cli, *seconds(theirs_took)),
            ("ratio of medians", f"{ratio:.3f}", "", ""),
        ),
    )


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began
