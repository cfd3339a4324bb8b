"""Every verdict is handed out until a caller confirms that its message shows it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from bot.domain.errors import LeaseLostError
from bot.domain.jobs.model import Job
from bot.ports import Delivery
from bot.store.jobs import RedisJobs
from bot.store.keys import StoreLimits
from tests.contract.conftest import OpenJobs
from tests.contract.job_kit import PATIENCE, a_job, done, finish, taken


async def _ended(jobs: RedisJobs, *, probation: bool = False) -> Job:
    await jobs.submit(a_job("web"))
    return await finish(jobs, await taken(jobs), probation=probation)


async def test_a_finished_job_wakes_a_waiting_delivery(jobs: RedisJobs, other: RedisJobs):
    """The delivery has the revision to show."""
    waiting = asyncio.create_task(other.due_deliveries(PATIENCE))
    job = await _ended(jobs)
    assert await waiting == (Delivery(job.id, job.revision, ""),)


async def test_a_delivery_is_given_to_one_caller_only(jobs: RedisJobs, other: RedisJobs):
    """It stays with that caller until its time is over."""
    jobs_ended = {(await _ended(jobs)).id for _ in range(30)}
    given = []
    while found := await asyncio.gather(jobs.due_deliveries(0), other.due_deliveries(0)):
        if not any(found):
            break
        given += [each.job_id for some in found for each in some]
    assert (len(given), set(given)) == (30, jobs_ended)


async def test_an_unconfirmed_delivery_is_due_again(open_jobs: OpenJobs):
    """A replica that is lost in between only delays the verdict."""
    jobs = await open_jobs(limits=StoreLimits(claim_seconds=1))
    job = await _ended(jobs)
    times = [await jobs.due_deliveries(PATIENCE) for _ in range(2)]
    assert times == [(Delivery(job.id, job.revision, ""),)] * 2


async def test_a_confirmed_delivery_is_not_due_again(jobs: RedisJobs):
    """Postponing it does not change that."""
    job = await _ended(jobs)
    await jobs.due_deliveries(0)
    await jobs.delivered(job.id, job.revision)
    await jobs.postpone(job.id, 0)
    assert await jobs.due_deliveries(0.05) == ()


async def test_a_postponed_delivery_is_due_later(jobs: RedisJobs):
    """It is due after the postponement, and waiting callers get that time."""
    job = await _ended(jobs)
    await jobs.due_deliveries(0)
    waiting = asyncio.create_task(jobs.due_deliveries(PATIENCE))
    await jobs.postpone(job.id, 0.2)
    assert await waiting == (Delivery(job.id, job.revision, ""),)


async def test_showing_an_old_revision_confirms_nothing_newer(jobs: RedisJobs):
    """A revised verdict stays due, but the requester is mentioned only for the first."""
    first = await _ended(jobs, probation=True)
    await jobs.due_deliveries(0)
    await jobs.mark_told(first.id, "converged")
    second = await jobs.finish(await taken(jobs), done(first), probation=False)
    await jobs.delivered(first.id, first.revision)
    assert await jobs.due_deliveries(0) == (Delivery(first.id, second.revision, "converged"),)
    await jobs.delivered(first.id, second.revision)
    assert await jobs.due_deliveries(0) == ()


async def test_a_cancelled_look_keeps_nothing(jobs: RedisJobs, other: RedisJobs):
    """Whenever it is cancelled, another caller gets the delivery at once."""
    job = await _ended(jobs)
    for turns_of_the_loop in range(20):
        looking = asyncio.create_task(jobs.due_deliveries(PATIENCE))
        for _ in range(turns_of_the_loop):
            await asyncio.sleep(0)
        looking.cancel()
        found: tuple[Delivery, ...] = ()
        with suppress(asyncio.CancelledError):
            found = await looking
        found = found or await other.due_deliveries(0)
        assert [each.job_id for each in found] == [job.id]
        await other.postpone(job.id, 0)


async def test_unknown_jobs_have_no_deliveries(jobs: RedisJobs):
    """Late calls about forgotten jobs leave nothing behind."""
    await jobs.mark_told("nobody", "converged")
    await jobs.delivered("nobody", 1)
    await jobs.postpone("nobody", 0)
    assert await jobs.due_deliveries(0) == ()
    assert await jobs.load("nobody") is None


async def test_a_kept_delivery_stays_with_its_caller(open_jobs: OpenJobs):
    """Slack may take longer than the claim lasts: nobody else delivers meanwhile."""
    limits = StoreLimits(claim_seconds=1)
    jobs, other = await open_jobs(limits=limits), await open_jobs(limits=limits)
    await _ended(jobs)
    (delivery,) = await jobs.due_deliveries(0)
    for _ in range(4):
        await asyncio.sleep(0.4)
        delivery = await jobs.keep_delivery(delivery)
        assert await other.due_deliveries(0) == ()


async def test_a_delivery_that_another_caller_has_is_lost(open_jobs: OpenJobs):
    limits = StoreLimits(claim_seconds=1)
    jobs, other = await open_jobs(limits=limits), await open_jobs(limits=limits)
    await _ended(jobs)
    (late,) = await jobs.due_deliveries(0)
    assert len(await other.due_deliveries(PATIENCE)) == 1
    with pytest.raises(LeaseLostError):
        await jobs.keep_delivery(late)


async def test_a_revised_verdict_waits_for_the_one_in_progress(jobs: RedisJobs, other: RedisJobs):
    """Two callers would mention the requester twice."""
    first = await _ended(jobs, probation=True)
    await jobs.due_deliveries(0)
    second = await jobs.finish(await taken(jobs), done(first), probation=False)
    assert await other.due_deliveries(0) == ()
    await jobs.delivered(first.id, first.revision)
    assert await other.due_deliveries(0) == (Delivery(first.id, second.revision, ""),)
