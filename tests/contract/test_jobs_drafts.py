"""An accepted command is neither run twice nor forgotten."""

from __future__ import annotations

import asyncio
import time

import pytest
import redis

from bot.domain.errors import StoreUnavailableError
from bot.domain.jobs.model import PendingCommand
from bot.store.jobs import RedisJobs
from bot.store.keys import Keys
from tests.contract.job_kit import PATIENCE, a_job, a_pending_command, finish, replica, taken
from tests.lab.redis import RedisServer

ABANDONED = 0.5
MILLISECONDS = 0.002
"""Redis returns times in whole milliseconds."""


async def test_the_same_delivery_is_accepted_once(jobs: RedisJobs, other: RedisJobs):
    """This holds for any replicas and any time between the deliveries."""
    accepted = await asyncio.gather(
        *(each.accept(a_pending_command("trigger-1")) for each in (jobs, other) for _ in range(10))
    )
    assert accepted.count(True) == 1
    assert await jobs.accept(a_pending_command("trigger-2"))


async def test_a_repeated_call_is_not_a_repeated_delivery(jobs: RedisJobs):
    """The client retries when its connection broke; the command must not be lost by that."""
    pending = a_pending_command()
    assert [await jobs.accept(pending), await jobs.accept(pending)] == [True, True]
    assert await jobs.abandoned_commands(0) == (pending,)


async def test_an_abandoned_pending_command_is_given_to_one_caller(
    jobs: RedisJobs, other: RedisJobs
):
    """It is returned with all its data."""
    pending = a_pending_command()
    await jobs.accept(pending)
    found = await asyncio.gather(*(each.abandoned_commands(0.0) for each in (jobs, other)))
    fresh = await jobs.abandoned_commands(60.0)
    assert pending in [*found[0], *found[1]]
    assert fresh == ()


async def test_a_pending_command_can_be_claimed_again_after_the_same_time(jobs: RedisJobs):
    """The claimer may have been lost as well; before that time no search finds it again."""
    pending = a_pending_command()
    await jobs.accept(pending)
    found: list[PendingCommand] = []
    given: list[tuple[float, float]] = []
    async with asyncio.timeout(PATIENCE):
        while len(given) < 2:
            asked = time.monotonic()
            left = await jobs.abandoned_commands(ABANDONED)
            if left:
                found += left
                given.append((asked, time.monotonic()))
            await asyncio.sleep(0.02)
    assert found == [pending, pending]
    assert given[1][1] - given[0][0] > ABANDONED - MILLISECONDS


async def test_a_submitted_pending_command_is_done(jobs: RedisJobs):
    """Its job continues; the same delivery is still recognised."""
    pending = a_pending_command()
    await jobs.accept(pending)
    await jobs.submit(a_job("web", job_id=pending.id))
    assert await jobs.abandoned_commands(0) == ()
    assert not await jobs.accept(a_pending_command(pending.key))


async def test_submitting_again_after_the_end_removes_the_pending_command_too(jobs: RedisJobs):
    """Two replicas that finish one pending command create one job."""
    pending = a_pending_command()
    await jobs.accept(pending)
    for _ in range(2):
        await jobs.submit(a_job("web", job_id=pending.id))
    await finish(jobs, await taken(jobs))
    assert await jobs.take(0) is None
    assert await jobs.abandoned_commands(0) == ()


async def test_a_discarded_pending_command_is_done(jobs: RedisJobs):
    """It got another answer."""
    pending = a_pending_command()
    await jobs.accept(pending)
    await jobs.discard(pending.id)
    await jobs.discard(pending.id)
    assert await jobs.abandoned_commands(0) == ()


async def test_an_unreadable_pending_command_hides_no_other(
    jobs: RedisJobs, redis_server: RedisServer
):
    """A pending command of a newer version is left to replicas that can read it."""
    newer, pending = a_pending_command(), a_pending_command()
    await jobs.accept(newer)
    await jobs.accept(pending)
    with redis.Redis.from_url(redis_server.url) as client:
        client.hset(Keys().all[6], newer.id, '{"v": 99, "draft": {}}')
    assert await jobs.abandoned_commands(0) == (pending,)


async def test_a_refused_pending_command_is_not_found_later(fresh_redis: RedisServer):
    """Redis hung and the person was told that nothing happens: so nothing does."""
    async with replica(fresh_redis.url) as jobs:
        await jobs.ping()
        await jobs.discard("nothing")
        fresh_redis.freeze()
        with pytest.raises(StoreUnavailableError):
            await jobs.accept(a_pending_command())
        fresh_redis.thaw()
        async with asyncio.timeout(PATIENCE):
            assert await _patiently(jobs) == ()


async def _patiently(jobs: RedisJobs):
    while True:
        try:
            return await jobs.abandoned_commands(0)
        except StoreUnavailableError:
            await asyncio.sleep(0.1)


async def test_pending_commands_are_ordered_across_replicas(jobs, other):
    """They are in order of arrival; a command that was queued or answered comes before none."""
    first, second, third = a_pending_command(), a_pending_command(), a_pending_command()
    await jobs.accept(first)
    await other.accept(second)
    await jobs.accept(third)
    assert await other.commands_before(third.id) == (first, second)
    await jobs.discard(first.id)
    assert await jobs.commands_before(third.id) == (second,)
    await other.submit(a_job("web", job_id=second.id))
    assert await jobs.commands_before(third.id) == ()


async def test_a_pending_command_with_another_answer_creates_no_job(jobs, other):
    """A slow replica submits a command that another one has already answered: nothing is queued."""
    pending = a_pending_command()
    await jobs.accept(pending)
    await other.discard(pending.id)
    assert await jobs.submit(a_job("web", job_id=pending.id)) == -1
    assert await jobs.active() == ()
    assert await jobs.load(pending.id) is None
