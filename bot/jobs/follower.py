"""Follows the services of a job to their verdicts and through their probation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from bot.domain.convergence.machine import Convergence, Goal
from bot.domain.errors import SwarmError
from bot.domain.jobs.model import Job, JobState, Target
from bot.domain.jobs.progress import ServiceProgress
from bot.domain.jobs.timeline import extended
from bot.domain.jobs.verdict import Outcome
from bot.jobs.context import Context
from bot.loops.job_lease import JobLease
from bot.ports import Clock
from bot.runtime.tasks import together
from bot.views.jobs.message import job_message

T = TypeVar("T")

MARK_SECONDS = 1.0
"""A verdict does not wait longer for the versions of its services."""

FEW = 10
"""The message of a job with at most so many services is written for each change."""
SHOW_SECONDS = 0.5

Aim = Callable[[Job, int, Goal], Goal]
"""Adapts the common goal of all changes to one target."""

Told = Callable[[Target, Outcome], Outcome]
"""Adapts the outcome of an observation before it is shown."""


class Following:
    """Follows services in parallel, shows their progress, and notes their outcomes."""

    def __init__(self, ctx: Context, aim: Aim, told: Told) -> None:
        self._ctx = ctx
        self._aim = aim
        self._told = told
        self._soon: set[JobLease] = set()

    async def follow(self, lease: JobLease, indexes: Iterable[int]) -> None:
        """Follow the targets that have no outcome yet."""
        left = [index for index in indexes if at(lease.job.outcomes, index) is None]
        await together(*(self._follow(lease, index) for index in left))

    async def follow_probation(self, lease: JobLease) -> Job:
        """Watch every provisionally converged service; revise verdicts that turn out wrong.

        Returns the job as it is to be finished.
        """
        job = lease.job
        provisional = [
            index for index, outcome in enumerate(job.outcomes) if outcome and outcome.provisional
        ]
        course = _Course(job, self._ctx.clock)
        outcomes = await together(
            *(
                self._ctx.observer.follow(self._on_probation(job, i), partial(course.note, i))
                for i in provisional
            )
        )
        job = replace(job, course=course.so_far)
        for index, outcome in zip(provisional, outcomes, strict=True):
            job = _after_probation(job, index, outcome, course.last(index))
        return replace(job, watched_until=self._ctx.clock.now())

    async def end(self, lease: JobLease, job: Job) -> None:
        """Finish the job; provisional outcomes are watched further."""
        probation = any(outcome and outcome.provisional for outcome in job.outcomes)
        job = replace(job, targets=await self._marked(job))
        await lease.finish(
            replace(job, state=JobState.FINISHED, finished=self._ctx.clock.now()),
            probation=probation,
        )

    def progress(self, lease: JobLease, index: int, progress: ServiceProgress) -> None:
        """Show the progress of a target, if it changed."""
        if at(lease.job.progress, index) != progress:
            lease.job = lease.job.seen(index, progress, self._ctx.clock.now())
            self._show_soon(lease)

    def _show_soon(self, lease: JobLease) -> None:
        """Show the job; one of many services only once for all that changes within a moment.

        Their message takes tens of milliseconds to write, and each of them changes it.
        """
        if len(lease.job.targets) <= FEW:
            self.show(lease)
        elif lease not in self._soon:
            self._soon.add(lease)
            asyncio.get_running_loop().call_later(SHOW_SECONDS, self._show_now, lease)

    def _show_now(self, lease: JobLease) -> None:
        self._soon.discard(lease)
        if lease.still():
            self.show(lease)

    def show(self, lease: JobLease, job: Job | None = None) -> None:
        """Show the job as soon as Slack's rate limit allows, while this worker may.

        ``job`` is what to show if it is not the job as saved.
        """
        job = job or lease.job
        message = job_message(
            job,
            self._ctx.clock.now(),
            command=self._ctx.command,
            home=self._ctx.stack_in(job.channel),
        )
        self._ctx.chat.show(job.channel, job.message, message, still=lease.still)

    async def _marked(self, job: Job) -> tuple[Target, ...]:
        """The targets with their services' versions: later they show whether a button is stale."""
        return tuple(
            await asyncio.gather(
                *(
                    self._mark(target, at(job.outcomes, index))
                    for index, target in enumerate(job.targets)
                )
            )
        )

    async def _mark(self, target: Target, outcome: Outcome | None) -> Target:
        has_button = target.changed or (outcome is not None and outcome.can_roll_back)
        if target.is_node or not has_button:
            return target
        try:
            async with asyncio.timeout(MARK_SECONDS):
                service = await self._ctx.swarm.service(target.service_id or target.service)
        except (SwarmError, TimeoutError):
            return target
        started = service.update_started or 0.0
        return replace(
            target, service_id=service.id, version_after=service.version, update_after=started
        )

    async def _follow(self, lease: JobLease, index: int) -> None:
        state = Convergence.start(self._goal(lease.job, index))
        outcome = await self._ctx.observer.follow(
            state, lambda progress: self.progress(lease, index, progress)
        )
        outcome = self._told(lease.job.targets[index], outcome)
        await lease.note(lease.job.with_outcome(index, outcome))
        if len(lease.job.targets) > 1:
            self._show_soon(lease)

    def _goal(self, job: Job, index: int) -> Goal:
        target = job.targets[index]
        goal = Goal(
            service_id=target.service_id,
            service=target.service,
            known_dead=frozenset(target.known_dead),
            began=target.applied or self._ctx.clock.now(),
            limits=self._ctx.limits,
            # Even a scale restarts a rollout that is in progress, and the user who waits
            # for the change needs to know if the swarm rolls it back.
            updates=True,
            update_before=target.update_before,
            command=self._ctx.command,
        )
        return self._aim(job, index, goal)

    def _on_probation(self, job: Job, index: int) -> Convergence:
        return Convergence.on_probation(
            self._goal(job, index), since=job.finished or self._ctx.clock.now()
        )


def at(values: tuple[T | None, ...], index: int) -> T | None:
    """A target's value, None if unknown."""
    return values[index] if index < len(values) else None


def _after_probation(job: Job, index: int, seen: Outcome, progress: ServiceProgress | None) -> Job:
    """The job after a probation: with its first verdict final, or with the revised one.

    The revised one comes with the ``progress`` that it was found by.
    """
    first = job.outcomes[index]
    if first is not None and first.verdict is seen.verdict:
        return job.with_outcome(index, replace(first, provisional=False))
    known = tuple(progress if n == index else each for n, each in enumerate(job.progress))
    return replace(job.with_outcome(index, seen), revised=True, progress=known)


class _Course:
    """Collects what a probation observes.

    It only extends the job's course, because the message stays unchanged until a verdict is
    revised.
    """

    def __init__(self, job: Job, clock: Clock) -> None:
        self.so_far = job.course
        self._clock = clock
        self._seen = dict(enumerate(job.progress))

    def last(self, index: int) -> ServiceProgress | None:
        """A target's newest progress, None if nothing was seen of it."""
        return self._seen.get(index)

    def note(self, index: int, progress: ServiceProgress) -> None:
        """Record a target's present progress."""
        before, self._seen[index] = self._seen.get(index), progress
        self.so_far = extended(self.so_far, index, before, progress, self._clock.now())
