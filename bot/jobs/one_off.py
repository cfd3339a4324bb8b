"""Runs one-off tasks: makes the service, follows its task, gets the output, removes it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace

from bot.domain.convergence.machine import Goal
from bot.domain.errors import ChatError, RefusedError, SwarmError
from bot.domain.jobs.model import Job, JobState
from bot.domain.jobs.verdict import Outcome, Verdict, changed_or_not
from bot.domain.operations.one_off import (
    SHOWN,
    job_of,
    judged,
    labels_of,
    shown_command,
    with_output,
)
from bot.domain.swarm.model import Service
from bot.jobs.context import Context
from bot.jobs.engine_calls import in_time, insist
from bot.jobs.follower import Following
from bot.loops.job_lease import JobLease
from bot.loops.observer import first_of
from bot.ports import Upload
from bot.views.slack.text import quoted

log = logging.getLogger(__name__)

MOST_LINES = 100_000
SEND_SECONDS = 15.0


class OneOffRunner:
    """Runs the jobs of ``run``."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._following = Following(ctx, self._aim, lambda _, outcome: judged(outcome))

    async def run(self, lease: JobLease) -> None:
        """Make the service once, follow its task, and remove it after the verdict was kept."""
        job = replace(lease.job, state=JobState.RUNNING, started=self._ctx.clock.now())
        await lease.save(job)
        self._following.show(lease)
        if not lease.job.targets[0].begun and lease.cancelled.is_set():
            await self._end(lease, Outcome(Verdict.CANCELLED, "Cancelled before it began."))
            return
        if not await self._made(lease):
            return
        following = asyncio.create_task(self._following.follow(lease, [0]))
        ended = await first_of(following, lease.cancelled)
        if not ended:
            lease.job = replace(lease.job, cancelled_by=lease.cancelled_by)
        outcome = lease.job.outcomes[0] if ended and lease.job.outcomes else None
        stopped = Outcome(Verdict.CANCELLED, "The command was stopped.")
        await self._end(lease, await self._told(lease.job, outcome or stopped))

    async def run_probation(self, lease: JobLease) -> None:
        """Never needed: a command that has ended is not watched."""
        await lease.finish(lease.job)

    async def _made(self, lease: JobLease) -> bool:
        """Make the service, or find that it was made; False if the job has ended instead."""
        target = lease.job.targets[0]
        if target.applied is not None:
            return True
        doubtful = target.begun
        noted = replace(target, update_before=0.0)
        await lease.save(lease.job.with_target(0, noted))
        try:
            made = await insist(
                lease, self._ctx.clock, lambda _: self._create(lease), doubtful=doubtful
            )
        except (RefusedError, SwarmError) as error:
            verdict = Verdict.REFUSED if isinstance(error, RefusedError) else Verdict.FAILED
            reason = f"{error.sentence} {changed_or_not(error)}"
            await self._end(lease, Outcome(verdict, reason, error.hint))
            return False
        applied = replace(noted, service_id=made, applied=self._ctx.clock.now())
        await lease.save(lease.job.with_target(0, applied))
        return True

    async def _create(self, lease: JobLease) -> str:
        job, target = lease.job, lease.job.targets[0]
        like = await self._ctx.swarm.service(target.service_id)
        return await self._ctx.one_offs.create(
            like.id, target.service, job.arguments, labels_of(like, job.id), still=lease.still
        )

    def _aim(self, _job: Job, _index: int, goal: Goal) -> Goal:
        """One task that has to end, within its own time limit."""
        limits = replace(goal.limits, time_limit=self._ctx.run_seconds, probation=0.0)
        return replace(goal, updates=False, limits=limits)

    async def _told(self, job: Job, outcome: Outcome) -> Outcome:
        """The outcome with the end of the output; the whole goes into the thread as a file."""
        if outcome.verdict is Verdict.TIMED_OUT:
            outcome = replace(outcome, reason=f"{outcome.reason} It is stopped.", advice="")
        try:
            output = await self._ctx.logs.service_log(job.targets[0].service_id, 0.0, MOST_LINES)
        except SwarmError as error:
            log.info("no output of job %s: %s", job.id, error)
            return outcome
        lines = tuple(each.text for each in output.lines)
        if not lines:
            return outcome
        if len(lines) > SHOWN:
            await self._share(job, "\n".join(lines).encode("utf-8", "replace"))
        return with_output(outcome, lines)

    async def _share(self, job: Job, output: bytes) -> None:
        """Share the whole output in the thread; without it, the message has the end of it."""
        said = f"The output of {quoted(shown_command(job.arguments), 200)}"
        title = f"Output of job {job.id}"
        file = Upload(f"run-{job.id}.log", title, output, said=said)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._ctx.chat.share(job.channel, file, job.message)
        except (ChatError, TimeoutError) as error:
            log.warning("the output of job %s was not shared: %s", job.id, error)

    async def _end(self, lease: JobLease, outcome: Outcome) -> None:
        target = lease.job.targets[0]
        job = lease.job.with_outcome(0, replace(outcome, provisional=False))
        await self._following.end(lease, job)
        if target.applied is not None:
            with suppress(SwarmError):  # another replica removes what is left
                await self._ctx.one_offs.remove(target.service_id, still=None)


class OneOffLeftovers:
    """Removes services whose job has ended, or is not known any more: their worker was killed."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def remove(self) -> None:
        """Look once. Raises BotError."""
        for service in await in_time(self._ctx.looks.services("")):
            if (job_id := job_of(service.labels)) and await self._is_over(service, job_id):
                log.info("removing %s: its job has ended", service.name)
                await self._ctx.one_offs.remove(service.id, still=None)

    async def _is_over(self, service: Service, job_id: str) -> bool:
        """Whether nobody waits for it; a command whose job Redis lost may go on to its end."""
        job = await self._ctx.jobs.outline(job_id)
        if job is not None:
            return job.state is JobState.FINISHED
        if await self._ctx.jobs.is_pending(job_id):
            return False
        tasks = (await in_time(self._ctx.swarm.look(service.id))).tasks
        return bool(tasks) and all(task.state.over for task in tasks)
