"""Runs confirmed deploys: from the queue to one verdict for the stack.

    new recording ──confirmed, and stale──> refused, nothing was changed
        │
    the plan's steps, each noted ──stopped──> applied changes are followed
        │
    all services followed to their verdicts ──not all healthy──> no removals
        │
    services missing from the file removed, followed until their containers are gone

Without a confirmation, the new recording is the plan: jobs that were ahead in the queue may have
changed the services. A worker that takes over a job makes a new recording; steps that are already
applied are not repeated.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from bot.domain.convergence.machine import Goal
from bot.domain.deploys.file_contents import entries_in
from bot.domain.deploys.history import replicas_before, undone_by
from bot.domain.deploys.outcomes import (
    awaited,
    cancelled,
    kept,
    refused_file,
    refused_stale,
    version_of,
)
from bot.domain.deploys.replanning import replanned
from bot.domain.deploys.staleness import stale
from bot.domain.deploys.version import Version
from bot.domain.errors import RefusedError, SwarmError
from bot.domain.jobs.deploy_plan import Plan, PlanAction
from bot.domain.jobs.model import Job, JobState
from bot.jobs.context import Context
from bot.jobs.deploy_steps import DeploySteps
from bot.jobs.engine_calls import in_time, wait_for_engine
from bot.jobs.follower import Following, at
from bot.jobs.removal import Removing
from bot.jobs.version_note import note_version
from bot.loops.job_lease import JobLease
from bot.loops.observer import first_of
from bot.ports import Recording

log = logging.getLogger(__name__)

T = TypeVar("T")


class DeployRunner:
    """Runs deploys."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._following = Following(ctx, _aim, lambda _, outcome: outcome)
        self._steps = DeploySteps(ctx, self._following)
        self._removing = Removing(ctx, self._following)

    async def run(self, lease: JobLease) -> None:
        """Apply the plan, or continue after a lost worker, until the verdict.

        A request to cancel is honoured before the first step and while services are followed, but
        not while the plan is being applied.
        """
        job = replace(lease.job, state=JobState.RUNNING, started=self._ctx.clock.now())
        await lease.save(job)
        self._following.show(lease)
        plan = _plan(lease.job)
        recording: Recording | RefusedError | None = None
        if (lease.job.steps_made or 0) < len(plan.steps):
            recording = await self._unless_cancelled(
                lease, self._wait_for_engine(lease, lambda: self._recorded(lease.job))
            )
            if recording is None:
                return
            if not isinstance(recording, RefusedError):
                await lease.save(replanned(lease.job, recording.plan))
        await self._go_on(lease, _plan(lease.job), recording)

    async def run_probation(self, lease: JobLease) -> None:
        """Keep watching converged services; a revised verdict also changes the stored version."""
        job = await self._following.follow_probation(lease)
        if job.revised and not job.untouched:
            await self._note_version(lease, job)
        await lease.finish(job)

    async def _go_on(
        self, lease: JobLease, plan: Plan, recording: Recording | RefusedError | None
    ) -> None:
        if not lease.job.begun and (objection := _objection(lease.job, plan, recording)):
            await self._following.end(lease, objection)
            return
        doubtful = lease.job.steps_made
        if recording is not None:
            await self._make(lease, recording, doubtful)
        staying = [i for i, each in enumerate(lease.job.targets) if not _goes(plan, each.service)]
        if not await self._followed(lease, self._following.follow(lease, staying)):
            return
        going = [i for i in range(len(lease.job.targets)) if i not in staying]
        if not all(
            (outcome := at(lease.job.outcomes, i)) and outcome.verdict.good for i in staying
        ):
            await self._end(lease, kept(lease.job, going))
            return
        if recording is not None and not isinstance(recording, RefusedError):
            await self._steps.remove(lease, recording, doubtful)
        if await self._followed(lease, self._removing.follow(lease, going)):
            await self._end(lease, lease.job)

    async def _make(
        self, lease: JobLease, recording: Recording | RefusedError, doubtful: int | None
    ) -> None:
        """Apply all steps except the removals."""
        if isinstance(recording, RefusedError):
            await lease.note(refused_file(lease.job, recording))
            return
        if not lease.job.begun:
            await self._ctx.versions.keep(lease.job.id, recording.bundle, token=lease.token)
            await self._wait_for_engine(lease, lambda: self._steps.note(lease))
        await self._steps.make(lease, recording, doubtful)
        self._following.show(lease)

    async def _followed(self, lease: JobLease, work: Awaitable[None]) -> bool:
        """Whether the work finished; if the job was cancelled, it is ended."""
        ended = await first_of(asyncio.ensure_future(work), lease.cancelled)
        if not ended:
            await self._end(lease, cancelled(lease.job, lease.cancelled_by))
        return ended

    async def _unless_cancelled(
        self, lease: JobLease, work: Awaitable[Recording | RefusedError]
    ) -> Recording | RefusedError | None:
        task = asyncio.ensure_future(work)
        if await first_of(task, lease.cancelled) and not lease.cancelled.is_set():
            return task.result()
        await self._end(lease, cancelled(lease.job, lease.cancelled_by))
        return None

    async def _recorded(self, job: Job) -> Recording | RefusedError:
        """A recording of what would be done now."""
        try:
            return await record(self._ctx, job.stack, job.version)
        except RefusedError as error:
            return error

    async def _wait_for_engine(self, lease: JobLease, look: Callable[[], Awaitable[T]]) -> T:
        """The result of a look; while the engine is away, the message says so."""
        return await wait_for_engine(
            self._ctx.clock,
            look,
            lambda error: self._following.show(lease, awaited(lease.job, error)),
        )

    async def _end(self, lease: JobLease, job: Job) -> None:
        if job.begun and not job.untouched:
            versions = await self._note_version(lease, job)
            job = replace(job, way_back=undone_by(versions))
            await self._clear(lease, _plan(job), versions)
        await self._following.end(lease, job)

    async def _clear(self, lease: JobLease, plan: Plan, versions: tuple[Version, ...]) -> None:
        """Remove configs and secrets from files that nobody needs; the next deploy tries again."""
        kept = {key for each in versions for key in each.files}
        entries = frozenset(entries_in(plan.files))
        try:
            gone = await in_time(
                self._ctx.stacks.clear(plan.stack, entries, kept, still=lease.still)
            )
        except SwarmError as error:
            log.warning("unneeded configs and secrets of %s are left: %s", plan.stack, error)
        else:
            if gone:
                log.info("removed what no service or version of %s needs: %s", plan.stack, gone)

    async def _note_version(self, lease: JobLease, job: Job) -> tuple[Version, ...]:
        """Store the version with its result; returns all versions of the stack."""

        def made(versions: Sequence[Version]) -> Version:
            before = next((each for each in versions if each.job != job.id), None)
            return version_of(job, before.replicas if before else {}, self._ctx.clock.now())

        return await note_version(self._ctx, lease, made)


def _aim(job: Job, index: int, goal: Goal) -> Goal:
    """The goal of a service: the plan's number if it changes; an unchanged one is only observed."""
    change = _plan(job).service(job.targets[index].service)
    if change is None or change.action is None:
        return replace(goal, updates=False)
    return replace(
        goal,
        replicas=change.replicas.planned,
        updates=change.action is PlanAction.UPDATE,
        template=job.targets[index].template,
    )


def _objection(job: Job, plan: Plan, recording: Recording | RefusedError | None) -> Job | None:
    """The job with the reason why it cannot start, if any."""
    if isinstance(recording, RefusedError):
        return refused_file(job, recording)
    sentences = stale(plan, recording.plan) if recording else ()
    return refused_stale(job, sentences) if sentences else None


def _goes(plan: Plan, service: str) -> bool:
    change = plan.service(service)
    return change is not None and change.action is PlanAction.REMOVE


def _plan(job: Job) -> Plan:
    if job.plan is None:
        raise TypeError("a deploy has a plan")
    return job.plan


async def record(ctx: Context, stack: str, version: int) -> Recording:
    """Record a deploy of the stack's files, or of a version's files if it is not 0."""
    versions = await ctx.versions.of(stack)
    deployed = versions[0].replicas if versions else None
    former = await ctx.versions.bundle(versions[0]) if versions else None
    if not version:
        return await ctx.stacks.record(stack, deployed, former=former)
    undone = replicas_before(versions, version)
    wanted = next((each for each in versions if each.number == version), None)
    bundle = await ctx.versions.bundle(wanted) if wanted else None
    if bundle is None:
        raise RefusedError(f"The files of version {version} of `{stack}` are no longer kept.")
    return await ctx.stacks.record(stack, deployed, bundle, former=former, undone=undone)
