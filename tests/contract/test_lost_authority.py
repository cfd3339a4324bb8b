"""A replica that lost its lease shows, writes and decides nothing any more."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.jobs.model import Job, Target
from bot.domain.jobs.verdict import Verdict
from bot.ports import CancelResult
from bot.views.jobs.message import job_message
from playground.slack import SlackEmulator
from playground.swarm.engine import SimulatedSwarm
from playground.swarm.furnished import furnished
from tests.contract.job_kit import a_job
from tests.contract.relay import Relay
from tests.contract.replica_kit import CLOCK, Replica, a_replica
from tests.contract.slack_side import ANN, SWARM, a_messenger, eventually
from tests.lab.redis import RedisServer

LEASE = 1.0
NAME = "orochi_mailhog"


@pytest.fixture
async def demo() -> AsyncIterator[SimulatedSwarm]:
    """The guide's swarm."""
    with tempfile.TemporaryDirectory(prefix="sim") as folder:
        async with SimulatedSwarm(furnished(now=time.time()), Path(folder)) as swarm:
            yield swarm


async def posted(replica: Replica, demo: SimulatedSwarm, replicas: int) -> Job:
    """A scale job with its message, queued."""
    service = demo.requests.service(NAME)
    target = Target(NAME, service.id, replicas)
    job = replace(a_job("web"), targets=(target,), user=ANN, channel=SWARM, created=CLOCK.now())
    ts = await replica.ctx.chat.post(SWARM, job_message(job, CLOCK.now()))
    job = replace(job, message=ts)
    await replica.jobs.submit(job)
    return job


async def applied(replica: Replica, job: Job) -> None:
    """Wait until the job's change is made and noted."""
    async with asyncio.timeout(60):
        while True:
            found = await replica.jobs.load(job.id)
            if found and found.targets[0].applied:
                return
            await asyncio.sleep(0.02)


def running(demo: SimulatedSwarm) -> int:
    """How many tasks of the service run."""
    service = demo.requests.service(NAME)
    tasks = demo.simulation.store.tasks.values()
    return sum(t.service_id == service.id and t.status.state.name == "RUNNING" for t in tasks)


async def test_a_verdict_is_not_overwritten_by_a_replica_that_lost_its_lease(
    redis_server: RedisServer, demo: SimulatedSwarm
):
    """Its way to Redis is cut; another one takes the job over, and somebody cancels it."""
    async with (
        SlackEmulator(strict=True) as slack,
        Relay(redis_server.port) as relay,
        a_messenger(slack) as first,
        a_messenger(slack) as second,
        a_replica(relay.url, first, demo.host(), lease=LEASE, works=True) as lost,
        a_replica(redis_server.url, second, demo.host(), lease=LEASE, delivers=True) as other,
    ):
        demo.faults.crash_loop(NAME)
        job = await posted(lost, demo, 3)
        await applied(other, job)
        relay.cut()
        other.worker.start()
        assert await other.jobs.cancel(job.id, ANN) is CancelResult.ASKED
        message = await slack.wait_for_message(
            lambda m: m.ts == job.message and m.payload["state"] == "finished"
        )
        settled = len(message.history)
        # The lost replica still sees the swarm change.
        await demo.mend()
        await eventually(lambda: running(demo) == 3, 60.0)
        await asyncio.sleep(2.0)
        assert message.payload["verdict"] == "cancelled"
        assert len(message.history) == settled
        relay.mend()
        await eventually(lambda: lost.worker.working == 0)


async def test_a_node_that_was_drained_before_a_long_outage_ends_timed_out(
    redis_server: RedisServer,
):
    """Its services are still followed, each to its own verdict."""
    async with (
        SlackEmulator(strict=True) as slack,
        a_messenger(slack) as messenger,
        a_replica(redis_server.url, messenger, lease=5.0, works=True) as replica,
    ):
        made = CLOCK.now() - 3600
        node = Target("node:machine-01", "n1", 1, update_before=0.0, applied=made, changed=True)
        service = Target("orochi_web", "s1", 1, update_before=0.0)
        job = replace(a_job("web"), action="drain", targets=(node, service), channel=SWARM)
        await replica.jobs.submit(job)
        async with asyncio.timeout(60):
            while True:
                ended = await replica.jobs.load(job.id)
                if ended and ended.verdict:
                    break
                await asyncio.sleep(0.05)
    assert [each.verdict for each in ended.outcomes if each] == [Verdict.TIMED_OUT] * 2
