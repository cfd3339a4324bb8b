"""``/orochi update`` and ``docker service update --image``; ``/orochi images`` of many services."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.bench import a_desk
from benchmarks.table import Table, seconds
from tests.desk import STACK, Desk
from tests.lab import images
from tests.lab.registry import RegistryServer

ROUNDS = 5
REPLICAS = 3
SERVICES = 60
NAMES = 20
SERVICE = f"{STACK}_worker01"


async def run() -> list[Table]:
    """Alternating rounds on the same lab and service, from one tag to the other and back."""
    ours: list[float] = []
    theirs: list[float] = []
    async with a_desk() as desk, _a_registry(desk) as registry:
        await desk.start_bot(BOT_WATCH_SECONDS="1")
        await desk.service(
            "worker01",
            image=f"{registry.address}/app:0",
            replicas=REPLICAS,
            options=("--update-monitor=5s", "--update-parallelism=0"),
        )
        for _ in range(ROUNDS):
            ours.append(await _ours(desk))
            theirs.append(await _theirs(desk, registry))
        listed = await _listed(desk, registry)
    ratio = statistics.median(ours) / statistics.median(theirs)
    return [
        Table(
            "update to another tag: command to converged",
            f"{ROUNDS} rounds each, alternating, {REPLICAS} replicas at once, monitor period 5 s",
            ("", "median s", "least", "most"),
            (
                ("/orochi update worker01 :1", *seconds(ours)),
                ("docker service update --image …:0 --detach=false", *seconds(theirs)),
                ("ratio of medians", f"{ratio:.3f}", "", ""),
            ),
        ),
        Table(
            "images: command to answer",
            f"{SERVICES} services of {NAMES} images, a registry on this machine, not from memory",
            ("", "median s", "least", "most"),
            (("/orochi images", *seconds(listed)),),
        ),
    ]


@asynccontextmanager
async def _a_registry(desk: Desk) -> AsyncIterator[RegistryServer]:
    """A registry with two versions of an image, under as many names as are listed."""
    archives = images.busy_archives()[:2]
    with tempfile.TemporaryDirectory() as folder, RegistryServer(desk.lab, Path(folder)) as server:
        for tag in range(NAMES):
            await asyncio.to_thread(server.push, f"app:{tag}", archives[tag % 2])
        yield server


async def _ours(desk: Desk) -> float:
    began = time.perf_counter()
    message = await desk.job("update worker01 :1")
    took = time.perf_counter() - began
    assert message.payload["verdict"] == "converged", message.shown_text
    return took


async def _theirs(desk: Desk, registry: RegistryServer) -> float:
    image = f"{registry.address}/app:0"
    began = time.perf_counter()
    await desk.docker("service", "update", "--image", image, "--detach=false", "--quiet", SERVICE)
    return time.perf_counter() - began


async def _listed(desk: Desk, registry: RegistryServer) -> list[float]:
    """Each time with a new bot, which remembers no look-up."""
    for number in range(SERVICES - 1):
        image = f"{registry.address}/app:{number % NAMES}"
        await desk.service(f"service{number:02}", image=image, replicas=0)
    took = []
    for _ in range(ROUNDS):
        bot = await desk.start_bot()
        await desk.bots[-2].kill()
        began = time.perf_counter()
        answer = await desk.answer("images")
        took.append(time.perf_counter() - began)
        assert bot.running
        assert f"{SERVICES} services" in answer
    return took
