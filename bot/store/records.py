"""Reads jobs: the record, combined with the fields that only scripts write."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace

from redis.asyncio import Redis

from bot.domain.jobs.model import Job, JobState
from bot.store.codec import UnreadableRecordError, decode_job
from bot.store.part import StorePart

log = logging.getLogger(__name__)

FIELDS = ("json", "state", "revision", "turn", "attempt", "cancelled", "timeline")


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
    if state is not JobState.RUNNING:
        return job
    attempt, cancelled = int(fields.get("attempt") or 0), fields.get("cancelled") or ""
    return replace(job, attempt=attempt, cancelled_by=cancelled or job.cancelled_by)


class Records(StorePart):
    """Read access to jobs."""

    async def load(self, job_id: str) -> Job | None:
        """One job, None if it is unknown or expired. Raises UnreadableRecordError."""
        return read_job((await self._fields([job_id]))[0])

    async def active(self) -> tuple[Job, ...]:
        """Queued and running jobs, oldest first."""
        ids = await self._link.call(lambda redis: redis.zrange(self._keys.active, 0, -1))
        return await self._readable(ids)

    async def recent(self, count: int) -> tuple[Job, ...]:
        """Finished jobs, newest first."""
        if count < 1:
            return ()
        key = self._keys.history
        ids = await self._link.call(lambda redis: redis.zrange(key, 0, count - 1, desc=True))
        return await self._readable(ids)

    async def _readable(self, ids: Iterable[str]) -> tuple[Job, ...]:
        """All readable jobs: a damaged record must not hide the others."""
        jobs = []
        for fields in await self._fields(list(ids)):
            try:
                job = read_job(fields)
            except UnreadableRecordError as error:
                log.warning("skipping a job: %s", error)
                continue
            if job is not None:
                jobs.append(job)
        return tuple(jobs)

    async def _fields(self, ids: list[str]) -> list[dict[str, str | None]]:
        async def look(redis: Redis) -> list[list[str | None]]:
            async with redis.pipeline(transaction=False) as pipe:
                for job_id in ids:
                    _ = pipe.hmget(self._keys.job(job_id), FIELDS)
                return await pipe.execute()

        rows = await self._link.call(look) if ids else []
        return [dict(zip(FIELDS, row, strict=True)) for row in rows]
