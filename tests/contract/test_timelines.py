"""A timeline's link: stored with the job's record, shown by one more delivery, no mention."""

from __future__ import annotations

from bot.domain.jobs.verdict import Verdict
from bot.ports import LeaseToken
from bot.store.jobs import RedisJobs
from bot.views.jobs.message import job_message
from tests.contract.job_kit import a_job, done, taken
from tests.unit.hostile import shown

LINK = "https://emulated.slack.com/files/F1/timeline-abc.png"


async def finished(jobs: RedisJobs, *, probation: bool = False) -> str:
    """The id of a job that has ended and whose message shows it."""
    job = a_job("web")
    await jobs.submit(job)
    lease = await taken(jobs)
    ended = await jobs.finish(lease, done(job), probation=probation)
    (due,) = await jobs.due_deliveries(5.0)
    await jobs.mark_told(due.job_id, Verdict.CONVERGED.value)
    await jobs.delivered(due.job_id, ended.revision)
    return ended.id


async def test_a_link_makes_the_message_due_again_once(jobs: RedisJobs):
    """The verdict counts as delivered: the requester is not mentioned again."""
    job_id = await finished(jobs)
    assert await jobs.due_deliveries(0.0) == ()
    await jobs.link_timeline(job_id, LINK)
    (due,) = await jobs.due_deliveries(5.0)
    assert (due.job_id, due.told) == (job_id, "converged")
    job = await jobs.load(job_id)
    assert job is not None
    assert f"<{LINK}|Timeline>" in shown(job_message(job, 0.0))
    await jobs.delivered(job_id, due.revision)
    assert await jobs.due_deliveries(0.0) == ()


async def test_a_probation_that_began_before_keeps_the_link(jobs: RedisJobs):
    """Its worker does not know the link, and writes the record without it."""
    job_id = await finished(jobs, probation=True)
    lease: LeaseToken = await taken(jobs)
    known = await jobs.load(job_id)
    assert known is not None
    await jobs.link_timeline(job_id, LINK)
    await jobs.finish(lease, known, probation=False)
    after = await jobs.load(job_id)
    assert after is not None
    assert after.timeline == LINK


async def test_a_link_does_not_restore_a_forgotten_job(jobs: RedisJobs):
    await jobs.link_timeline("nobody", LINK)
    assert await jobs.load("nobody") is None
    assert await jobs.due_deliveries(0.0) == ()


async def test_an_invalid_address_is_not_a_link(jobs: RedisJobs):
    """Text from outside does not become markup."""
    job_id = await finished(jobs)
    await jobs.link_timeline(job_id, "javascript:x|<!channel>")
    job = await jobs.load(job_id)
    assert job is not None
    assert shown(job_message(job, 0.0)).endswith(" · Timeline")
