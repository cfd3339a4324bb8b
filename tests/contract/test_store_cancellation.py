"""A cancelled call to Redis is always cancelled, at whatever moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from redis.asyncio import Redis

from bot.store.connection import RedisLink
from bot.store.jobs import RedisJobs

STEPS = 40

Call = Callable[[RedisLink, RedisJobs], Awaitable[object]]


@pytest.mark.parametrize(
    "call",
    [
        lambda _link, jobs: jobs.take(0.3),
        lambda _link, jobs: jobs.due_deliveries(0.3),
        lambda link, _jobs: link.wait("none", "$", 0.1),
    ],
    ids=["take", "deliveries", "wait"],
)
async def test_no_cancellation_is_swallowed(redis_server, call: Call):
    """At each of many steps of the event loop the call ends cancelled, never by itself.

    On Python 3.11 ``asyncio.wait_for``, which redis-py uses to send, loses some cancellations.
    """
    for steps in range(STEPS):
        link = RedisLink(redis_server.url)
        task = asyncio.ensure_future(call(link, RedisJobs(link)))
        for _ in range(steps):
            await asyncio.sleep(0)
        assert not task.done()
        task.cancel()
        await asyncio.wait({task}, timeout=5)
        assert task.cancelled(), f"swallowed after {steps} steps"
        await link.aclose()


async def test_a_cancellation_that_comes_with_a_time_out_is_not_swallowed():
    """As after a pause of the whole process: then redis-py reports the time-out alone."""
    link = RedisLink("redis://127.0.0.1:1")

    async def command(_: Redis) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise TimeoutError from None

    task = asyncio.ensure_future(link.call(command))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=5)
    assert task.cancelled()
    await link.aclose()
