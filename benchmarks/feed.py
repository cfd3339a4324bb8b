"""Delay of the report of a task's failure: push, polling, and ``docker service ps``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from functools import partial

from benchmarks.table import Table, quantile
from bot.domain.swarm.model import Task, TaskState
from bot.ports import Feed
from bot.swarm.engine import DockerSwarm
from bot.swarm.event_stream.client import StreamClient
from bot.swarm.event_stream.trust import EngineTrust
from bot.swarm.poll_feed import PollFeed
from bot.swarm.push_feed import PushFeed
from tests.lab.swarm import Lab

FAILURES = 60
REPLICAS = 6
PAUSE = 1.0
REPLAYS = 10
SCRIPT = "sleep $((1 + $$ % 3)).$(($$ % 10)); exit 3"

Heard = Callable[[str], None]
Listen = Callable[[str, Heard], Coroutine[None, None, None]]


async def run() -> list[Table]:
    """One listener after the other on the same crash loop; finally a replay of all events."""
    with Lab(nodes=3, managers=3) as lab:
        trust, swarm = EngineTrust(lab.manager.socket), DockerSwarm(lab.manager.socket)
        client = StreamClient(lab.manager.control_socket, trust)
        began = await _version(client)
        service = lab.create_service(
            "crash", "/bin/sh", "-c", SCRIPT, replicas=REPLICAS, options=["--restart-delay", "0s"]
        )
        listeners: dict[str, Listen] = {
            "push": partial(_by_feed, PushFeed(client)),
            "poll feed, every 1 s": partial(_by_feed, PollFeed(swarm, interval=PAUSE)),
            "docker service ps, every 1 s": partial(_by_cli, lab),
        }
        rows = [
            _row(name, await _delays(client, service, listen)) for name, listen in listeners.items()
        ]
        lab.docker("service", "rm", "crash")
        lab.docker("node", "update", "--label-add", "the=end", lab.manager.name)
        replay = await _replays(client, began)
        await swarm.aclose()
        await trust.aclose()
    workload = (
        f"{FAILURES} failures for each, one after the other, of {REPLICAS} replicas that crash "
        "every 1 to 4 s; 3 nodes, all on this machine"
    )
    columns = ("", "p50 ms", "p95 ms", "most ms", "failures")
    title = "feed: a task's failure (Status.Timestamp) to who listens"
    return [Table(title, workload, columns, tuple(rows)), replay]


def _row(name: str, delays: list[float]) -> tuple[str, ...]:
    figures = (quantile(delays, 0.5), quantile(delays, 0.95), max(delays))
    return (name, *(f"{figure * 1000:.0f}" for figure in figures), str(len(delays)))


async def _delays(client: StreamClient, service: str, listen: Listen) -> list[float]:
    """The seconds from each failure's own time to its report by the listener."""
    heard: dict[str, float] = {}
    enough = asyncio.Event()

    def note(task_id: str) -> None:
        heard.setdefault(task_id, time.time())
        if len(heard) >= FAILURES + REPLICAS:  # some may have failed before the listener started
            enough.set()

    async with _failure_times(client) as failed:
        listening = asyncio.create_task(listen(service, note))
        await enough.wait()
        await asyncio.sleep(PAUSE)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    return [heard[task_id] - failed[task_id] for task_id in failed if task_id in heard]


@asynccontextmanager
async def _failure_times(client: StreamClient) -> AsyncIterator[dict[str, float]]:
    """The times of task failures, by task id, from the swarm; filled continuously."""
    failed: dict[str, float] = {}

    async def follow() -> None:
        async with aclosing(client.stream()) as batches:
            async for batch in batches:
                for event in batch.events:
                    task = event.object
                    if isinstance(task, Task) and task.state is TaskState.FAILED:
                        failed[task.id] = task.since

    following = asyncio.create_task(follow())
    await asyncio.sleep(PAUSE)
    try:
        yield failed
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def _by_feed(feed: Feed, service: str, heard: Heard) -> None:
    async with feed.subscribe(frozenset({service})) as changes:
        while True:
            for change in await changes.wait(60):
                if change.task and change.task.state is TaskState.FAILED:
                    heard(change.task.id)


async def _by_cli(lab: Lab, service: str, heard: Heard) -> None:
    """A shell script's approach: failures from before its start are not reported."""
    asked = ("service", "ps", "--no-trunc", "--format", "{{.ID}} {{.CurrentState}}", service)
    known: set[str] | None = None
    while True:
        lines = (await asyncio.to_thread(lab.docker, *asked)).splitlines()
        failed = {line.split()[0] for line in lines if " Failed" in line}
        for task_id in failed - (failed if known is None else known):
            heard(task_id)
        known = failed | (known or set())
        await asyncio.sleep(PAUSE)


async def _version(client: StreamClient) -> int:
    async with aclosing(client.stream()) as batches:
        return (await anext(batches)).version


async def _replays(client: StreamClient, began: int) -> Table:
    """A replay of all events, through the socket and the whole client."""
    end = await _version(client)
    rates: list[float] = []
    events = 0
    for _ in range(REPLAYS):
        start = time.perf_counter()
        events = await _replay(client, began, end)
        rates.append(events / (time.perf_counter() - start))
    figures = (quantile(rates, 0.5), min(rates), max(rates))
    return Table(
        "feed: how fast the client reads",
        f"{REPLAYS} replays of {events} events, connecting included",
        ("", "median events/s", "least", "most"),
        (("push", *(f"{figure:,.0f}" for figure in figures)),),
    )


async def _replay(client: StreamClient, began: int, end: int) -> int:
    events = 0
    async with aclosing(client.stream(began)) as batches:
        async for batch in batches:
            events += len(batch.events)
            if batch.version >= end:
                break
    return events
