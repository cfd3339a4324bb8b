"""Who answers a message, in Redis: one replica, or another one if that is lost."""

from __future__ import annotations

import asyncio

from bot.store.keys import StoreLimits


async def test_a_message_is_one_replicas_to_answer(jobs, other):
    claims = await asyncio.gather(*(each.claim_message("C1:1.0") for each in (jobs, other) * 5))

    assert sorted(claims) == [False] * 9 + [True]
    assert await other.claim_message("C1:2.0")


async def test_if_the_replica_is_lost_another_one_may_answer(open_jobs):
    """The claim ends; nothing keeps a message that nobody answered."""
    one = await open_jobs(limits=StoreLimits(claim_seconds=1))
    two = await open_jobs(limits=StoreLimits(claim_seconds=1))
    claimed = await one.claim_message("C1:1.0")
    first = await two.claim_message("C1:1.0")
    async with asyncio.timeout(10):
        while not await two.claim_message("C1:1.0"):
            pass

    assert (claimed, first) == (True, False)
    assert not await one.claim_message("C1:1.0")


async def test_an_answered_message_stays_answered(open_jobs):
    """For an hour, longer than Slack tries again."""
    one = await open_jobs(limits=StoreLimits(claim_seconds=1))
    await one.claim_message("C1:1.0")
    await one.answered_message("C1:1.0")
    left = await one._link.call(lambda redis: redis.ttl(one._keys.answered("C1:1.0")))

    assert 3500 < left <= 3600
    assert not await one.claim_message("C1:1.0")
