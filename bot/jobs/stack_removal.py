"""Runs confirmed removals of stacks: from the queue to one verdict for the stack.

    what the stack has now ──more than was confirmed──> refused, nothing was changed
        │
    its services removed, each noted, and followed until their containers are gone
        │
    its networks, configs and secrets removed; those still in use are tried again

Every removal goes by the object's id and may be repeated: a worker that takes over a job goes on
with what its services and the engine say.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

from bot.domain.errors import (
    LeaseLostError,
    RefusedError,
    StalePlanError,
    StoreUnavailableError,
    SwarmError,
)
from bot.domain.jobs.deploy_plan import Kind, Plan, PlanStep
from bot.domain.jobs.model import Job, JobState
from bot.domain.jobs.progress import ServiceProgress
from bot.domain.jobs.verdict import Outcome, Verdict, changed_or_not
from bot.domain.operations.stack_removal import (
    StackContents,
    already_gone,
    came_since,
    cancelled_before,
    ended,
    left_of,
    objection,
    plan_of,
    refused,
    rest_of,
    targets_of,
    version_of,
)
from bot.jobs.bring_back import bring_back
from bot.jobs.context import Context
from bot.jobs.engine_calls import in_time, insist, wait_for_engine
from bot.jobs.follower import Following
from bot.jobs.removal import TICK, Removing
from bot.jobs.version_note import note_version
from bot.loops.job_lease import JobLease
from bot.loops.observer import first_of

_AGAIN = "Ask for a new plan."


class StackRemovalRunner:
    """Runs the jobs of ``remove``."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._following = Following(ctx, lambda _job, _index, goal: goal, lambda _, said: said)
        self._removing = Removing(ctx, self._following)

    async def run(self, lease: JobLease) -> None:
        """Remove the stack, or continue after a lost worker, until the verdict.

        A request to cancel is honoured before the first removal and while the bot waits.
        """
        job = replace(lease.job, state=JobState.RUNNING, started=self._ctx.clock.now())
        await lease.save(job)
        self._following.show(lease)
        if not lease.job.begun and not await self._began(lease):
            return
        trouble, user, gone = "", "", False
        if await self._remove_services(lease):
            following = asyncio.ensure_future(self._remove_rest(lease))
            if await first_of(following, lease.cancelled):
                gone, trouble = following.result()
            else:
                user = lease.cancelled_by
        left = () if gone else await self._left(lease)
        await self._end(lease, ended(lease.job, left, trouble, user))

    async def run_probation(self, lease: JobLease) -> None:
        """Never needed: what is removed is not watched."""
        await lease.finish(lease.job)

    async def _began(self, lease: JobLease) -> bool:
        """Compare the stack with what was confirmed, and note the beginning; False if it ended."""
        looking = asyncio.ensure_future(self._look(lease))
        if not await first_of(looking, lease.cancelled) or lease.cancelled.is_set():
            await self._following.end(lease, cancelled_before(lease.job, lease.cancelled_by))
            return False
        contents = looking.result()
        if not contents.parts:
            await self._end(lease, already_gone(lease.job))
            return False
        if over := _objection(lease.job, contents, self._ctx.command):
            await self._following.end(lease, over)
            return False
        plan, now = plan_of(contents), self._ctx.clock.now()
        targets = [replace(each, update_before=0.0) for each in targets_of(plan)]
        targets[-1] = replace(targets[-1], applied=now)
        await lease.save(replace(lease.job, plan=plan, targets=tuple(targets), progress=()))
        return True

    async def _look(self, lease: JobLease) -> StackContents:
        """What the stack has; while the engine is away, the message says so."""

        def waits(error: SwarmError) -> None:
            said = f"nothing changed yet, waiting for the engine: {error.sentence}"
            self._progress(lease, said)

        look = self._ctx.stack_objects.of
        return await wait_for_engine(self._ctx.clock, lambda: look(lease.job.stack), waits)

    async def _remove_services(self, lease: JobLease) -> bool:
        """Remove the services that are not known to be removed; stops at one that fails."""
        first = True
        for index, target in enumerate(lease.job.targets[:-1]):
            if target.applied is not None:
                first = False
                continue
            try:
                await self._remove_service(lease, target.service_id)
            except (RefusedError, SwarmError) as error:
                said = f"Not removed: {error.sentence}"
                if error.doubtful:
                    said = f"{error.sentence} {changed_or_not(error)}"
                failed = Outcome(Verdict.FAILED, f"{said} (ref {error.ref})", error.hint)
                job = lease.job.with_outcome(index, failed)
                sure = first and lease.job.attempt <= 1 and not error.doubtful
                await lease.note(replace(job, untouched=sure))
                return False
            first = False
            applied = replace(target, applied=self._ctx.clock.now())
            await lease.note(lease.job.with_target(index, applied))
        return True

    async def _remove_service(self, lease: JobLease, service_id: str) -> None:
        async def remove(_doubtful: bool) -> None:  # noqa: FBT001 (called by ``insist``)
            await self._ctx.stack_objects.remove(Kind.SERVICE, service_id, still=lease.still)

        await insist(lease, self._ctx.clock, remove, doubtful=False)

    async def _remove_rest(self, lease: JobLease) -> tuple[bool, str]:
        """Follow the services, then remove the rest.

        Returns whether nothing is left, and why some of it cannot be removed. The engine accepts
        the removal of a network whose last containers still stop, and has it until then.
        """
        await self._removing.follow(lease, range(len(lease.job.targets) - 1))
        begun = lease.job.targets[-1].applied or self._ctx.clock.now()
        late, left = begun + self._ctx.limits.time_limit, rest_of(_plan(lease.job))
        while True:
            tried = [(step, await self._try(lease, step)) for step in left]
            trouble = next((trouble for _, trouble in tried if trouble), "")
            present = await self._left(lease)
            left = left if present is None else present
            if not left or self._ctx.clock.now() > late:
                return not left, trouble
            why = f": {trouble}" if trouble else "; waiting for containers to stop"
            self._progress(lease, f"the {left[0].kind.value} {left[0].name} is in use{why}")
            await self._ctx.clock.sleep(TICK)

    async def _try(self, lease: JobLease, step: PlanStep) -> str:
        """Remove one object; returns why that did not work, "" if it did."""
        await lease.authority.held()
        try:
            await self._ctx.stack_objects.remove(step.kind, step.id, still=lease.still)
        except (SwarmError, LeaseLostError) as error:
            return error.sentence
        return ""

    async def _left(self, lease: JobLease) -> tuple[PlanStep, ...] | None:
        """What the swarm still has of the plan, None if it does not answer."""
        try:
            contents = await in_time(self._ctx.stack_objects.of(lease.job.stack))
        except SwarmError:
            return None
        return left_of(_plan(lease.job), contents)

    async def _end(self, lease: JobLease, job: Job) -> None:
        if not job.untouched:
            now, ending = self._ctx.clock.now(), job
            await note_version(self._ctx, lease, lambda earlier: version_of(ending, earlier, now))
            with suppress(StoreUnavailableError):
                number, told = await bring_back(self._ctx, _plan(job))
                job = replace(job, way_back=number, foretold=told)
        await self._following.end(lease, job)

    def _progress(self, lease: JobLease, phase: str) -> None:
        index = len(lease.job.targets) - 1
        said = ServiceProgress(lease.job.targets[index].service, 0, 0, phase)
        self._following.progress(lease, index, said)


def _objection(job: Job, contents: StackContents, command: str) -> Job | None:
    """The job that ends before anything is removed, None if it goes on."""
    if error := objection(contents, command):
        return refused(job, error.sentence, error.hint)
    if sentences := came_since(_plan(job), contents):
        stale = StalePlanError(f"The plan is out of date. {' '.join(sentences[:5])}", hint=_AGAIN)
        return refused(job, stale.sentence, stale.hint)
    return None


def _plan(job: Job) -> Plan:
    if job.plan is None:
        raise TypeError("a removal has a plan")
    return job.plan
