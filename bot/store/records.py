"""Reads jobs: the record, combined with the fields that only scripts write."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from redis.asyncio import Redis

from bot.domain.jobs.model import Job, JobState, Target
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.ports import Ahead
from bot.store.codec import UnreadableRecordError, decode_job, outlined
from bot.store.part import StorePart

log = logging.getLogger(__name__)

PAGE: Final = 250
"""Records that are read at once: many more exceed the time limit of a call."""
FIELDS = (
    *("json", "state", "revision", "turn", "attempt", "cancelled", "timeline"),
    *("user", "text", "lanes", "aside"),
)
SET_ASIDE = "This job was made by another version of the bot, which this one cannot read."
STOPPED = "Cancelled. This version of the bot cannot read the job."
ASIDE_ADVICE = "Check `status`, then type the command again if it is still needed."


def read_job(fields: Mapping[str, str | None]) -> Job | None:
    """A job from its hash, None for an empty one. Raises UnreadableRecordError."""
    record = fields.get("json")
    if record is None:
        return None
    job = decode_job(record)
    state = JobState(fields.get("state") or job.state.value)
    job = replace(
        job,
        state=state,
        revision=int(fields.get("revision") or 0),
        timeline=fields.get("timeline") or job.timeline,
    )
    if fields.get("aside"):
        return _with_aside(replace(job, cancelled_by=fields.get("cancelled") or ""))
    if state is not JobState.RUNNING:
        return job
    attempt, cancelled = int(fields.get("attempt") or 0), fields.get("cancelled") or ""
    return replace(job, attempt=attempt, cancelled_by=cancelled or job.cancelled_by)


def outline_job(job_id: str, fields: Mapping[str, str | None]) -> Job:
    """What can be read of an unreadable job; one that was set aside has an outcome."""
    body = outlined(fields.get("json") or "")
    lanes: list[str] = json.loads(fields.get("lanes") or "[]")
    job = Job(
        id=job_id,
        action="",
        stack="",
        text=fields.get("text") or body.get("text", ""),
        user=fields.get("user") or body.get("user", ""),
        channel=body.get("channel", ""),
        created=0.0,
        targets=tuple(Target(lane, "", 0) for lane in lanes),
        message=body.get("message", ""),
        state=JobState(fields.get("state") or JobState.QUEUED.value),
        revision=int(fields.get("revision") or 0),
        cancelled_by=fields.get("cancelled") or "",
        unreadable=True,
    )
    return _with_aside(job) if fields.get("aside") else job


def _with_aside(job: Job) -> Job:
    """A job that was set aside, with its outcome."""
    verdict, why = Verdict.FAILED, SET_ASIDE
    if job.cancelled_by:
        verdict, why = Verdict.CANCELLED, STOPPED
    outcome = Outcome(verdict, why, ASIDE_ADVICE)
    return replace(job, outcomes=tuple(outcome for _ in job.targets))


class Records(StorePart):
    """Read access to jobs."""

    async def load(self, job_id: str) -> Job | None:
        """One job, None if it is unknown or expired. Raises UnreadableRecordError."""
        return read_job((await self._fields([job_id]))[0])

    async def outline(self, job_id: str) -> Job | None:
        """As ``load``, but an unreadable job is returned as far as it can be read."""
        fields = (await self._fields([job_id]))[0]
        try:
            return read_job(fields)
        except UnreadableRecordError as error:
            log.warning("job %s: %s", job_id, error)
            return outline_job(job_id, fields)

    async def active(self, most: int | None = None, *, lane: str = "") -> tuple[Job, ...]:
        """Queued and running jobs, all or those in a lane, oldest first; at most ``most``."""
        keys, last = self._keys, -1 if most is None else most - 1
        ids = await self._link.call(
            lambda redis: (
                redis.lrange(keys.lane(lane), 0, last)
                if lane
                else redis.zrange(keys.active, 0, last)
            )
        )
        return await self._readable(ids)

    async def active_count(self, *, lane: str = "") -> int:
        """The number of queued and running jobs, of all or of those in a lane."""
        keys = self._keys
        return int(
            await self._link.call(
                lambda redis: redis.llen(keys.lane(lane)) if lane else redis.zcard(keys.active)
            )
        )

    async def running(self) -> tuple[Job, ...]:
        """Active jobs that a worker has begun, oldest first."""
        return await self._readable(await self._scripts.run("running"))

    async def taken_lanes(self, lanes: Sequence[str]) -> frozenset[str]:
        """Those of some lanes that have an active job."""

        async def look(redis: Redis) -> list[int]:
            async with redis.pipeline(transaction=False) as pipe:
                for lane in lanes:
                    _ = pipe.exists(self._keys.lane(lane))
                return await pipe.execute()

        found = await self._link.call(look) if lanes else []
        return frozenset(lane for lane, taken in zip(lanes, found, strict=True) if taken)

    async def ahead(self, job: Job) -> Ahead:
        """The active jobs in a job's lanes, counted by Redis."""
        count, newest = await self._scripts.run("ahead", *job.lanes)
        return Ahead(int(count), str(newest))

    async def recent(self, count: int) -> tuple[Job, ...]:
        """Finished jobs, newest first."""
        if count < 1:
            return ()
        key = self._keys.history
        ids = await self._link.call(lambda redis: redis.zrange(key, 0, count - 1, desc=True))
        return await self._readable(ids)

    async def _readable(self, ids: Sequence[str]) -> tuple[Job, ...]:
        """All jobs, page by page; each is decoded in a thread, as there may be many."""
        jobs: list[Job] = []
        for start in range(0, len(ids), PAGE):
            wanted = list(ids[start : start + PAGE])
            rows = await self._fields(wanted)
            jobs += await asyncio.to_thread(_readable, wanted, rows)
        return tuple(jobs)

    async def _fields(self, ids: list[str]) -> list[dict[str, str | None]]:
        async def look(redis: Redis) -> list[list[str | None]]:
            async with redis.pipeline(transaction=False) as pipe:
                for job_id in ids:
                    _ = pipe.hmget(self._keys.job(job_id), FIELDS)
                return await pipe.execute()

        rows = await self._link.call(look) if ids else []
        return [dict(zip(FIELDS, row, strict=True)) for row in rows]


def _readable(ids: Sequence[str], rows: Iterable[Mapping[str, str | None]]) -> list[Job]:
    """All jobs; unreadable ones as far as they can be read."""
    jobs = []
    for job_id, fields in zip(ids, rows, strict=True):
        try:
            job = read_job(fields)
        except UnreadableRecordError:
            job = outline_job(job_id, fields)
        if job is not None:
            jobs.append(job)
    return jobs
