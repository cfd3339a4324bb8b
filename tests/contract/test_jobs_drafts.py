"""A command that was accepted is neither run twice nor forgotten."""

from __future__ import annotations

import asyncio
import time

import pytest
import redis

from bot.domain.errors import StoreUnavailableError
from bot.domain.jobs.model import Draft
from bot.store.jobs import RedisJobs
from bot.store.keys import Keys
from tests.contract.job_kit import PATIENCE, a_draft, a_job, finish, replica, taken
from tests.lab.redis import RedisServer

ABANDONED = 0.5
MILLISECONDS = 0.002
"""Redis tells times in whole milliseconds."""


async def test_the_same_delivery_is_accepted_once(jobs: RedisJobs, other: RedisJobs):
    """Whichever replicas it reaches, however close together."""
    accepted = await asyncio.gather(
        *(each.draft(a_draft("trigger-1")) for each in (jobs, other) for _ in range(10))
    )
    assert accepted.count(True) == 1
    assert await jobs.draft(a_draft("trigger-2"))


async def test_a_repeated_call_is_no_repeated_delivery(jobs: RedisJobs):
    """The client calls again when its connection broke; the command must not get lost by that."""
    draft = a_draft()
    assert [await jobs.draft(draft), await jobs.draft(draft)] == [True, True]
    assert await jobs.abandoned_drafts(0) == (draft,)


async def test_an_abandoned_draft_is_given_to_one_caller(jobs: RedisJobs, other: RedisJobs):
    """With all that was said."""
    draft = a_draft()
    await jobs.draft(draft)
    found = await asyncio.gather(*(each.abandoned_drafts(0.0) for each in (jobs, other)))
    fresh = await jobs.abandoned_drafts(60.0)
    assert draft in [*found[0], *found[1]]
    assert fresh == ()


async def test_a_draft_is_claimed_anew_after_the_same_time(jobs: RedisJobs):
    """Whoever had it may have been lost as well; not before, however often it is looked for."""
    draft = a_draft()
    await jobs.draft(draft)
    found: list[Draft] = []
    given: list[tuple[float, float]] = []
    async with asyncio.timeout(PATIENCE):
        while len(given) < 2:
            asked = time.monotonic()
            drafts = await jobs.abandoned_drafts(ABANDONED)
            if drafts:
                found += drafts
                given.append((asked, time.monotonic()))
            await asyncio.sleep(0.02)
    assert found == [draft, draft]
    assert given[1][1] - given[0][0] > ABANDONED - MILLISECONDS


async def test_a_submitted_draft_is_done(jobs: RedisJobs):
    """Its job carries on; the same delivery is still known."""
    draft = a_draft()
    await jobs.draft(draft)
    await jobs.submit(a_job("web", job_id=draft.id))
    assert await jobs.abandoned_drafts(0) == ()
    assert not await jobs.draft(a_draft(draft.key))


async def test_submitting_again_after_the_end_removes_the_draft_too(jobs: RedisJobs):
    """Two replicas that finish one draft make one job."""
    draft = a_draft()
    await jobs.draft(draft)
    for _ in range(2):
        await jobs.submit(a_job("web", job_id=draft.id))
    await finish(jobs, await taken(jobs))
    assert await jobs.take(0) is None
    assert await jobs.abandoned_drafts(0) == ()


async def test_a_discarded_draft_is_done(jobs: RedisJobs):
    """It was answered otherwise."""
    draft = a_draft()
    await jobs.draft(draft)
    await jobs.discard(draft.id)
    await jobs.discard(draft.id)
    assert await jobs.abandoned_drafts(0) == ()


async def test_an_unreadable_draft_hides_no_other(jobs: RedisJobs, redis_server: RedisServer):
    """One of a newer version is left to those that can read it."""
    newer, draft = a_draft(), a_draft()
    await jobs.draft(newer)
    await jobs.draft(draft)
    with redis.Redis.from_url(redis_server.url) as client:
        client.hset(Keys().all[6], newer.id, '{"v": 99, "draft": {}}')
    assert await jobs.abandoned_drafts(0) == (draft,)


async def test_a_refused_draft_is_not_found_later(fresh_redis: RedisServer):
    """Redis hung and the person was told that nothing happens: it does not, whatever it kept."""
    async with replica(fresh_redis.url) as jobs:
        await jobs.ping()
        await jobs.discard("nothing")
        fresh_redis.freeze()
        with pytest.raises(StoreUnavailableError):
            await jobs.draft(a_draft())
        fresh_redis.thaw()
        async with asyncio.timeout(PATIENCE):
            assert await _patiently(jobs) == ()


async def _patiently(jobs: RedisJobs):
    while True:
        try:
            return await jobs.abandoned_drafts(0)
        except StoreUnavailableError:
            await asyncio.sleep(0.1)


async def test_drafts_know_those_that_came_before_them_on_any_replica(jobs, other):
    """In the order in which they came; one that was queued or answered is before nobody."""
    first, second, third = a_draft(), a_draft(), a_draft()
    await jobs.draft(first)
    await other.draft(second)
    await jobs.draft(third)
    assert await other.drafts_before(third.id) == (first, second)
    await jobs.discard(first.id)
    assert await jobs.drafts_before(third.id) == (second,)
    await other.submit(a_job("web", job_id=second.id))
    assert await jobs.drafts_before(third.id) == ()


async def test_a_draft_that_was_answered_otherwise_makes_no_job(jobs, other):
    """A slow replica submits what another one has cleared away: nothing is queued."""
    draft = a_draft()
    await jobs.draft(draft)
    await other.discard(draft.id)
    assert await jobs.submit(a_job("web", job_id=draft.id)) == -1
    assert await jobs.active() == ()
    assert await jobs.load(draft.id) is None
