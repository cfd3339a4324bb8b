"""Every verdict is given out until somebody says that its message shows it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from bot.domain.jobs.model import Job
from bot.ports import Delivery
from bot.store.jobs import RedisJobs
from bot.store.keys import StoreLimits
from tests.contract.conftest import OpenJobs
from tests.contract.job_kit import PATIENCE, a_job, done, finish, taken


async def _ended(jobs: RedisJobs, *, probation: bool = False) -> Job:
    await jobs.submit(a_job("web"))
    return await finish(jobs, await taken(jobs), probation=probation)


async def test_a_finished_job_wakes_who_waits_for_it(jobs: RedisJobs, other: RedisJobs):
    """The delivery names the revision that is to be shown."""
    waiting = asyncio.create_task(other.due_deliveries(PATIENCE))
    job = await _ended(jobs)
    assert await waiting == (Delivery(job.id, job.revision, ""),)


async def test_a_delivery_is_given_to_one_caller_only(jobs: RedisJobs, other: RedisJobs):
    """Until its time is over."""
    jobs_ended = {(await _ended(jobs)).id for _ in range(30)}
    given = []
    while found := await asyncio.gather(jobs.due_deliveries(0), other.due_deliveries(0)):
        if not any(found):
            break
        given += [each.job_id for some in found for each in some]
    assert (len(given), set(given)) == (30, jobs_ended)


async def test_what_is_not_confirmed_is_due_again(open_jobs: OpenJobs):
    """A replica that was lost in between delays the verdict, no more."""
    jobs = await open_jobs(limits=StoreLimits(claim_seconds=1))
    job = await _ended(jobs)
    times = [await jobs.due_deliveries(PATIENCE) for _ in range(2)]
    assert times == [(Delivery(job.id, job.revision, ""),)] * 2


async def test_what_was_delivered_is_not_due_again(jobs: RedisJobs):
    """Not even by postponing it."""
    job = await _ended(jobs)
    await jobs.due_deliveries(0)
    await jobs.delivered(job.id, job.revision)
    await jobs.postpone(job.id, 0)
    assert await jobs.due_deliveries(0.05) == ()


async def test_what_slack_did_not_take_is_due_later(jobs: RedisJobs):
    """After the seconds it was postponed by, which whoever waits gets to know."""
    job = await _ended(jobs)
    await jobs.due_deliveries(0)
    waiting = asyncio.create_task(jobs.due_deliveries(PATIENCE))
    await jobs.postpone(job.id, 0.2)
    assert await waiting == (Delivery(job.id, job.revision, ""),)


async def test_showing_an_old_revision_confirms_nothing_newer(jobs: RedisJobs):
    """A revised verdict stays due, and who asked was told of the first."""
    first = await _ended(jobs, probation=True)
    await jobs.due_deliveries(0)
    await jobs.mark_told(first.id, "converged")
    second = await jobs.finish(await taken(jobs), done(first), probation=False)
    await jobs.delivered(first.id, first.revision)
    assert await jobs.due_deliveries(0) == (Delivery(first.id, second.revision, "converged"),)
    await jobs.delivered(first.id, second.revision)
    assert await jobs.due_deliveries(0) == ()


async def test_a_cancelled_look_keeps_nothing(jobs: RedisJobs, other: RedisJobs):
    """Whenever it is cancelled, the delivery is another's at once."""
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


async def test_nothing_is_said_of_unknown_jobs(jobs: RedisJobs):
    """Late calls about forgotten jobs leave nothing behind."""
    await jobs.mark_told("nobody", "converged")
    await jobs.delivered("nobody", 1)
    await jobs.postpone("nobody", 0)
    assert await jobs.due_deliveries(0) == ()
    assert await jobs.load("nobody") is None
