"""The cost of waiting for changes while there are none: by push, and by polling once a second."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from benchmarks.footprint import cpu_seconds
from benchmarks.relay import Relay, relayed
from benchmarks.simulated import simulated
from benchmarks.table import Table
from bot.domain.swarm.events import Batch, Listing
from bot.swarm.engine import DockerSwarm
from bot.swarm.event_stream.client import StreamClient
from bot.swarm.event_stream.trust import EngineTrust
from bot.swarm.push_feed import PushFeed
from bot.swarm.stream import SwarmStream
from tests.lab.swarm import Lab

RUNNING = 20
TASKS = (RUNNING, 200)
SIMULATED_NODES, SIMULATED = 100, 10_000
SECONDS = 10.0
SIMULATED_SECONDS = 30.0
"""Polling of so many tasks pauses for seconds, and the period must include a few polls."""
SETTLE = 2.0

Row = tuple[str, ...]
Told = AsyncGenerator[Listing | Batch, None]


async def run() -> list[Table]:
    """No listener, then one after the other; finally both on a large simulated swarm."""
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
    with tempfile.TemporaryDirectory() as folder:
        rows += await _simulated(Path(folder))
    workload = (
        f"{SECONDS:.0f} s each, one manager; {RUNNING} tasks run and the others wait for a node; "
        f"the {SIMULATED:,} are simulated, on {SIMULATED_NODES} nodes, {SIMULATED_SECONDS:.0f} s "
        "each, the simulation's own CPU left out"
    )
    columns = ("", "CPU of who listens", "CPU of the engine", "KiB read per minute")
    return [Table("feed: hearing of nothing", workload, columns, tuple(rows))]


async def _both_ways(lab: Lab, folder: Path, tasks: int) -> list[Row]:
    """The rows of push and of polling on a real manager."""
    target = Path(lab.manager.socket.removeprefix("unix://"))
    sockets = (target, lab.manager.control_socket)
    return await _compared(f"{tasks} tasks", sockets, folder / str(tasks), lab.manager.pid)


async def _simulated(folder: Path) -> list[Row]:
    """The same on a swarm that is too large for one machine."""
    swarms = folder / "s"
    await asyncio.to_thread(swarms.mkdir)
    async with simulated(SIMULATED_NODES, SIMULATED, swarms) as swarm:
        sockets = (Path(swarm.host.removeprefix("unix://")), Path(swarm.control))
        name = f"{SIMULATED:,} simulated tasks"
        return await _compared(name, sockets, folder / "r", None, SIMULATED_SECONDS)


async def _compared(
    name: str,
    sockets: tuple[Path, Path],
    folder: Path,
    pid: int | None,
    seconds: float = SECONDS,
) -> list[Row]:
    """The rows of push and of polling, through a counting relay before ``sockets``."""
    await asyncio.to_thread(folder.mkdir)
    engine, control = folder / "docker.sock", folder / "control.sock"
    async with relayed((engine, sockets[0]), (control, sockets[1])) as relay:
        async with _stream(engine, control) as news:
            pushed = await _row(f"push, {name}", news, relay, pid, seconds)
        async with _stream(engine, None) as news:
            polled = await _row(f"polling, {name}", news, relay, pid, seconds)
    return [pushed, polled]


@asynccontextmanager
async def _stream(engine: Path, control: Path | None) -> AsyncIterator[Told]:
    """All changes, by push if there is a control socket."""
    trust, swarm = EngineTrust(f"unix://{engine}"), DockerSwarm(f"unix://{engine}")
    push = PushFeed(StreamClient(control, trust)) if control else None
    async with aclosing(SwarmStream(push, swarm).follow(None)) as news:
        yield news
    await swarm.aclose()
    await trust.aclose()


async def _row(
    name: str, news: Told | None, relay: Relay | None, pid: int | None, seconds: float = SECONDS
) -> Row:
    if news is not None:
        await anext(news)
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
    """CPU seconds of this process and of the engine, and bytes through the relay."""
    engine = cpu_seconds(pid) if pid else 0.0
    return time.process_time(), engine, float(await relay.sent() if relay else 0)
