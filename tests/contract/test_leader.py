"""One replica leads, no longer than its lease stands, and another as soon as it does not."""

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
    """What is done while leading: nothing, until it is told to fail or to end."""

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
        """Wait until it is begun (again)."""
        async with asyncio.timeout(PATIENCE):
            return await self.leases.get()

    async def over(self) -> bool:
        """Wait until it was cancelled or ended; whether the lease stood for certain by then."""
        async with asyncio.timeout(PATIENCE):
            return await self.ended.get()


@asynccontextmanager
async def campaigning(
    incidents: Incidents,
    work: Work,
    lease: float,
    elapsed: Callable[[], float] = time.monotonic,
) -> AsyncIterator[tuple[Leader, asyncio.Task[None]]]:
    """A replica that leads whenever it may."""
    leader = Leader(incidents, SystemClock(), work, lease_seconds=lease, elapsed=elapsed)
    task = asyncio.create_task(leader.run())
    try:
        yield leader, task
    finally:
        await cancel_all([task])


async def test_what_is_done_is_cancelled_when_the_lease_is_lost(redis_server: RedisServer):
    """And begun anew when it is had again."""
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
    """Another replica may reach it. When it is back, somebody leads again."""
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


async def test_a_store_that_does_not_answer_is_not_waited_for():
    """Longer than the lease stands."""
    work, store = Work(), Mute()
    async with campaigning(cast("Incidents", store), work, SHORT):
        await work.begun()
        await store.asked.wait()
        assert not await work.over()


async def test_after_a_long_pause_it_knows_at_once_that_the_lease_may_be_lost():
    """Before anybody was asked: another replica may have led for long."""
    work, now = Work(), [0.0]
    async with campaigning(cast("Incidents", Mute()), work, LONG, lambda: now[0]):
        lease = await work.begun()
        assert lease.holds()
        now[0] += LONG
        assert not lease.holds()


async def test_another_replica_leads_at_once_when_one_stops(redis_server: RedisServer):
    """It need not wait for the lease's end."""
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
async def test_what_ends_by_itself_is_begun_anew(redis_server: RedisServer, end: Exception | None):
    """With a new lease; an error is in the log, and another replica may be the one."""
    work = Work(fails=[end])
    async with (
        incidents_on(redis_server.url, lease=SHORT) as store,
        campaigning(store, work, SHORT),
    ):
        first, second = await work.begun(), await work.begun()

    assert first.token != second.token


async def test_a_replica_that_cannot_do_the_work_leaves_it_to_the_others(redis_server: RedisServer):
    """It does not campaign again at once: one that can is given the time to lead."""
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
