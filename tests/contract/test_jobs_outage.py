"""Redis dies, hangs, comes back, or comes back empty."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest
import redis

from bot.domain.errors import LeaseLostError, StoreUnavailableError
from bot.ports import LeaseToken
from bot.store.connection import RedisLink
from bot.store.jobs import RedisJobs
from bot.store.keys import Keys
from tests.contract.job_kit import PATIENCE, a_job, a_pending_command, finish, replica, taken
from tests.contract.relay import Relay
from tests.lab.redis import RedisServer

T = TypeVar("T")


async def _patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Retry after a pause until Redis is back, as the bot's loops do."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return await call()
            except StoreUnavailableError:
                await asyncio.sleep(0.05)


async def test_every_call_says_that_redis_is_away(fresh_redis: RedisServer):
    """This holds for every call; the link reports it too."""
    async with replica(fresh_redis.url) as jobs:
        await jobs.submit(a_job("web"))
        lease = await taken(jobs)
        fresh_redis.kill()
        for attempted in _every_call(jobs, lease):
            with pytest.raises(StoreUnavailableError):
                await attempted


async def test_a_call_that_certainly_did_not_reach_redis_is_told_from_one_that_may_have(
    fresh_redis: RedisServer,
):
    """A frozen Redis may execute the call later; a stopped one never sees it."""
    async with replica(fresh_redis.url) as jobs:
        await jobs.ping()
        fresh_redis.freeze()
        frozen = await _failed(jobs.accept(a_pending_command()))
        fresh_redis.kill()
        stopped = await _failed(jobs.accept(a_pending_command()))
    assert (frozen.doubtful, stopped.doubtful) == (True, False)


async def test_a_call_whose_answer_is_lost_may_have_reached_redis(fresh_redis: RedisServer):
    """The connection breaks after the call was sent, and no new one can be made."""
    async with Relay(fresh_redis.port) as relay, replica(relay.url) as jobs:
        await jobs.ping()
        fresh_redis.freeze()
        accepting = asyncio.ensure_future(_failed(jobs.accept(a_pending_command())))
        await asyncio.sleep(0.2)
        relay.cut()
        assert (await accepting).doubtful
        assert not (await _failed(jobs.accept(a_pending_command()))).doubtful
        fresh_redis.thaw()


async def _failed(call: Awaitable[object]) -> StoreUnavailableError:
    with pytest.raises(StoreUnavailableError) as caught:
        await call
    return caught.value


def _every_call(jobs: RedisJobs, lease: LeaseToken):
    job = a_job("web")
    yield jobs.ping()
    yield jobs.accept(a_pending_command())
    yield jobs.discard("x")
    yield jobs.abandoned_commands(1)
    yield jobs.submit(job)
    yield jobs.take(1)
    yield jobs.renew(lease)
    yield jobs.release(lease)
    yield jobs.load(job.id)
    yield jobs.save(lease, job)
    yield jobs.finish(lease, job, probation=False)
    yield jobs.cancel(job.id, "U1")
    yield jobs.active()
    yield jobs.recent(1)
    yield jobs.due_deliveries(1)
    yield jobs.mark_told(job.id, "converged")
    yield jobs.delivered(job.id, 1)
    yield jobs.postpone(job.id, 1)
    yield jobs.audit({"event": "refused"})


async def test_waiting_calls_fail_at_once_when_redis_crashes(fresh_redis: RedisServer):
    """A blocked wait ends with the error; the same object works again after the restart."""
    async with replica(fresh_redis.url) as jobs:
        waiting = [asyncio.create_task(call(PATIENCE)) for call in (jobs.take, jobs.due_deliveries)]
        await asyncio.sleep(0.2)
        fresh_redis.kill()
        for each in waiting:
            with pytest.raises(StoreUnavailableError):
                await each
        fresh_redis.start()
        job = a_job("web")
        await jobs.submit(job)
        assert (await taken(jobs)).job_id == job.id


async def test_calls_end_although_redis_hangs(fresh_redis: RedisServer):
    """Connections stay open without an answer: calls and waits still end."""
    async with replica(fresh_redis.url) as jobs:
        waiting = asyncio.create_task(jobs.take(PATIENCE))
        await jobs.ping()
        fresh_redis.freeze()
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(StoreUnavailableError):
                await jobs.ping()
            with pytest.raises(StoreUnavailableError):
                await waiting
        fresh_redis.thaw()
        await _patiently(jobs.ping)


async def test_nothing_is_lost_by_a_crash(fresh_redis: RedisServer):
    """Queued, running and finished jobs, deliveries and pending commands still exist."""
    async with replica(fresh_redis.url, lease=1.0) as jobs:
        finished, running, queued = a_job("web"), a_job("web"), a_job("web")
        pending = a_pending_command()
        for job in (finished, running, queued):
            await jobs.submit(job)
        await jobs.accept(pending)
        await finish(jobs, await taken(jobs))
        lease = await taken(jobs)
        fresh_redis.kill()
        fresh_redis.start()
        assert await jobs.renew(lease) == ""
        assert [job.id for job in await jobs.active()] == [running.id, queued.id]
        assert [each.job_id for each in await jobs.due_deliveries(0)] == [finished.id]
        assert await jobs.abandoned_commands(0) == (pending,)
        assert not await jobs.accept(a_pending_command(pending.key))
        await finish(jobs, lease)
        assert (await taken(jobs)).job_id == queued.id
        assert [job.id for job in await jobs.recent(9)] == [running.id, finished.id]


@asynccontextmanager
async def _back_after_the_lease(
    server: RedisServer,
    seconds: float = 1.0,
) -> AsyncIterator[tuple[RedisJobs, RedisJobs, LeaseToken]]:
    """A worker, another one, and the first one's lease, which expired while Redis was away.

    A lease takes ``seconds``; as long, from the return of Redis on, none counts as lost.
    """
    async with (
        replica(server.url, lease=seconds) as worker,
        replica(server.url, lease=seconds) as other,
    ):
        await worker.submit(a_job("web"))
        lease = await taken(worker)
        server.kill()
        await asyncio.sleep(seconds + 0.5)
        server.start()
        yield worker, other, lease


async def test_no_worker_loses_its_job_in_a_crash(fresh_redis: RedisServer):
    """No worker could renew its lease during the outage, so none counts as lost right after it.

    This also holds when Redis already reports an uptime of one second, which may have been a moment
    or spent on loading.
    """
    async with _back_after_the_lease(fresh_redis, 4.0) as (worker, other, lease):
        await _counts_a_second(fresh_redis)
        assert await _patiently(lambda: other.take(0)) is None
        assert await worker.renew(lease) == ""
        await finish(worker, lease)


async def test_a_worker_lost_with_redis_loses_its_job_one_lease_later(
    fresh_redis: RedisServer,
):
    """Nobody has renewed its lease since Redis is back, although there was time."""
    async with _back_after_the_lease(fresh_redis) as (worker, other, lease):
        assert await _patiently(lambda: other.take(0)) is None
        over = await taken(other)
        assert (over.job_id, over.attempt) == (lease.job_id, 2)
        with pytest.raises(LeaseLostError):
            await worker.renew(lease)


async def _counts_a_second(server: RedisServer) -> None:
    """Return when its uptime, counted in whole seconds, is no longer 0."""
    client = redis.asyncio.Redis.from_url(server.url)
    async with asyncio.timeout(PATIENCE), client:
        while not (await client.info("server"))["uptime_in_seconds"]:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.01)


async def test_no_worker_loses_its_job_in_a_hang(fresh_redis: RedisServer):
    """The same when Redis did not restart: a replica that saw the outage waits for one lease."""
    async with (
        replica(fresh_redis.url, lease=2.0) as worker,
        replica(fresh_redis.url, lease=2.0) as other,
    ):
        await worker.submit(a_job("web"))
        lease = await taken(worker)
        fresh_redis.freeze()
        with pytest.raises(StoreUnavailableError):
            await other.ping()
        await asyncio.sleep(1.5)
        fresh_redis.thaw()
        assert await _patiently(lambda: other.take(0)) is None
        assert await _patiently(lambda: worker.renew(lease)) == ""
        assert (await taken(other)).attempt == 2


async def test_a_redis_without_data_is_a_fresh_start(redis_server: RedisServer):
    """Running jobs get the error that their lease is gone; scripts and group are created again."""
    async with replica(redis_server.url) as jobs:
        await jobs.submit(a_job("web"))
        lease = await taken(jobs)
        waiting = asyncio.create_task(jobs.take(PATIENCE))
        await asyncio.sleep(0.1)
        redis_server.flush()
        with redis.Redis.from_url(redis_server.url) as client:
            client.script_flush()
        with pytest.raises(LeaseLostError):
            await jobs.renew(lease)
        job = a_job("web")
        assert await jobs.submit(job) == 0
        taker = await _patiently(lambda: waiting)
        assert taker is not None
        assert taker.job_id == job.id
        await finish(jobs, taker)
        assert [each.id for each in await jobs.recent(9)] == [job.id]


async def test_a_lost_record_blocks_no_lane(redis_server: RedisServer):
    """Jobs whose record is gone are skipped."""
    async with replica(redis_server.url) as jobs:
        lost, queued = a_job("web"), a_job("web")
        await jobs.submit(lost)
        await jobs.submit(queued)
        with redis.Redis.from_url(redis_server.url) as client:
            client.delete(Keys().job(lost.id))
        assert await jobs.take(0) is None
        assert [each.id for each in await jobs.active()] == [queued.id]
        following = a_job("web")
        await jobs.submit(following)
        assert (await taken(jobs)).job_id == queued.id


async def test_one_unreadable_record_hides_no_other(redis_server: RedisServer):
    """A newer replica's job is listed with what can be read of it."""
    async with replica(redis_server.url) as jobs:
        newer, job = a_job("web"), a_job("worker")
        await jobs.submit(newer)
        await jobs.submit(job)
        with redis.Redis.from_url(redis_server.url) as client:
            client.hset(Keys().job(newer.id), "json", '{"v": 99}')
        active = await jobs.active()
        assert [(each.id, each.unreadable) for each in active] == [
            (newer.id, True),
            (job.id, False),
        ]


async def test_the_password_is_required(tmp_path):
    """It may be set beside the URL; a wrong password is reported as an unavailable Redis."""
    with RedisServer(tmp_path / "redis", password="open sesame") as server:
        url = f"redis://127.0.0.1:{server.port}/0"
        for password, healthy in (("open sesame", True), ("wrong", False)):
            link = RedisLink(url, password)
            jobs = RedisJobs(link)
            if healthy:
                await jobs.ping()
            else:
                with pytest.raises(StoreUnavailableError):
                    await jobs.ping()
            assert (link.steady_seconds > 0) is healthy
            await link.aclose()
