"""A turn belongs to one worker; a lost worker's turn goes to another, the old one is refused."""

from __future__ import annotations

import asyncio
import sys
from contextlib import closing, suppress
from dataclasses import replace

import pytest
import redis

from bot.domain.errors import LeaseLostError
from bot.domain.jobs.model import Job, Turn
from bot.ports import LeaseToken
from bot.store.jobs import RedisJobs
from bot.store.keys import Keys, StoreLimits
from tests.contract.conftest import OpenJobs
from tests.contract.job_kit import PATIENCE, a_job, finish, taken
from tests.lab.redis import RedisServer

SHORT = 0.3
"""A lease short enough to wait for its end."""
KEPT = 1.0
"""A lease that even a busy machine can renew in time, and that ends during the test if not."""


async def _keep(jobs: RedisJobs, lease: LeaseToken) -> None:
    while True:
        await asyncio.sleep(KEPT / 20)
        await jobs.renew(lease)


async def test_a_lost_workers_job_is_taken_over(open_jobs: OpenJobs):
    """The second worker gets the second attempt; the job keeps its lane."""
    lost, other = await open_jobs(lease=SHORT), await open_jobs(lease=SHORT)
    job, following = a_job("web"), a_job("web")
    await lost.submit(job)
    await lost.submit(following)
    first = await taken(lost)
    second = await taken(other)
    assert (second.job_id, second.turn, second.attempt) == (job.id, Turn.RUN, 2)
    assert first.job_id == job.id
    loaded = await other.load(job.id)
    assert loaded is not None
    assert loaded.attempt == 2


async def test_a_lost_workers_probation_is_taken_over(open_jobs: OpenJobs):
    """Probation turns have leases like any other."""
    jobs = await open_jobs(lease=SHORT)
    job = a_job("web")
    await jobs.submit(job)
    await finish(jobs, await taken(jobs), probation=True)
    turns = [await taken(jobs), await taken(jobs)]
    assert [(each.job_id, each.turn, each.attempt) for each in turns] == [
        (job.id, Turn.PROBATION, 1),
        (job.id, Turn.PROBATION, 2),
    ]


async def test_a_renewed_lease_is_not_taken_over(open_jobs: OpenJobs):
    """Renewing keeps the turn for much longer than the lease."""
    jobs, other = await open_jobs(lease=KEPT), await open_jobs(lease=KEPT)
    await jobs.submit(a_job("web"))
    lease = await taken(jobs)
    keeper = asyncio.create_task(_keep(jobs, lease))
    assert await other.take(KEPT * 3) is None
    keeper.cancel()
    with suppress(asyncio.CancelledError):
        await keeper
    assert await jobs.renew(lease) == ""


@pytest.mark.parametrize("same_replica", [True, False])
async def test_a_stale_worker_cannot_change_anything(open_jobs: OpenJobs, same_replica: bool):
    """This holds even if the same replica took over its own job."""
    jobs = await open_jobs(lease=SHORT)
    taker = jobs if same_replica else await open_jobs(lease=SHORT)
    job = a_job("web")
    await jobs.submit(job)
    stale = await taken(jobs)
    lease = await taken(taker)
    for attempted in _everything(jobs, stale, job):
        with pytest.raises(LeaseLostError):
            await attempted
    assert await taker.renew(lease) == ""
    assert (await finish(taker, lease)).revision == 1
    assert [each.job_id for each in await taker.due_deliveries(0)] == [job.id]


def _everything(jobs: RedisJobs, lease: LeaseToken, job: Job):
    yield jobs.renew(lease)
    yield jobs.save(lease, replace(job, message="stale"))
    yield jobs.finish(lease, job, probation=True)
    yield jobs.release(lease)


async def test_a_turn_ends_once(jobs: RedisJobs):
    """The lease is invalid after finishing and after releasing."""
    job = a_job("web")
    await jobs.submit(job)
    released = await taken(jobs)
    await jobs.release(released)
    finished = await taken(jobs)
    await finish(jobs, finished)
    for lease in (released, finished):
        for attempted in _everything(jobs, lease, job):
            with pytest.raises(LeaseLostError):
                await attempted


async def test_a_forged_attempt_is_refused(jobs: RedisJobs):
    """The attempt is checked as well as the owner."""
    await jobs.submit(a_job("web"))
    lease = await taken(jobs)
    with pytest.raises(LeaseLostError):
        await jobs.renew(replace(lease, attempt=2))


async def test_a_cancelled_take_takes_nothing(jobs: RedisJobs, other: RedisJobs):
    """Whenever it is cancelled, another worker gets the job at once, with no attempt spent."""
    job = a_job("web")
    await jobs.submit(job)
    for turns_of_the_loop in range(40):
        taking = asyncio.create_task(jobs.take(PATIENCE))
        for _ in range(turns_of_the_loop):
            await asyncio.sleep(0)
        taking.cancel()
        lease = None
        with suppress(asyncio.CancelledError):
            lease = await taking
        if lease is None:
            lease = await other.take(0)
        assert lease is not None
        assert (lease.job_id, lease.attempt) == (job.id, 1)
        await other.release(lease)


async def test_a_cancelled_wait_takes_nothing_later(jobs: RedisJobs, other: RedisJobs):
    """A worker that stopped waiting before the job came does not get it."""
    waiting = asyncio.create_task(jobs.take(PATIENCE))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    job = a_job("web")
    await jobs.submit(job)
    assert (await taken(other)).job_id == job.id


async def test_a_cancelled_worker_can_still_release_its_job(jobs: RedisJobs, other: RedisJobs):
    """All calls during its cleanup are carried out."""
    submitted = [a_job("web"), a_job("worker")]
    for job in submitted:
        await jobs.submit(job)
    leases = [await taken(jobs) for _ in submitted]

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            for lease in leases:
                await jobs.release(lease)

    working = asyncio.create_task(work())
    await asyncio.sleep(0)
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    handed_back = [await other.take(0), await other.take(0)]
    assert {each and each.job_id for each in handed_back} == {job.id for job in submitted}


async def test_a_killed_process_loses_its_jobs_to_others(
    redis_server: RedisServer, open_jobs: OpenJobs
):
    """Several jobs of a SIGKILLed worker continue elsewhere, without any other event."""
    jobs = await open_jobs(lease=3.0)
    submitted = [a_job(f"service-{number}") for number in range(5)]
    for job in submitted:
        await jobs.submit(job)
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.contract.job_worker", redis_server.url, "hold", "5"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert worker.stdout is not None
    async with asyncio.timeout(PATIENCE):
        assert await worker.stdout.readline() == b"holding\n"
    assert await jobs.take(0) is None
    worker.kill()
    await worker.wait()
    turns = [await taken(jobs) for _ in submitted]
    assert {each.job_id for each in turns} == {job.id for job in submitted}
    assert {each.attempt for each in turns} == {2}


async def test_a_replica_that_leaves_hands_its_turns_back_and_is_forgotten(
    open_jobs: OpenJobs, redis_server: RedisServer
):
    """Its workers may have had no time for it; it counts as no lost attempt."""
    jobs, other = await open_jobs(), await open_jobs()
    submitted = a_job("web")
    await jobs.submit(submitted)
    late = await taken(jobs)
    await jobs.aclose()
    with closing(redis.Redis.from_url(redis_server.url)) as client:
        assert client.xinfo_consumers(Keys().ready, StoreLimits().workers) == []
    turn = await other.take(0)
    assert turn is not None
    assert (turn.job_id, turn.attempt) == (submitted.id, 1)
    with pytest.raises(LeaseLostError):
        await finish(jobs, late)
    await finish(other, turn)
