"""The button *Scale back*: a new scale job to the numbers from before a job."""

from __future__ import annotations

from bot.domain.commands import Scale, ScaleTarget
from bot.domain.errors import RefusedError
from bot.domain.job import Job, JobState
from handlers.context import Context


async def command_to_undo(ctx: Context, job_id: str) -> Scale:
    """The scale command that undoes a job. Raises RefusedError when it changed nothing."""
    job = await ctx.jobs.load(job_id)
    if job is None or job.state is not JobState.FINISHED:
        raise RefusedError(f"Job `{job_id}` is not one that can be undone.")
    targets = _undone(job)
    if not targets:
        raise RefusedError(f"Job `{job_id}` changed nothing, so there is nothing to undo.")
    return Scale(targets)


def _undone(job: Job) -> tuple[ScaleTarget, ...]:
    return tuple(
        ScaleTarget(target.service, target.before)
        for target in job.targets
        if target.changed and target.before is not None and target.before != target.replicas
    )
