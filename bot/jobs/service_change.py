"""Runs jobs that change services, from the queue to the verdicts.

An operation defines what is done to one service; everything else is the same for all: a look, the
change (made once), the observation, and the probation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from bot.domain.convergence.machine import Goal
from bot.domain.errors import (
    RefusedError,
    SupersededError,
    SwarmError,
    SwarmUnavailableError,
)
from bot.domain.jobs.model import Job, JobState, Target
from bot.domain.jobs.progress import ServiceProgress
from bot.domain.jobs.verdict import MAY_BE_CHANGED, Outcome, Verdict, changed_or_not
from bot.domain.swarm.health import examine_look
from bot.domain.swarm.model import Look
from bot.jobs.context import Context
from bot.jobs.engine_calls import insist, wait_for_engine
from bot.jobs.follower import Following, at
from bot.loops.job_lease import JobLease
from bot.loops.observer import first_of
from bot.ports import Still


class ServiceOperation(Protocol):
    """A change of one service. Every step may be repeated, because lost workers' jobs continue."""

    async def objection(self, target: Target, look: Look) -> Outcome | None:
        """The outcome if nothing should be changed, None to continue. The service exists."""

    def noted(self, target: Target, look: Look) -> Target:
        """The target with what is about to be done. The service exists."""

    async def make(self, target: Target, *, doubtful: bool, still: Still) -> Target:
        """Make the change, or find that it is already made, and return its result.

        ``doubtful`` says that an earlier attempt may have made it; ``still`` is asked right before
        each write. Raises RefusedError.
        """

    def goal(self, target: Target, goal: Goal) -> Goal:
        """The goal of this operation, based on the common goal of all changes."""

    def told(self, target: Target, outcome: Outcome) -> Outcome:
        """The outcome as shown, based on the observed outcome."""

    def left(self, target: Target, running: int | None) -> str:
        """The service's state after a person stops waiting, in words.

        ``running`` is the last number of running tasks, None if nobody looked.
        """


class ChangeRunner:
    """Runs the jobs of one operation."""

    def __init__(self, ctx: Context, operation: ServiceOperation) -> None:
        self._ctx = ctx
        self._operation = operation
        self._following = Following(
            ctx, lambda job, index, goal: operation.goal(job.targets[index], goal), operation.told
        )

    async def run(self, lease: JobLease) -> None:
        """Check all targets, change them, and follow each to its verdict.

        A request to cancel is honoured before and after the change, but not while it is made: a
        write without a known outcome is made again, so that it cannot take effect later.
        """
        job = replace(lease.job, state=JobState.RUNNING, started=self._ctx.clock.now())
        job = await lease.save(job)
        self._following.show(lease)
        made = all(target.applied is not None for target in job.targets)
        if not made and not await self._begin(lease):
            return
        following = asyncio.create_task(
            self._following.follow(lease, range(len(lease.job.targets)))
        )
        ended = await first_of(following, lease.cancelled)
        await self._following.end(lease, lease.job if ended else self._cancelled(lease))

    async def _begin(self, lease: JobLease) -> bool:
        """Look, check and make the change; False if the job has ended instead."""
        looking = asyncio.create_task(self._first_looks(lease))
        may_stop = asyncio.Event() if _in_doubt(lease.job) else lease.cancelled
        if not await first_of(looking, may_stop):
            await self._following.end(lease, self._cancelled(lease))
            return False
        looks = looking.result()
        if objection := await self._preflight(lease.job, looks):
            await self._following.end(lease, objection)
            return False
        if may_stop.is_set():
            await self._following.end(lease, self._cancelled(lease, looks))
            return False
        await self._change(lease, looks)
        return True

    async def run_probation(self, lease: JobLease) -> None:
        """Watch every provisionally converged service; revise verdicts that turn out wrong."""
        await lease.finish(await self._following.follow_probation(lease))

    async def _preflight(self, job: Job, looks: list[Look]) -> Job | None:
        """The job with the objections to it, None if it may continue."""
        outcomes = [
            await self._objection(target, look)
            for target, look in zip(job.targets, looks, strict=True)
        ]
        if not any(outcomes):
            return None
        for index, outcome in enumerate(outcomes):
            final = outcome or _prevented(job.targets[index])
            job = job.with_outcome(index, _counted(final, looks[index]))
        return job

    async def _objection(self, target: Target, look: Look) -> Outcome | None:
        if look.service is None:
            unchanged = "" if target.begun else " Nothing was changed."
            reason = f"Someone removed the service.{unchanged}"
            return Outcome(Verdict.SUPERSEDED, reason)
        if target.applied is not None:
            return None
        try:
            return await self._operation.objection(target, look)
        except RefusedError as error:
            error.doubtful = target.begun
            return _refused(error)

    async def _first_looks(self, lease: JobLease) -> list[Look]:
        """The present state of every target."""

        async def look() -> list[Look]:
            return [await self._ctx.swarm.look(t.service_id) for t in lease.job.targets]

        return await wait_for_engine(
            self._ctx.clock,
            look,
            lambda error: self._following.show(lease, _waiting_for_the_engine(lease.job, error)),
        )

    async def _change(self, lease: JobLease, looks: list[Look]) -> None:
        """Make every change once, after noting what is about to be done."""
        job = lease.job
        taken_over = [target.begun for target in job.targets]
        for index, look in enumerate(looks):
            target = job.targets[index]
            if not target.begun:
                job = job.with_target(index, self._noted(target, look))
        job = await lease.save(job)
        for index, doubtful in enumerate(taken_over):
            await self._apply(lease, index, looks[index], doubtful=doubtful)

    def _noted(self, target: Target, look: Look) -> Target:
        """The target with its earlier state and with what is about to be done."""
        dead = tuple(task.id for task in look.tasks if task.state.over)
        if look.service is None:
            return replace(target, known_dead=dead, update_before=0.0)
        update = look.service.update_started or 0.0
        return self._operation.noted(replace(target, known_dead=dead, update_before=update), look)

    async def _apply(self, lease: JobLease, index: int, look: Look, *, doubtful: bool) -> None:
        """Make the change once; one that another worker has already made is not repeated.

        ``look`` is the one before the change. ``doubtful`` says that another worker may have made
        it. A service that can no longer be changed does not affect the others.
        """
        target = lease.job.targets[index]
        if target.applied is not None:
            return
        try:
            made = await insist(
                lease,
                self._ctx.clock,
                lambda doubt: self._operation.make(target, doubtful=doubt, still=lease.still),
                doubtful=doubtful,
            )
        except RefusedError as error:
            outcome = _counted(_refused(error), look)
            await lease.note(lease.job.with_outcome(index, outcome))
            return
        except SwarmError as error:
            outcome = _counted(_broken_off(error), look)
            await lease.note(lease.job.with_outcome(index, outcome))
            return
        applied = replace(made, applied=self._ctx.clock.now())
        await lease.note(lease.job.with_target(index, applied))

    def _cancelled(self, lease: JobLease, looks: Sequence[Look] = ()) -> Job:
        job = replace(lease.job, cancelled_by=lease.cancelled_by)
        for index, target in enumerate(job.targets):
            if at(job.outcomes, index) is None:
                outcome = self._stopped_waiting(target, at(job.progress, index))
                look = at(tuple(looks), index)
                job = job.with_outcome(index, _counted(outcome, look) if look else outcome)
        return job

    def _stopped_waiting(self, target: Target, seen: ServiceProgress | None) -> Outcome:
        if target.applied is None:
            return Outcome(Verdict.CANCELLED, "Cancelled before the change. Nothing was changed.")
        counts = seen.counts if seen else None
        running, desired = counts or (0, 0)
        left = self._operation.left(target, running if counts else None)
        return Outcome(
            Verdict.CANCELLED, f"Stopped waiting; {left}", running=running, desired=desired
        )


def _in_doubt(job: Job) -> bool:
    """Whether a lost worker may have made a change without noting it."""
    return any(target.begun and target.applied is None for target in job.targets)


def _refused(error: RefusedError) -> Outcome:
    verdict = Verdict.SUPERSEDED if isinstance(error, SupersededError) else Verdict.REFUSED
    return Outcome(verdict, f"{error.sentence} {changed_or_not(error)}", error.hint)


def _prevented(target: Target) -> Outcome:
    """The outcome of a service without objection in a job that another service prevents."""
    if target.begun:
        reason = "Changed, but no longer watched: another service was refused."
        return Outcome(Verdict.FAILED, reason)
    return Outcome(Verdict.REFUSED, "Not changed: another service was refused.")


def _counted(outcome: Outcome, look: Look) -> Outcome:
    """The outcome of a service that was not changed, with the counts of a look at it."""
    if outcome.counts or look.service is None:
        return outcome
    health = examine_look(look, look.service)
    return replace(outcome, running=health.running, desired=health.wanted)


def _broken_off(error: SwarmError) -> Outcome:
    """The outcome of a change that the engine refused."""
    known = MAY_BE_CHANGED if error.doubtful else "It was not changed."
    return Outcome(
        Verdict.FAILED,
        f"{error.sentence} {known} (ref {error.ref})",
        error.hint or "Check `status` for the current state.",
    )


def _waiting_for_the_engine(job: Job, error: SwarmUnavailableError) -> Job:
    """The job as shown while it waits for the engine."""
    for index, target in enumerate(job.targets):
        so_far = "" if target.begun else "nothing changed yet, "
        phase = f"{so_far}waiting for the engine: {error.sentence}"
        job = job.with_progress(index, ServiceProgress(target.service, 0, 0, phase))
    return job
