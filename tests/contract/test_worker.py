"""The worker over a real Redis: whatever a runner does, its job gets a verdict."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from bot.domain.errors import RefusedError, StoreUnavailableError
from bot.domain.jobs.model import Job, JobState, Turn
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.loops.job_lease import JobLease
from bot.loops.worker import MOST_ATTEMPTS, Worker
from bot.runtime.backoff import Backoff
from bot.runtime.clock import SystemClock
from bot.runtime.tasks import together
from bot.slack.messenger import Messenger
from tests.contract.job_kit import PATIENCE, a_job, done, replica, taken

LEASE = 1.5


class Runner:
    """Runs what the test gives; ``begun`` is set when it was called."""

    def __init__(self, what: Callable[[JobLease], Awaitable[None]]) -> None:
        self.begun = asyncio.Event()
        self.runs = 0
        self._what = what

    async def run(self, lease: JobLease) -> None:
        self.runs += 1
        self.begun.set()
        await self._what(lease)

    async def run_probation(self, lease: JobLease) -> None:
        await self.run(lease)


LONG = 1000.0


class NoChat(Messenger):
    """A chat without messages."""

    def __init__(self) -> None:
        """Connect to nothing."""

    async def forget(self, channel: str, ts: str) -> None:
        """Show no progress."""


async def finish(lease: JobLease) -> None:
    """A job that ends at once."""
    await lease.finish(replace(done(lease.job), state=JobState.FINISHED, finished=2.0))


async def for_ever(_lease: JobLease) -> None:
    """A job that never ends."""
    await asyncio.Event().wait()


@asynccontextmanager
async def working(
    jobs, runner: Runner, chat: Messenger | None = None
) -> AsyncIterator[tuple[Worker, asyncio.Queue[Job]]]:
    """A running worker and the jobs that have ended."""
    ended: asyncio.Queue[Job] = asyncio.Queue()
    worker = Worker(
        jobs,
        chat or NoChat(),
        {"scale": runner},
        SystemClock(),
        at_once=4,
        lease_seconds=LEASE,
        ended=ended.put_nowait,
    )
    worker.start()
    try:
        yield worker, ended
    finally:
        await worker.drain()


async def ended_job(ended: asyncio.Queue[Job]) -> Job:
    """The next job that has ended."""
    return await asyncio.wait_for(ended.get(), PATIENCE)


async def test_a_runner_that_breaks_ends_in_failed_with_a_reference(open_jobs):
    """An unexpected error: the person gets a sentence and the id that is in the log."""

    async def breaks(_lease: JobLease) -> None:
        raise ZeroDivisionError

    jobs = await open_jobs(lease=LEASE)
    async with working(jobs, Runner(breaks)) as (_, ended):
        await jobs.submit(a_job("web"))
        job = await ended_job(ended)
    assert job.verdict is Verdict.FAILED
    assert job.outcome is not None
    assert "Unexpected error." in job.outcome.reason
    assert "ref " in job.outcome.reason


async def test_a_bot_error_is_reported_with_its_own_sentence(open_jobs):
    """A refusal during the run gives its sentence and its hint."""

    async def refuses(_lease: JobLease) -> None:
        raise RefusedError("It cannot be done.", hint="Do it otherwise.")

    jobs = await open_jobs(lease=LEASE)
    async with working(jobs, Runner(refuses)) as (_, ended):
        await jobs.submit(a_job("web"))
        job = await ended_job(ended)
    assert job.outcome is not None
    assert job.outcome.reason.startswith("It cannot be done.")
    assert job.outcome.advice == "Do it otherwise."


async def test_known_outcomes_of_a_broken_job_are_kept(open_jobs):
    """Of two services one has finished: only the other one failed."""

    async def half(lease: JobLease) -> None:
        lease.job = lease.job.with_outcome(0, Outcome(Verdict.CONVERGED, "It runs."))
        raise ZeroDivisionError

    jobs = await open_jobs(lease=LEASE)
    async with working(jobs, Runner(half)) as (_, ended):
        await jobs.submit(a_job("web", "db"))
        job = await ended_job(ended)
    assert [outcome.verdict for outcome in job.outcomes if outcome] == [
        Verdict.CONVERGED,
        Verdict.FAILED,
    ]


async def test_a_job_that_kills_its_workers_ends(open_jobs):
    """After five lost workers the job ends instead of killing a sixth."""
    jobs = await open_jobs(lease=0.2)
    job = a_job("web")
    await jobs.submit(job)
    for _ in range(MOST_ATTEMPTS):
        async with asyncio.timeout(PATIENCE):
            while await jobs.take(1.0) is None:
                pass
    runner = Runner(finish)
    async with working(jobs, runner) as (_, ended):
        given_up = await ended_job(ended)
    assert runner.runs == 0
    assert given_up.verdict is Verdict.FAILED
    assert given_up.outcome is not None
    assert "workers were lost" in given_up.outcome.reason


async def test_another_worker_takes_a_drained_workers_job_at_once(open_jobs):
    """A worker that shuts down releases its job without waiting for the end of its lease."""
    first, second = await open_jobs(lease=60.0), await open_jobs(lease=60.0)
    stuck = Runner(for_ever)
    async with working(first, stuck) as (worker, _):
        await first.submit(a_job("web"))
        await asyncio.wait_for(stuck.begun.wait(), PATIENCE)
        await worker.drain()
        async with working(second, Runner(finish)) as (_, ended):
            job = await ended_job(ended)
    assert job.verdict is Verdict.CONVERGED
    assert job.attempt == 1


async def test_a_request_to_cancel_reaches_the_runner(open_jobs):
    """The runner gets the name of the person who cancels, on any replica."""

    async def until_cancelled(lease: JobLease) -> None:
        await lease.cancelled.wait()
        job = replace(done(lease.job, Verdict.CANCELLED), cancelled_by=lease.cancelled_by)
        await lease.finish(replace(job, state=JobState.FINISHED, finished=2.0))

    jobs, other = await open_jobs(lease=LEASE), await open_jobs(lease=LEASE)
    runner = Runner(until_cancelled)
    async with working(jobs, runner) as (_, ended):
        job = a_job("web")
        await jobs.submit(job)
        await asyncio.wait_for(runner.begun.wait(), PATIENCE)
        await other.cancel(job.id, "U2")
        cancelled = await ended_job(ended)
    assert (cancelled.verdict, cancelled.cancelled_by) == (Verdict.CANCELLED, "U2")


async def test_a_verdict_waits_for_redis(redis_server, open_jobs, fresh_redis):
    """Redis is away when the job ends: the verdict is written when it is back."""

    async def ends_without_redis(lease: JobLease) -> None:
        await asyncio.to_thread(fresh_redis.kill)
        asyncio.get_running_loop().call_later(
            0.5, lambda: asyncio.get_running_loop().run_in_executor(None, fresh_redis.start)
        )
        await finish(lease)

    async with replica(fresh_redis.url, lease=5.0) as jobs:
        async with working(jobs, Runner(ends_without_redis)) as (_, ended):
            job = a_job("web")
            await jobs.submit(job)
            assert (await ended_job(ended)).verdict is Verdict.CONVERGED
        kept = await jobs.load(job.id)
    assert kept is not None
    assert kept.verdict is Verdict.CONVERGED


async def test_a_lost_lease_ends_everything_that_the_job_does(open_jobs):
    """Another worker has the job: the first one's parallel work ends, also what saves nothing."""
    siblings: list[asyncio.Task[Any]] = []

    async def follows_two(lease: JobLease) -> None:
        async def one() -> None:
            if task := asyncio.current_task():
                siblings.append(task)
            await for_ever(lease)

        await together(one(), one())

    jobs, other = await open_jobs(lease=LEASE), await open_jobs(lease=0.1)
    runner = Runner(follows_two)
    async with working(jobs, runner) as (worker, _):
        await jobs.submit(a_job("web"))
        await asyncio.wait_for(runner.begun.wait(), PATIENCE)
        async with asyncio.timeout(PATIENCE):
            while await other.take(0.05) is None:
                pass
            while worker.working:  # noqa: ASYNC110 - it has no event for it
                await asyncio.sleep(0.01)
    assert [task.cancelled() for task in siblings] == [True, True]


async def test_a_watch_that_breaks_is_over(open_jobs):
    """The first verdict stands, and the message does not promise more watching."""

    async def provisional(lease: JobLease) -> None:
        if lease.token.turn is Turn.PROBATION:
            raise ZeroDivisionError
        good = Outcome(Verdict.CONVERGED, "It runs.", provisional=True)
        job = replace(lease.job.with_outcome(0, good), state=JobState.FINISHED, finished=2.0)
        await lease.finish(job, probation=True)

    jobs = await open_jobs(lease=LEASE)
    async with working(jobs, Runner(provisional)):
        job = a_job("web")
        await jobs.submit(job)
        async with asyncio.timeout(PATIENCE):
            while True:
                found = await jobs.load(job.id)
                if found and found.watched_until is not None:
                    break
                await asyncio.sleep(0.02)
    assert found.outcome is not None
    assert (found.verdict, found.outcome.provisional) == (Verdict.CONVERGED, False)


class BusyChat(NoChat):
    """A chat whose edit of the message is not over: Slack asks to wait."""

    async def forget(self, channel: str, ts: str) -> None:
        await asyncio.Event().wait()


async def test_a_stopped_worker_gives_its_job_back_although_an_edit_waits(open_jobs):
    """Another replica takes it at once, and it is no lost attempt."""
    jobs, other = await open_jobs(lease=LEASE), await open_jobs(lease=LEASE)
    runner = Runner(for_ever)
    async with working(jobs, runner, BusyChat()):
        await jobs.submit(replace(a_job("web"), message="10.1"))
        await asyncio.wait_for(runner.begun.wait(), PATIENCE)
    token = await other.take(0.2)
    assert token is not None
    assert token.attempt == 1


async def test_after_trouble_with_the_store_the_job_is_not_taken_again_at_once(open_jobs):
    """Redis answers, but takes no data."""
    attempts: list[int] = []
    rests: asyncio.Queue[float] = asyncio.Queue()

    async def full(lease: JobLease) -> None:
        attempts.append(lease.job.attempt)
        raise StoreUnavailableError("Redis is full.")

    class Slow(SystemClock):
        """Its long pauses never end."""

        async def sleep(self, seconds: float) -> None:
            if seconds < LONG:
                await super().sleep(seconds)
            else:
                rests.put_nowait(seconds)
                await asyncio.Event().wait()

    jobs, other = await open_jobs(lease=LEASE), await open_jobs(lease=LEASE)
    worker = Worker(jobs, NoChat(), {"scale": Runner(full)}, Slow(), at_once=4, lease_seconds=LEASE)
    worker._trouble = Backoff(first=2 * LONG, most=2 * LONG)
    job = a_job("web")
    await jobs.submit(job)
    worker.start()
    try:
        await asyncio.wait_for(rests.get(), PATIENCE)
        assert await other.take(0) is None
        assert attempts == [1]
    finally:
        await worker.drain()
    assert (await taken(other)).job_id == job.id
