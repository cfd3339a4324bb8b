"""Jobs to store and replicas to store them, for the tests of the store."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.domain.jobs.model import Job, PendingCommand, Target, new_job_id
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.ports import LeaseToken
from bot.store.connection import RedisLink
from bot.store.jobs import RedisJobs
from bot.store.keys import StoreLimits

PATIENCE = 15.0
"""Seconds until a wait fails; nothing takes that long."""


def a_job(*lanes: str, job_id: str = "") -> Job:
    """A queued job that scales these services."""
    return Job(
        id=job_id or new_job_id(),
        action="scale",
        stack="orochi",
        text="scale " + " ".join(f"{lane}=3" for lane in lanes),
        user="U1",
        channel="C1",
        created=1_700_000_000.25,
        targets=tuple(Target(lane, f"id-{lane}", 3) for lane in lanes),
    )


def a_pending_command(key: str = "") -> PendingCommand:
    """A command that was just accepted."""
    key = key or secrets.token_hex(8)
    return PendingCommand(new_job_id(), key, "command", "scale 3", "U1", "C1", "http://reply", 1.5)


def done(job: Job, verdict: Verdict = Verdict.CONVERGED) -> Job:
    """The job with this verdict on every target."""
    for index in range(len(job.targets)):
        job = job.with_outcome(index, Outcome(verdict, "It is so."))
    return job


@asynccontextmanager
async def replica(
    url: str, prefix: str = "orochi", lease: float = 5.0, limits: StoreLimits | None = None
) -> AsyncIterator[RedisJobs]:
    """One replica's store."""
    link = RedisLink(url)
    jobs = RedisJobs(link, prefix=prefix, lease_seconds=lease, limits=limits)
    try:
        yield jobs
    finally:
        await jobs.aclose()
        await link.aclose()


async def taken(jobs: RedisJobs, seconds: float = PATIENCE) -> LeaseToken:
    """The next turn; fails if there is none."""
    lease = await jobs.take(seconds)
    assert lease is not None, "there was no turn to take"
    return lease


async def finish(jobs: RedisJobs, lease: LeaseToken, *, probation: bool = False) -> Job:
    """End a turn with a good verdict."""
    job = await jobs.load(lease.job_id)
    assert job is not None
    return await jobs.finish(lease, done(job), probation=probation)


async def deliveries(jobs: RedisJobs) -> int:
    """How many verdicts are on their way to Slack."""
    return int(await jobs._link.call(lambda redis: redis.zcard(f"{jobs._keys.prefix}:deliveries")))


async def audit_tail(jobs: RedisJobs, count: int, *, refused: bool = False) -> list[dict[str, str]]:
    """The newest entries of the audit log, newest first."""
    key = jobs._keys.refusals if refused else jobs._keys.audit
    rows = await jobs._link.call(lambda redis: redis.xrevrange(key, count=count))
    return [fields for _entry, fields in rows]
