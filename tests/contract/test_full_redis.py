"""A Redis that takes no new data: the bot says so, waits, and continues by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing

import pytest
import redis

from bot.domain.errors import StoreFullError
from bot.domain.jobs.verdict import Verdict
from bot.loops.job_lease import JobLease
from bot.loops.leader import Leader, LeaderLease
from bot.runtime.clock import SystemClock
from bot.runtime.tasks import cancel_all
from tests.contract.incident_kit import incidents_on
from tests.contract.job_kit import PATIENCE, a_job, a_pending_command, replica
from tests.contract.test_worker import LEASE, Runner, ended_job, finish, working
from tests.lab.redis import RedisServer


@pytest.fixture
def admin(fresh_redis: RedisServer) -> Iterator[redis.Redis]:
    """A client that fills the server and frees it."""
    with closing(redis.Redis.from_url(fresh_redis.url)) as client:
        yield client


def fill(admin: redis.Redis) -> None:
    """Redis refuses new data from now on."""
    admin.config_set("maxmemory", "1")


def free(admin: redis.Redis) -> None:
    """Redis takes new data again."""
    admin.config_set("maxmemory", "0")


async def test_a_full_redis_is_told_as_what_it_is(fresh_redis: RedisServer, admin: redis.Redis):
    """A new command is refused with the cause; the readiness check notices it too."""
    async with replica(fresh_redis.url) as jobs:
        await jobs.ping()
        fill(admin)
        with pytest.raises(StoreFullError, match="Redis is full") as caught:
            await jobs.accept(a_pending_command())
        assert "maxmemory" in caught.value.hint
        assert not caught.value.doubtful
        with pytest.raises(StoreFullError):
            await jobs.ping()
        assert jobs._link.full
        free(admin)
        await jobs.ping()
        assert not jobs._link.full


async def test_a_read_only_replica_is_told_as_what_it_is(
    fresh_redis: RedisServer, admin: redis.Redis
):
    async with replica(fresh_redis.url) as jobs:
        admin.replicaof("127.0.0.1", "1")
        with pytest.raises(StoreFullError, match="read-only"):
            await jobs.accept(a_pending_command())


async def test_a_job_waits_for_room_without_a_busy_loop(
    fresh_redis: RedisServer, admin: redis.Redis
):
    """Its first save fails: it is tried again after longer and longer pauses, and then ends."""

    async def saves(lease: JobLease) -> None:
        await lease.save(lease.job)
        await finish(lease)

    runner = Runner(saves)
    async with replica(fresh_redis.url, lease=LEASE) as jobs:
        await jobs.submit(a_job("web"))
        async with working(jobs, runner) as (_, ended):
            fill(admin)
            await asyncio.sleep(4.0)
            assert runner.runs <= 6
            free(admin)
            job = await ended_job(ended)
    assert job.verdict is Verdict.CONVERGED


@asynccontextmanager
async def campaigning(leader: Leader) -> AsyncIterator[None]:
    task = asyncio.create_task(leader.run())
    try:
        yield
    finally:
        await cancel_all([task])


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged about nobody watching."""
    return [each.message for each in caplog.records if "no replica can watch" in each.message]


async def test_a_replica_that_cannot_watch_says_so_once(
    fresh_redis: RedisServer, admin: redis.Redis, caplog: pytest.LogCaptureFixture
):
    led = asyncio.Event()

    async def work(_lease: LeaderLease) -> None:
        led.set()
        await asyncio.Event().wait()

    fill(admin)
    with caplog.at_level(logging.WARNING):
        async with incidents_on(fresh_redis.url, lease=0.5) as incidents:
            leader = Leader(incidents, SystemClock(), work, lease_seconds=0.5)
            async with campaigning(leader):
                async with asyncio.timeout(PATIENCE):
                    while not told(caplog):  # noqa: ASYNC110 - a log has no event
                        await asyncio.sleep(0.05)
                    await asyncio.sleep(0.3)  # it tries again meanwhile
                    free(admin)
                    await led.wait()
    said = told(caplog)
    assert len(said) == 1
    assert "Redis is full" in said[0]
