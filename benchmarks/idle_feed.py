"""What it costs to hear of changes while there are none: by push, and by polling once a second."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.footprint import cpu_seconds
from benchmarks.relay import Relay, relayed
from benchmarks.simulated import Json, simulated
from benchmarks.table import Table
from bot.domain.stream import Batch, Listing
from bot.swarm.engine import DockerSwarm
from bot.swarm.push_feed import PushFeed
from bot.swarm.stream import SwarmStream
from bot.swarm.watch.client import WatchClient
from bot.swarm.watch.trust import EngineTrust
from tests.lab.swarm import Lab

RUNNING = 20
TASKS = (RUNNING, 200)
SIMULATED = 10_000
SECONDS = 10.0
SIMULATED_SECONDS = 30.0
"""Polling of so many tasks pauses for seconds: a few polls are to be in it."""
SETTLE = 2.0

Row = tuple[str, ...]
Told = AsyncGenerator[Listing | Batch, None]


async def run() -> list[Table]:
    """One listener after the other, nobody first; then polling of an engine that is made up."""
    rows: list[Row] = []
    with Lab(nodes=1, managers=1) as lab, tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        lab.create_service("busy", "/bin/serve", replicas=RUNNING)
        lab.wait_running("busy", RUNNING)
        rows.append(await _row("nobody listens", None, None, lab.manager.pid))
        for tasks in TASKS:
            if tasks > RUNNING:
                lab.create_service(
                    "waits", replicas=tasks - RUNNING, options=["--constraint", "node.id==none"]
                )
                await asyncio.sleep(SETTLE)
            rows += await _both_ways(lab, place, tasks)
        like = _lists(lab)
    with tempfile.TemporaryDirectory() as folder:
        rows.append(await _made_up(Path(folder), like))
    workload = (
        f"{SECONDS:.0f} s each (the last {SIMULATED_SECONDS:.0f} s), one manager; {RUNNING} tasks "
        f"run and the others wait for a node; {SIMULATED:,} are simulated: copies of a real one, "
        "served by a process that is no engine"
        " (push tells of no task that does not change, so it has no such row)"
    )
    columns = ("", "CPU of who listens", "CPU of the engine", "KiB read per minute")
    return [Table("feed: hearing of nothing", workload, columns, tuple(rows))]


def _lists(lab: Lab) -> dict[str, list[Json]]:
    """What the engine answers, raw."""
    client: Any = lab.client()
    return {"services": client.services(), "tasks": client.tasks(), "nodes": client.nodes()}


async def _both_ways(lab: Lab, folder: Path, tasks: int) -> list[Row]:
    """Rows of push and of polling through a relay that counts."""
    engine, control = folder / f"docker{tasks}.sock", folder / f"control{tasks}.sock"
    pid = lab.manager.pid
    target = Path(lab.manager.socket.removeprefix("unix://"))
    async with relayed((engine, target), (control, lab.manager.control_socket)) as relay:
        async with _stream(engine, control) as news:
            pushed = await _row(f"push, {tasks} tasks", news, relay, pid)
        async with _stream(engine, None) as news:
            polled = await _row(f"polling, {tasks} tasks", news, relay, pid)
    return [pushed, polled]


async def _made_up(folder: Path, like: dict[str, list[Json]]) -> Row:
    async with (
        simulated(folder, SIMULATED, like) as target,
        relayed((folder / "docker.sock", target)) as relay,
        _stream(folder / "docker.sock", None) as news,
    ):
        name = f"polling, {SIMULATED:,} simulated tasks"
        return await _row(name, news, relay, None, SIMULATED_SECONDS)


@asynccontextmanager
async def _stream(engine: Path, control: Path | None) -> AsyncIterator[Told]:
    """All changes, by push when there is a control socket."""
    trust, swarm = EngineTrust(f"unix://{engine}"), DockerSwarm(f"unix://{engine}")
    push = PushFeed(WatchClient(control, trust)) if control else None
    async with aclosing(SwarmStream(push, swarm).follow(None)) as news:
        yield news
    await swarm.aclose()
    await trust.aclose()


async def _row(
    name: str, news: Told | None, relay: Relay | None, pid: int | None, seconds: float = SECONDS
) -> Row:
    following = asyncio.create_task(_listen(news)) if news else None
    await asyncio.sleep(SETTLE)
    before = await _spent(relay, pid)
    await asyncio.sleep(seconds)
    own, engine, sent = (
        after - first for after, first in zip(await _spent(relay, pid), before, strict=True)
    )
    if following:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    return (
        name,
        f"{own / seconds:.2%}" if news else "",
        f"{engine / seconds:.2%}" if pid else "",
        f"{sent / 1024 * 60 / seconds:,.1f}" if relay else "",
    )


async def _listen(news: Told) -> None:
    async for _ in news:
        pass


async def _spent(relay: Relay | None, pid: int | None) -> tuple[float, float, float]:
    """CPU seconds of this process, of the engine, and bytes that came through the relay."""
    engine = cpu_seconds(pid) if pid else 0.0
    return time.process_time(), engine, float(await relay.sent() if relay else 0)
