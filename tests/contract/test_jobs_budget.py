"""Rate limits shared by all replicas, and their fallback without Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.store.budget import RedisBudget
from bot.store.connection import RedisLink
from tests.lab.redis import RedisServer


@pytest.fixture
async def budgets(redis_server: RedisServer) -> AsyncIterator[list[RedisBudget]]:
    """Two replicas' views of the same buckets."""
    links = [RedisLink(redis_server.url) for _ in range(2)]
    yield [RedisBudget(link) for link in links]
    for link in links:
        await link.aclose()


async def test_replicas_share_a_bucket(budgets: list[RedisBudget]):
    """Together they get the size of the burst and no more."""
    asked = [budget.take("update", 1, 5) for budget in budgets for _ in range(6)]
    waits = await asyncio.gather(*asked)
    assert waits.count(0.0) == 5
    assert all(50 < wait <= 60 for wait in waits if wait)


async def test_buckets_have_names(budgets: list[RedisBudget]):
    """An empty bucket does not affect another."""
    assert [await budgets[0].take(name, 1, 1) for name in ("a", "b")] == [0.0, 0.0]


async def test_a_reserve_is_kept_for_others(budgets: list[RedisBudget]):
    """A caller that must leave three tokens gets the first two of five; a verdict gets the rest."""
    modest = [await budgets[0].take("update", 1, 5, reserve=3) for _ in range(3)]
    urgent = [await budgets[1].take("update", 1, 5) for _ in range(4)]
    assert [wait == 0.0 for wait in modest] == [True, True, False]
    assert [wait == 0.0 for wait in urgent] == [True, True, True, False]


async def test_a_token_is_available_after_the_returned_wait(budgets: list[RedisBudget]):
    """The returned wait is exact."""
    await budgets[0].take("update", 600, 1)
    wait = await budgets[0].take("update", 600, 1)
    assert 0 < wait <= 0.1
    await asyncio.sleep(wait)
    assert await budgets[1].take("update", 600, 1) == 0.0


async def test_without_redis_each_process_counts_for_itself(fresh_redis: RedisServer):
    """It never raises, keeps the same limits and uses Redis again when that is back."""
    moment = 100.0
    link = RedisLink(fresh_redis.url)
    budget = RedisBudget(link, clock=lambda: moment)
    fresh_redis.kill()
    waits = [await budget.take("update", 60, 3, reserve=1) for _ in range(3)]
    assert waits == [0.0, 0.0, pytest.approx(1.0)]
    moment += 0.5
    assert await budget.take("update", 60, 3, reserve=1) == pytest.approx(0.5)
    fresh_redis.start()
    moment += 0.5
    assert await budget.take("update", 60, 3) == 0.0
    assert link.steady_seconds > 0
    await link.aclose()
