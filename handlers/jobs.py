"""``jobs``: active and finished jobs, or one in detail."""

from __future__ import annotations

from bot.domain.commands.values import ListJobs as Command
from bot.domain.errors import RefusedError
from bot.domain.jobs.model import Job
from bot.domain.text.message import Message
from bot.jobs.context import Context
from bot.ports import Asker
from bot.views.jobs.detail import job_detail_message
from bot.views.jobs.list import MOST_ACTIVE, jobs_message

RECENT = 10
SUGGESTED = 3


class ListJobsHandler:
    """Lists the active jobs and the last finished ones, or shows one."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def answer(self, command: Command, _asker: Asker) -> Message:
        """The list, in which active jobs come first, or the job. Raises RefusedError."""
        if command.job is not None:
            return await self._one(command.job)
        active = await self._ctx.jobs.active(MOST_ACTIVE)
        more = await self._ctx.jobs.active_count() - len(active)
        recent = await self._ctx.jobs.recent(RECENT)
        return jobs_message(
            active,
            recent,
            self._ctx.clock.now(),
            more=max(more, 0),
            command=self._ctx.command,
            where=self._ctx.chat.permalink,
        )

    async def _one(self, job_id: str) -> Message:
        job = await self._ctx.jobs.outline(job_id)
        plan = None if job else await self._ctx.plans.load(job_id)
        found = job or plan
        if found is None:
            raise await self._unknown(job_id)
        return job_detail_message(
            found,
            self._ctx.clock.now(),
            self._ctx.chat.permalink(found.channel, found.message, found.thread),
            version=await self._version(found),
            is_plan=plan is not None,
            command=self._ctx.command,
        )

    async def _version(self, job: Job) -> int:
        """The number of the version that a deploy made, 0 if it made none."""
        versions = await self._ctx.versions.of(job.stack) if job.plan else ()
        return next((each.number for each in versions if each.job == job.id), 0)

    async def _unknown(self, job_id: str) -> RefusedError:
        active = await self._ctx.jobs.active(MOST_ACTIVE)
        newest = (*reversed(active), *await self._ctx.jobs.recent(SUGGESTED))[:SUGGESTED]
        ids = ", ".join(f"`{each.id}`" for each in newest)
        listed = f"To list the jobs: `{self._ctx.command} jobs`"
        return RefusedError(
            f"There is no job `{job_id}`, or it is too old.",
            hint=f"The newest: {ids}. {listed}" if ids else listed,
        )
