"""A leased job that several tasks write to at the same time keeps every change."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any, cast

import pytest

from bot.domain.jobs.model import Job, Target, Turn
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.loops.job_lease import JobLease
from bot.loops.lease import Lease
from bot.ports import Chat, Jobs, LeaseToken
from bot.runtime.clock import SystemClock

WELL = Outcome(Verdict.CONVERGED, "1/1 running.")


class SlowJobs:
    """A store that accepts each record when told to, in the order of arrival."""

    def __init__(self) -> None:
        self.records: list[Job] = []
        self.waiting: list[asyncio.Event] = []
        self.came = asyncio.Condition()

    async def save(self, lease: LeaseToken, job: Job) -> Job:
        """As in ``bot.ports.Jobs``."""
        del lease
        taken = asyncio.Event()
        async with self.came:
            self.waiting.append(taken)
            self.came.notify_all()
        await taken.wait()
        self.records.append(job)
        return replace(job, revision=len(self.records))

    async def until(self, count: int) -> None:
        """Wait until a number of saves have arrived."""
        async with self.came:
            await self.came.wait_for(lambda: len(self.waiting) >= count)

    async def take(self, place: int) -> None:
        """Let a save end, by the order of its arrival."""
        await self.until(place + 1)
        self.waiting[place].set()


@pytest.fixture
def jobs() -> SlowJobs:
    return SlowJobs()


@pytest.fixture
def lease(jobs: SlowJobs) -> JobLease:
    targets = tuple(Target(f"orochi_{name}", name, 1) for name in ("a", "b", "c"))
    job = Job("k3f9ab", "scale", "orochi", "scale 1", "U1", "C1", 0.0, targets)
    lease = LeaseToken(job.id, Turn.RUN, "token", 1)
    authority = Lease(time.monotonic() + 60)
    store, chat = cast("Jobs", jobs), cast("Chat", None)
    return JobLease(store, chat, lease, job, SystemClock(), authority=authority)


async def noted(lease: JobLease, *places: int) -> None:
    """Outcomes of several services, each recorded as soon as it is known."""
    for place in places:
        await lease.note(lease.job.with_outcome(place, WELL))


async def test_outcomes_during_a_save_are_kept(lease: JobLease, jobs: SlowJobs):
    """A service's outcome can become known between a save and its answer."""
    async with asyncio.TaskGroup() as group:
        first = group.create_task(noted(lease, 0))
        second = group.create_task(noted(lease, 1))
        await jobs.take(0)
        await first
        third = group.create_task(noted(lease, 2))
        await jobs.take(1)
        await second
        await jobs.take(2)
        await third

    assert lease.job.outcomes == (WELL, WELL, WELL)
    assert jobs.records[-1].outcomes == lease.job.outcomes
    assert lease.job.revision == len(jobs.records)


async def test_observations_during_a_save_are_kept(lease: JobLease, jobs: SlowJobs):
    """Data that is only shown, such as a timeline's course, stays in memory until the next save."""
    saving: asyncio.Task[Any] = asyncio.create_task(noted(lease, 0))
    await jobs.until(1)
    lease.job = replace(lease.job, text="seen meanwhile")
    await jobs.take(0)
    await saving

    assert (lease.job.text, lease.job.outcomes[0]) == ("seen meanwhile", WELL)
