"""The steps of a confirmed plan, each applied once even if a worker is killed in between."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.domain.deploys.outcomes import held_back, jobs_before, stopped_at, uncompleted
from bot.domain.deploys.staleness import Judged, StepStanding, judge
from bot.domain.errors import RefusedError, StalePlanError, SwarmError
from bot.domain.jobs.deploy_plan import Kind, Plan, PlanAction, PlanStep
from bot.domain.jobs.model import Job, Target
from bot.domain.swarm.model import Service, StackLook
from bot.jobs.context import Context
from bot.jobs.engine_calls import in_time, insist
from bot.jobs.follower import Following
from bot.loops.job_lease import JobLease
from bot.loops.observer import first_of
from bot.ports import Applied, Recording

Key = tuple[Kind, str]


@dataclass(frozen=True, slots=True)
class _Basis:
    """A new recording, and the state of each step of the confirmed plan in it.

    ``doubtful`` is the index of the first step that an earlier turn may have applied without noting
    it: while the store is away, a deploy goes on.
    """

    recording: Recording
    judged: Mapping[Key, Judged]
    fresh: Mapping[Key, PlanStep]
    doubtful: int | None


class DeploySteps:
    """Applies steps; each step is noted before it is applied."""

    def __init__(self, ctx: Context, following: Following) -> None:
        self._ctx = ctx
        self._following = following

    async def note(self, lease: JobLease) -> None:
        """Note the stack's state before the first step."""
        plan = _plan(lease.job)
        look = await in_time(self._ctx.swarm.stack_look(plan.stack))
        await lease.save(_noted(lease.job, plan, look))

    async def make(self, lease: JobLease, recording: Recording, doubtful: int | None) -> None:
        """Apply all steps except the removals, in the plan's order; stops at a step that fails.

        What depends on a job that did not complete is held back; other steps are applied.

        ``doubtful`` is the index of the first step that an earlier turn may have applied, None for
        none: ``steps_made`` at the beginning of the turn.
        """
        plan = _plan(lease.job)
        steps = plan.steps[: len(plan.steps) - len(plan.removals)]
        await self._make(lease, steps, self._basis(plan, recording, doubtful))

    async def remove(self, lease: JobLease, recording: Recording, doubtful: int | None) -> None:
        """Apply the removals; stops at one that fails. ``doubtful`` is that of ``make``."""
        plan = _plan(lease.job)
        job = lease.job
        for index, target in enumerate(job.targets):
            if any(step.name == target.service for step in plan.removals) and not target.begun:
                job = job.with_target(index, replace(target, update_before=0.0))
        await lease.save(job)
        await self._make(lease, plan.steps, self._basis(plan, recording, doubtful))

    @staticmethod
    def _basis(plan: Plan, recording: Recording, doubtful: int | None) -> _Basis:
        judged = {each.step.key: each for each in judge(plan, recording.plan)}
        fresh = {step.key: step for step in recording.plan.steps}
        return _Basis(recording, judged, fresh, doubtful)

    async def _make(self, lease: JobLease, steps: Sequence[PlanStep], basis: _Basis) -> None:
        for place, step in enumerate(steps):
            if place < (lease.job.steps_made or 0):
                continue
            indexes = jobs_before(lease.job, step)
            if indexes and not await self._jobs_ended(lease, indexes):
                return
            if name := uncompleted(lease.job, indexes):
                job = replace(lease.job, steps_made=place + 1)
                await lease.note(held_back(job, step.name, name))
            elif not await self._take(lease, place, step, basis):
                return

    async def _jobs_ended(self, lease: JobLease, indexes: Sequence[int]) -> bool:
        """Follow jobs that this plan runs to their ends; False if the deploy was cancelled."""
        following = asyncio.ensure_future(self._following.follow(lease, indexes))
        return await first_of(following, lease.cancelled)

    async def _take(self, lease: JobLease, place: int, step: PlanStep, basis: _Basis) -> bool:
        """Apply one step and note its result; returns whether the next step may follow."""
        tries = 0

        async def made(doubtful: bool) -> Applied:  # noqa: FBT001 (called by ``insist``)
            nonlocal tries
            tries += 1
            return await self._made(lease, step, basis, doubtful=doubtful)

        try:
            doubtful = basis.doubtful is not None and place >= basis.doubtful
            applied = await insist(lease, self._ctx.clock, made, doubtful=doubtful)
        except (RefusedError, SwarmError) as error:
            await lease.note(stopped_at(lease.job, step, error, once=tries == 1))
            return False
        job = replace(lease.job, steps_made=place + 1)
        await lease.note(_with_step(job, step, applied, self._ctx.clock.now()))
        return True

    async def _made(
        self, lease: JobLease, step: PlanStep, basis: _Basis, *, doubtful: bool
    ) -> Applied:
        """Apply one step, or find it applied. Raises StalePlanError and errors of the engine."""
        judged = basis.judged[step.key]
        if judged.standing is StepStanding.STALE:
            raise StalePlanError(judged.why, hint="Ask for a new plan.")
        if judged.standing is StepStanding.DONE:
            return Applied(changed=doubtful, service=await self._live(step))
        if doubtful and (taken_back := await self._already_rolled_back(lease.job, step)):
            return Applied(changed=True, service=taken_back)
        fresh = basis.fresh[step.key]
        applied = await self._ctx.stacks.apply(basis.recording, fresh, still=lease.still)
        return replace(applied, changed=applied.changed or doubtful)

    async def _live(self, step: PlanStep) -> Service | None:
        if step.kind is not Kind.SERVICE or step.action is PlanAction.REMOVE:
            return None
        return await in_time(self._ctx.swarm.service(step.name))

    async def _already_rolled_back(self, job: Job, step: PlanStep) -> Service | None:
        """The service, if the swarm has already rolled back a lost worker's change of it.

        The service is then as it was when the plan was made, except for the start of its last
        update.
        """
        if step.kind is not Kind.SERVICE or step.action is not PlanAction.UPDATE:
            return None
        service = await self._live(step)
        target = next(each for each in job.targets if each.service == step.name)
        same = service is None or (service.update_started or 0.0) == target.update_before
        return None if same else service


def _noted(job: Job, plan: Plan, look: StackLook) -> Job:
    """The job with the earlier state of its services; unchanged services count as applied."""
    services = {service.name: service for service in look.services}
    for index, target in enumerate(job.targets):
        change = plan.service(target.service)
        if change is not None and change.action is not PlanAction.REMOVE:
            noted = _noted_target(target, services.get(target.service), look)
            if change.action is None:
                noted = replace(noted, applied=look.at)
            job = job.with_target(index, noted)
    return replace(job, steps_made=0)


def _noted_target(target: Target, service: Service | None, look: StackLook) -> Target:
    if service is None:
        return replace(target, update_before=0.0)
    tasks = [task for task in look.tasks if task.service_id == service.id]
    dead = tuple(task.id for task in tasks if task.state.over)
    return replace(target, known_dead=dead, update_before=service.update_started or 0.0)


def _with_step(job: Job, step: PlanStep, applied: Applied, now: float) -> Job:
    """The job after a step was applied."""
    if step.kind is not Kind.SERVICE:
        return job
    index = next(i for i, target in enumerate(job.targets) if target.service == step.name)
    target = replace(job.targets[index], applied=now, changed=applied.changed)
    if applied.service is not None:
        service = applied.service
        target = replace(target, service_id=service.id, template=service.template)
    return job.with_target(index, target)


def _plan(job: Job) -> Plan:
    if job.plan is None:
        raise TypeError("a deploy has a plan")
    return job.plan
