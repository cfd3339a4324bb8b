"""Jobs of another version of the bot: they block nobody, and nothing of them is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
import redis

from bot.domain.jobs.model import Job, JobState
from bot.domain.jobs.verdict import Verdict
from bot.ports import CancelResult
from bot.store.jobs import RedisJobs
from bot.store.keys import Keys
from tests.contract.conftest import OpenJobs
from tests.contract.job_kit import a_job, taken
from tests.contract.test_worker import LEASE, Runner, ended_job, finish, working
from tests.lab.redis import RedisServer

NEWER = '{"v":1,"job":{"id":"x","text":"scale web=3","channel":"C1","message":"1.5","colour":1}}'


@pytest.fixture
def raw(redis_server: RedisServer) -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(redis_server.url, decode_responses=True)) as client:
        yield client


async def unreadable(jobs: RedisJobs, raw: redis.Redis) -> Job:
    """A queued job whose record this version cannot read."""
    job = a_job("web")
    await jobs.submit(job)
    raw.hset(Keys().job(job.id), "json", NEWER)
    return job


async def test_it_is_listed_with_what_is_known_of_it(jobs: RedisJobs, raw: redis.Redis):
    job = await unreadable(jobs, raw)
    (found,) = await jobs.active()
    assert (found.id, found.text, found.user, found.lanes) == (job.id, job.text, "U1", ("web",))
    assert (found.unreadable, found.state) == (True, JobState.QUEUED)


async def test_it_is_left_to_other_replicas_for_a_while(jobs: RedisJobs, raw: redis.Redis):
    """A replica of a newer version takes it from the same queue; no attempt is counted."""
    job = await unreadable(jobs, raw)
    assert not await jobs.set_aside(await taken(jobs), 60)
    again = await taken(jobs)
    assert (again.job_id, again.attempt) == (job.id, 1)


async def test_then_it_frees_its_lane_and_is_told(jobs: RedisJobs, raw: redis.Redis):
    """Its record stays as it is."""
    job, following = await unreadable(jobs, raw), a_job("web")
    await jobs.submit(following)
    assert await jobs.set_aside(await taken(jobs), 0)

    assert (await taken(jobs)).job_id == following.id
    assert [each.job_id for each in await jobs.due_deliveries(0)] == [job.id]
    found = await jobs.outline(job.id)
    assert found is not None
    assert found.outcome is not None
    assert (found.verdict, found.channel, found.message) == (Verdict.FAILED, "C1", "1.5")
    assert "another version" in found.outcome.reason
    assert raw.hget(Keys().job(job.id), "json") == NEWER


async def test_it_can_be_cancelled(jobs: RedisJobs, raw: redis.Redis):
    job = await unreadable(jobs, raw)
    assert await jobs.cancel(job.id, "U2") is CancelResult.DEQUEUED
    (found,) = await jobs.recent(1)
    assert (found.id, found.verdict, found.cancelled_by) == (job.id, Verdict.CANCELLED, "U2")
    assert await jobs.take(0) is None
    assert raw.hget(Keys().job(job.id), "json") == NEWER


async def test_a_worker_does_not_end_an_action_that_it_does_not_know(open_jobs: OpenJobs):
    """The next job of its worker begins; the unknown one waits for a replica that knows it."""
    jobs = await open_jobs(lease=LEASE)
    unknown, known = a_job("web"), a_job("db")
    await jobs.submit(replace(unknown, action="paint"))
    await jobs.submit(known)
    async with working(jobs, Runner(finish)) as (_, ended):
        assert (await ended_job(ended)).id == known.id
        await asyncio.sleep(1.0)  # it is offered meanwhile
        found = await jobs.load(unknown.id)
    assert found is not None
    assert found.verdict is None
