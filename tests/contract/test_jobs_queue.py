"""Jobs are taken in order, one at a time in each lane, and end once."""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import replace

import pytest
import redis

from bot.domain.jobs.model import JobState, Turn
from bot.domain.jobs.verdict import Verdict
from bot.ports import Ahead, CancelResult, Jobs, LeaseToken
from bot.store.jobs import RedisJobs
from bot.store.keys import Keys, StoreLimits
from bot.store.records import PAGE
from tests.contract.job_kit import a_job, audit_tail, done, finish, taken
from tests.lab.redis import RedisServer


def test_it_implements_the_port(jobs: RedisJobs):
    """The port is implemented, which mypy checks with this line."""
    port: Jobs = jobs
    assert port is jobs


async def test_jobs_of_one_service_run_first_come_first_served(jobs: RedisJobs):
    """The next job of a lane is ready when the job before it has ended, not earlier."""
    submitted = [a_job("web") for _ in range(3)]
    ahead = [await jobs.submit(job) for job in submitted]
    seen = []
    for _ in submitted:
        lease = await taken(jobs)
        assert await jobs.take(0) is None
        seen.append(lease.job_id)
        await finish(jobs, lease)
    assert (ahead, seen) == ([0, 1, 2], [job.id for job in submitted])


async def test_jobs_of_different_services_run_in_parallel(jobs: RedisJobs):
    """A busy lane does not delay another."""
    first, second = a_job("web"), a_job("worker")
    await jobs.submit(first)
    await jobs.submit(second)
    assert [(await taken(jobs)).job_id for _ in range(2)] == [first.id, second.id]


async def test_the_jobs_ahead_are_those_in_its_lanes(jobs: RedisJobs):
    """Oldest first and each once; a job that ended is not ahead any more."""
    ended, web, worker, both = a_job("web"), a_job("web"), a_job("worker"), a_job("web", "worker")
    late, other = a_job("worker", "web"), a_job("django")
    for job in (ended, web, worker, both, other):
        await jobs.submit(job)
    await finish(jobs, await taken(jobs))
    assert await jobs.ahead(late) == Ahead(3, both.id)
    assert await jobs.ahead(a_job("redis")) == Ahead()


async def test_a_page_of_the_queue_and_what_runs_is_read_without_the_rest(jobs: RedisJobs):
    """Of all services or of one; a queue can be long."""
    web, worker, later, stack = a_job("web"), a_job("worker"), a_job("web"), a_job("stack:shop")
    for job in (web, worker, later, stack):
        await jobs.submit(job)
    await taken(jobs)

    assert [job.id for job in await jobs.active(2)] == [web.id, worker.id]
    assert [job.id for job in await jobs.active(9, lane="web")] == [web.id, later.id]
    assert (await jobs.active_count(), await jobs.active_count(lane="web")) == (4, 2)
    assert [job.id for job in await jobs.running()] == [web.id]
    assert await jobs.taken_lanes(["stack:shop", "stack:other"]) == {"stack:shop"}
    assert await jobs.taken_lanes([]) == frozenset()


async def test_many_queued_jobs_are_all_listed(jobs: RedisJobs):
    """In pages, oldest first: one answer of Redis for all of them would come too late."""
    queued = [a_job("web", job_id=f"job{number:04}") for number in range(2 * PAGE + 1)]
    for job in queued:
        await jobs.submit(job)
    assert [job.id for job in await jobs.active()] == [job.id for job in queued]


async def test_a_job_of_several_services_waits_for_all_of_them(jobs: RedisJobs):
    """It counts each job ahead in any of its lanes once, and runs when it is first in all."""
    web, worker, both, late = a_job("web"), a_job("worker"), a_job("web", "worker"), a_job("web")
    ahead = [await jobs.submit(job) for job in (web, worker, both, late)]
    first, second = await taken(jobs), await taken(jobs)
    await finish(jobs, first)
    before = await jobs.take(0)
    await finish(jobs, second)
    third = await taken(jobs)
    beside = await jobs.take(0)
    await finish(jobs, third)
    last = await taken(jobs)
    assert ahead == [0, 0, 2, 2]
    assert (before, beside) == (None, None)
    assert (third.job_id, last.job_id) == (both.id, late.id)


async def test_opposite_orders_of_services_do_not_deadlock(jobs: RedisJobs):
    """Two jobs that name the same services in opposite order run one after the other."""
    there, back = a_job("a", "b"), a_job("b", "a")
    await jobs.submit(there)
    await jobs.submit(back)
    lease = await taken(jobs)
    assert await jobs.take(0) is None
    await finish(jobs, lease)
    assert (lease.job_id, (await taken(jobs)).job_id) == (there.id, back.id)


async def test_a_second_submit_changes_nothing(jobs: RedisJobs):
    """The id is the idempotency key before, during and after the run."""
    first, job = a_job("web"), a_job("web")
    ahead = [await jobs.submit(each) for each in (first, job, job)]
    await finish(jobs, await taken(jobs))
    lease = await taken(jobs)
    ahead.append(await jobs.submit(job))
    await finish(jobs, lease)
    ahead.append(await jobs.submit(job))
    assert ahead == [0, 1, 1, 0, 0]
    assert await jobs.take(0) is None
    assert [each.id for each in await jobs.recent(10)] == [job.id, first.id]


async def test_a_waiting_worker_is_woken_by_a_job(jobs: RedisJobs, other: RedisJobs):
    """There is no polling: the job itself wakes a worker of any replica."""
    waiting = asyncio.create_task(taken(other))
    job = a_job("web")
    await jobs.submit(job)
    assert (await waiting).job_id == job.id


async def test_waiting_ends_with_nothing_when_there_is_nothing(jobs: RedisJobs):
    """`take` returns after the given seconds."""
    assert await jobs.take(0.05) is None


async def test_a_job_goes_from_queued_through_running_to_finished(jobs: RedisJobs):
    """The record shows each step, with attempt, revision and the worker's own data."""
    job = a_job("web")
    await jobs.submit(job)
    assert await jobs.load(job.id) == job
    lease = await taken(jobs)
    running = await jobs.load(job.id)
    assert running == replace(job, state=JobState.RUNNING, attempt=1)
    saved = await jobs.save(lease, replace(running, started=5.5, message="1.2"))
    assert saved.revision == 1
    assert await jobs.load(job.id) == saved
    ended = await jobs.finish(lease, done(replace(saved, finished=9.0)), probation=False)
    assert (ended.state, ended.revision, ended.finished) == (JobState.FINISHED, 2, 9.0)
    assert await jobs.load(job.id) == ended
    assert ended.verdict is Verdict.CONVERGED


async def test_an_unknown_job_is_none(jobs: RedisJobs):
    """The id was never submitted."""
    assert await jobs.load("nobody") is None


async def test_a_probation_turn_holds_no_lane(jobs: RedisJobs):
    """While a job is in probation, the next job of its service runs."""
    job, following = a_job("web"), a_job("web")
    await jobs.submit(job)
    await jobs.submit(following)
    ended = await finish(jobs, await taken(jobs), probation=True)
    turns = sorted([await taken(jobs), await taken(jobs)], key=lambda each: each.turn.value)
    assert [(each.job_id, each.turn, each.attempt) for each in turns] == [
        (following.id, Turn.RUN, 1),
        (job.id, Turn.PROBATION, 1),
    ]
    revised = await jobs.finish(turns[1], replace(ended, revised=True), probation=False)
    assert revised == replace(ended, revised=True, revision=ended.revision + 1)
    assert await jobs.load(job.id) == revised
    assert [each.id for each in await jobs.recent(10)] == [job.id]


async def test_lists_are_in_order(jobs: RedisJobs):
    """Active jobs oldest first, finished ones newest first."""
    submitted = [a_job(lane) for lane in ("a", "b", "c", "d")]
    for job in submitted:
        await jobs.submit(job)
    for _ in range(2):
        await finish(jobs, await taken(jobs))
    ids = [job.id for job in submitted]
    assert [job.id for job in await jobs.active()] == ids[2:]
    assert [job.id for job in await jobs.recent(10)] == [ids[1], ids[0]]
    assert [job.id for job in await jobs.recent(1)] == [ids[1]]
    assert await jobs.recent(0) == ()


async def test_a_released_job_continues_elsewhere(jobs: RedisJobs, other: RedisJobs):
    """Releasing wakes another replica and spends no attempt; the job keeps its lane."""
    job, following = a_job("web"), a_job("web")
    await jobs.submit(job)
    await jobs.submit(following)
    lease = await taken(jobs)
    waiting = asyncio.create_task(taken(other))
    await jobs.release(lease)
    again = await waiting
    assert (again.job_id, again.attempt) == (job.id, 1)
    assert again.owner != lease.owner


async def test_a_queued_job_is_cancelled_at_once(jobs: RedisJobs):
    """It is finished, due for delivery, and out of all its lanes; the jobs behind it continue."""
    running, job, following = a_job("web"), a_job("web", "worker"), a_job("worker")
    for each in (running, job, following):
        await jobs.submit(each)
    lease = await taken(jobs)
    assert await jobs.take(0) is None
    assert await jobs.cancel(job.id, "U2") is CancelResult.DEQUEUED
    cancelled = await jobs.load(job.id)
    assert cancelled is not None
    assert (cancelled.state, cancelled.verdict, cancelled.cancelled_by) == (
        JobState.FINISHED,
        Verdict.CANCELLED,
        "U2",
    )
    assert [outcome.reason for outcome in cancelled.outcomes if outcome] == [
        "Cancelled before it started; nothing was changed."
    ] * 2
    assert cancelled.finished is not None
    assert [each.job_id for each in await jobs.due_deliveries(0)] == [job.id]
    assert (await taken(jobs)).job_id == following.id
    await finish(jobs, lease)
    assert await jobs.take(0) is None


async def test_a_ready_job_is_cancelled_before_it_is_taken(jobs: RedisJobs):
    """Its token is not valid any more."""
    job = a_job("web")
    await jobs.submit(job)
    assert await jobs.cancel(job.id, "U2") is CancelResult.DEQUEUED
    assert await jobs.take(0) is None
    assert await jobs.cancel(job.id, "U3") is CancelResult.FINISHED


async def test_a_running_job_is_asked_to_stop(jobs: RedisJobs, other: RedisJobs):
    """The next renewal of its worker returns the first person who asked."""
    job = a_job("web")
    await jobs.submit(job)
    lease = await taken(jobs)
    assert await jobs.renew(lease) == ""
    results = [await other.cancel(job.id, user) for user in ("U2", "U3")]
    assert results == [CancelResult.ASKED, CancelResult.ASKED]
    assert await jobs.renew(lease) == "U2"
    running = await jobs.load(job.id)
    assert running is not None
    assert running.cancelled_by == "U2"


async def test_a_cancelled_job_that_changed_hands_is_still_cancelled(jobs: RedisJobs):
    """The request stays with the job when its worker changes."""
    job = a_job("web")
    await jobs.submit(job)
    lease = await taken(jobs)
    await jobs.cancel(job.id, "U2")
    await jobs.release(lease)
    assert await jobs.cancel(job.id, "U3") is CancelResult.ASKED
    assert await jobs.renew(await taken(jobs)) == "U2"


async def test_cancelling_unknown_and_finished_jobs(jobs: RedisJobs):
    """Unknown and finished jobs give different results."""
    job = a_job("web")
    await jobs.submit(job)
    await finish(jobs, await taken(jobs))
    results = [await jobs.cancel(each, "U2") for each in ("nobody", job.id)]
    assert results == [CancelResult.UNKNOWN, CancelResult.FINISHED]


async def test_taking_and_cancelling_at_once_have_one_winner(jobs: RedisJobs, other: RedisJobs):
    """Either the job is cancelled without a worker, or its worker is told to stop."""
    for _ in range(60):
        job = a_job("web")
        await jobs.submit(job)
        lease, result = await asyncio.gather(jobs.take(0), other.cancel(job.id, "U2"))
        if lease is None:
            assert result is CancelResult.DEQUEUED
        else:
            assert result is CancelResult.ASKED
            assert await jobs.renew(lease) == "U2"
            await finish(jobs, lease)
    assert await jobs.active() == ()


async def test_jobs_that_end_in_the_same_millisecond_have_an_order(jobs: RedisJobs):
    """The history lists the one that ended last first, like the audit log."""
    for number in range(30):
        await jobs.submit(a_job(f"service-{number}"))
    leases = [await taken(jobs) for _ in range(30)]
    await asyncio.gather(*(finish(jobs, lease) for lease in leases))
    ends = [each["job"] for each in await audit_tail(jobs, 99) if each["event"] == "finished"]
    assert len(ends) == 30
    assert [job.id for job in await jobs.recent(30)] == ends


async def test_history_is_trimmed_but_not_what_is_undelivered_or_watched(open_jobs):
    """The oldest are trimmed, unless their verdict is still due."""
    jobs: RedisJobs = await open_jobs(limits=StoreLimits(history_count=2))
    submitted = [a_job("web") for _ in range(5)]
    undelivered, watched, forgotten = submitted[:3]
    for job in submitted:
        await jobs.submit(job)
    for job in submitted:
        lease = await _run_turn(jobs)
        ended = await finish(jobs, lease, probation=job is watched)
        if job is not undelivered:
            await jobs.delivered(job.id, ended.revision)
    expected = [submitted[4].id, submitted[3].id, watched.id, undelivered.id]
    assert [job.id for job in await jobs.recent(10)] == expected
    assert await jobs.load(forgotten.id) is None


async def _run_turn(jobs: RedisJobs) -> LeaseToken:
    lease = await taken(jobs)
    return lease if lease.turn is Turn.RUN else await taken(jobs)


async def test_finished_jobs_are_forgotten_in_time(jobs: RedisJobs, redis_server: RedisServer):
    """Finished records have an expiry; queued ones have none."""
    ended, queued = a_job("web"), a_job("web")
    await jobs.submit(ended)
    await jobs.submit(queued)
    await finish(jobs, await taken(jobs))
    with closing(redis.Redis.from_url(redis_server.url)) as client:
        lives = [client.ttl(Keys().job(job.id)) for job in (ended, queued)]
    assert lives == [pytest.approx(StoreLimits().history_seconds, abs=60), -1]


async def test_the_audit_log_says_who_did_what(jobs: RedisJobs):
    """Each transition of a job is written with its audit entry, next to other entries."""
    job, unwanted = a_job("web"), a_job("web")
    await jobs.submit(job)
    await jobs.submit(unwanted)
    lease = await taken(jobs)
    await jobs.cancel(unwanted.id, "U2")
    await jobs.cancel(job.id, "U3")
    await finish(jobs, lease)
    await jobs.audit({"event": "join", "who": "U4", "text": "join worker", "target": "worker"})
    told = [(each["event"], each["who"], each.get("job", "")) for each in await audit_tail(jobs, 9)]
    assert told == [
        ("join", "U4", ""),
        ("finished", "U1", job.id),
        ("cancel asked", "U3", job.id),
        ("cancelled", "U2", unwanted.id),
        ("submitted", "U1", unwanted.id),
        ("submitted", "U1", job.id),
    ]
    finished = (await audit_tail(jobs, 2))[1]
    assert (finished["text"], finished["target"], finished["verdict"]) == (
        "scale web=3",
        "web",
        "converged",
    )


async def test_refused_commands_push_no_change_out_of_the_audit_log(
    jobs: RedisJobs, monkeypatch: pytest.MonkeyPatch
):
    """Anybody may have as many commands refused as they like."""
    limits = replace(StoreLimits(), audit_entries=100, refusal_entries=100)
    monkeypatch.setattr(jobs, "_limits", limits)
    await jobs.audit({"event": "join", "who": "U1", "text": "join manager", "target": "manager"})
    for number in range(400):
        await jobs.audit({"event": "refused", "who": "U4", "text": f"scale {number}"})
    refused = await audit_tail(jobs, 1000, refused=True)

    assert [each["event"] for each in await audit_tail(jobs, 9)] == ["join"]
    assert refused[0]["text"] == "scale 399"
    assert 100 <= len(refused) < 400
