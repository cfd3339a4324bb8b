"""A manager is cut off from the others while a bot writes to it: nothing is lost or made twice."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from playground.slack import SlackEmulator
from tests.desk import Desk, is_job
from tests.lab.partition import Gate, Partition
from tests.lab.redis import RedisServer
from tests.lab.swarm import Lab

SEEDS = int(os.environ.get("PARTITION_SEEDS", "3"))
"""Each takes five seconds of processor time."""


@pytest.fixture(scope="module")
def own_lab() -> Iterator[Lab]:
    """Three managers for this file alone: partitions disturb whoever else uses a swarm."""
    with Lab(nodes=3, managers=3) as swarm:
        yield swarm


@pytest.fixture
def clean_lab(own_lab: Lab) -> Iterator[Lab]:
    """That lab without services."""
    own_lab.wait_ready()
    yield own_lab
    own_lab.wait_ready()
    own_lab.clean()


@asynccontextmanager
async def divided(desk: Desk, folder: Path, seed: int) -> AsyncIterator[list[Gate]]:
    """Two bots at two managers; each is cut off at its first write."""
    async with AsyncExitStack() as parts:
        gates = []
        for number, node in enumerate(random.Random(seed).sample(desk.lab.nodes, 2)):
            gate = Gate(node, folder / f"{number}.sock", Partition.draw(seed * 2 + number))
            gates.append(await parts.enter_async_context(gate))
            await desk.start_bot(DOCKER_HOST=gate.host, BOT_CONTROL_SOCKET=str(node.control_socket))
        yield gates


@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
async def test_a_partition_at_a_write_loses_and_repeats_nothing(
    clean_lab: Lab, slack: SlackEmulator, redis_server: RedisServer, tmp_path: Path, seed: int
):
    desk = Desk(slack, clean_lab, redis_server)
    await desk.service("worker01", replicas=2)
    await desk.service("django", replicas=2)
    async with divided(desk, tmp_path, seed) as gates:
        try:
            for text in ("restart worker01", "scale django 3", "scale worker01 4"):
                await desk.type(text)
            await slack.workspace.until(lambda: ended(slack) == 3 or None, 150)
        finally:
            await desk.close()
    assert any(gate.cut.is_set() for gate in gates)
    jobs = [message for message in slack.workspace.messages.values() if is_job(message)]
    said = {m.shown_text for m in jobs if m.payload["verdict"] not in {"converged", "paused"}}
    # A bot may give up before a write, if the managers elect a leader for longer than it waits.
    unchanged = {text for text in said if "Nothing was changed." in text}
    assert (len(jobs), said - unchanged) == (3, set())
    await asyncio.to_thread(clean_lab.wait_ready)
    worker, django = [await desk.inspect(name) for name in ("worker01", "django")]
    is_made = {
        text: not any(text in each for each in unchanged)
        for text in ("restart worker01", "scale worker01 to 4", "scale django to 3")
    }
    assert is_made == {
        "restart worker01": worker["Spec"]["TaskTemplate"].get("ForceUpdate", 0) == 1,
        "scale worker01 to 4": worker["Spec"]["Mode"]["Replicated"]["Replicas"] == 4,
        "scale django to 3": django["Spec"]["Mode"]["Replicated"]["Replicas"] == 3,
    }


def ended(slack: SlackEmulator) -> int:
    """How many jobs have a verdict."""
    messages = slack.workspace.messages.values()
    return sum(is_job(each) and each.payload.get("state") == "finished" for each in messages)
