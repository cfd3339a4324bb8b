"""The plan of a deploy that nobody has to confirm: made when its job starts. Pure."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.jobs.deploy_plan import Plan, PlanAction, ServiceChange
from bot.domain.jobs.model import Job, Target


def targets_of(plan: Plan) -> tuple[Target, ...]:
    """The services of a plan as the targets of its job."""
    return tuple(map(_target, plan.services))


def replanned(job: Job, plan: Plan) -> Job:
    """The job with a new plan, if it needs no confirmation and nothing was changed yet.

    Jobs that were ahead of it in the queue may have changed its services.
    """
    planned = job.plan.digest if job.plan else ""
    if job.confirmed_by or job.begun or not plan.services or plan.digest == planned:
        return job
    return replace(job, plan=plan, targets=targets_of(plan), progress=(), outcomes=())


def _target(change: ServiceChange) -> Target:
    replicas = change.replicas.planned or 0
    if change.action is PlanAction.REMOVE:
        replicas = 0
    return Target(change.name, change.id, replicas)
