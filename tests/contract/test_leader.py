"""One replica leads while its lease is valid, then another takes over at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import cast

import pytest
import redis

from bot.domain.errors import StoreUnavailableError, SwarmUnavailableError
from bot.loops.leader import Leader, LeaderLease
from bot.ports import Incidents
from bot.runtime.clock import SystemClock
from bot.runtime.tasks import cancel_all
from tests.contract.incident_kit import PATIENCE, incidents_on
from tests.lab.redis import RedisServer

LONG = 600.0
SHORT = 1.0


@dataclass
class Work:
    """The work of a leader: it does nothing until it is told to fail or to end."""

    leases: asyncio.Queue[LeaderLease] = field(default_factory=asyncio.Queue)
    ended: asyncio.Queue[bool] = field(default_factory=asyncio.Queue)
    fails: list[Exception | None] = field(default_factory=list)

    async def __call__(self, lease: LeaderLease) -> None:
        self.leases.put_nowait(lease)
        try:
            if self.fails:
                error = self.fails.pop(0)
                if error is None:
                    return
                raise error
            await asyncio.Event().wait()
        finally:
            self.ended.put_nowait(lease.holds())

    async def begun(self) -> LeaderLease:
        """Wait until it has started (again)."""
        async with asyncio.timeout(PATIENCE):
            return await self.leases.get()

    async def over(self) -> bool:
        """Wait until it was cancelled or ended; returns whether the lease was surely valid then."""
        async with asyncio.timeout(PATIENCE):
            return await self.ended.get()


@asynccontextmanager
async def campaigning(
    incidents: Incidents,
    work: Work,
    lease: float,
    elapsed: Callable[[], float] = time.monotonic,
) -> AsyncIterator[tuple[Leader, asyncio.Task[None]]]:
    """A replica that leads whenever it can."""
    leader = Leader(incidents, SystemClock(), work, lease_seconds=lease, elapsed=elapsed)
    task = asyncio.create_task(leader.run())
    try:
        yield leader, task
    finally:
        await cancel_all([task])


async def test_the_work_is_cancelled_when_the_lease_is_lost(redis_server: RedisServer):
    """It starts again with a new lease."""
    work = Work()
    async with (
        incidents_on(redis_server.url, lease=SHORT) as store,
        campaigning(store, work, SHORT) as (leader, _),
    ):
        first = await work.begun()
        assert leader.leads
        with closing(redis.Redis.from_url(redis_server.url)) as client:
            client.delete("orochi:leader")
        await work.over()
        second = await work.begun()

    assert first.token != second.token
    assert not leader.leads


async def test_without_a_store_nobody_leads_for_longer_than_the_lease(fresh_redis: RedisServer):
    """Another replica may reach the store. When it is back, one of them leads again."""
    work = Work()
    async with (
        incidents_on(fresh_redis.url, lease=SHORT) as store,
        campaigning(store, work, SHORT),
    ):
        await work.begun()
        fresh_redis.kill()
        assert not await work.over()
        fresh_redis.start()
        await work.begun()


class Mute:
    """A store that grants the lease and then never answers again."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def lead(self) -> str:
        return "token"

    async def go_on_leading(self, token: str) -> None:
        self.asked.set()
        await asyncio.Event().wait()

    async def stop_leading(self, token: str) -> None:
        raise StoreUnavailableError("It is mute.")


async def test_a_store_that_does_not_answer_does_not_block():
    """It is not awaited for longer than the lease."""
    work, store = Work(), Mute()
    async with campaigning(cast("Incidents", store), work, SHORT):
        await work.begun()
        await store.asked.wait()
        assert not await work.over()


async def test_after_a_long_pause_the_lease_counts_as_lost_at_once():
    """It stops before any call: another replica may have been leading for a while."""
    work, now = Work(), [0.0]
    async with campaigning(cast("Incidents", Mute()), work, LONG, lambda: now[0]):
        lease = await work.begun()
        assert lease.holds()
        now[0] += LONG
        assert not lease.holds()


async def test_another_replica_leads_at_once_when_one_stops(redis_server: RedisServer):
    """It does not wait for the end of the lease."""
    work, other = Work(), Work()
    async with (
        incidents_on(redis_server.url, lease=LONG) as store,
        incidents_on(redis_server.url, lease=LONG) as second,
        campaigning(store, work, LONG) as (_, task),
    ):
        await work.begun()
        async with campaigning(second, other, SHORT):
            task.cancel()
            await work.over()
            await other.begun()


@pytest.mark.parametrize("end", [ValueError("a bug"), None])
async def test_work_that_ends_by_itself_is_started_again(
    redis_server: RedisServer, end: Exception | None
):
    """It starts with a new lease; an error is logged, and another replica may take over."""
    work = Work(fails=[end])
    async with (
        incidents_on(redis_server.url, lease=SHORT) as store,
        campaigning(store, work, SHORT),
    ):
        first, second = await work.begun(), await work.begun()

    assert first.token != second.token


async def test_a_replica_that_cannot_do_the_work_lets_others_lead(redis_server: RedisServer):
    """It does not ask for the lease again at once, so that another replica gets it."""
    unable, able = Work(fails=[SwarmUnavailableError("no engine")]), Work()
    async with (
        incidents_on(redis_server.url, lease=SHORT) as store,
        incidents_on(redis_server.url, lease=SHORT) as second,
        campaigning(store, unable, SHORT),
    ):
        await unable.begun()
        async with campaigning(second, able, SHORT):
            await able.begun()
            assert unable.leases.empty()
