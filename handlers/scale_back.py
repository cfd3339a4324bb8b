"""The button *Scale back*: a new scale job to the numbers from before a job."""

from __future__ import annotations

from bot.domain.commands.values import Scale as Command
from bot.domain.commands.values import ScaleTarget
from bot.domain.errors import RefusedError
from bot.domain.jobs.model import Draft, JobState
from handlers.context import Context
from handlers.scale import Scale


class ScaleBack:
    """Begins the job that undoes another."""

    def __init__(self, ctx: Context, scale: Scale) -> None:
        self._ctx = ctx
        self._scale = scale

    async def begin(self, draft: Draft, job_id: str) -> None:
        """Queue it. Raises RefusedError when the other job changed nothing or still runs."""
        job = await self._ctx.jobs.load(job_id)
        if job is None or job.state is not JobState.FINISHED:
            raise RefusedError(f"Job `{job_id}` is not one that can be undone.")
        targets = tuple(
            ScaleTarget(target.service, target.before)
            for target in job.undone
            if target.before is not None
        )
        if not targets:
            raise RefusedError(f"Job `{job_id}` changed nothing, so there is nothing to undo.")
        await self._scale.begin(draft, Command(targets))
