"""Plans and deploy jobs to test with."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.jobs.deploy_plan import (
    Difference,
    Kind,
    Plan,
    PlanAction,
    PlanStep,
    ReplicaRule,
    Replicas,
    ServiceChange,
)
from bot.domain.jobs.model import Job, Target

WEB = ServiceChange(
    "orochi_web",
    PlanAction.UPDATE,
    "w1",
    "base",
    "lab/busy:2",
    (
        Difference("image", "lab/busy:1", "lab/busy:2"),
        Difference("replicas", "2", "2"),
        Difference("environment ADDED", "", "1"),
        Difference("label old", "x", ""),
    ),
    Replicas(2, 2, 2, ReplicaRule.UNCHANGED),
)
NEW = ServiceChange(
    "orochi_new",
    PlanAction.CREATE,
    image="lab/busy:1",
    fields=(Difference("image", "", "lab/busy:1"), Difference("replicas", "", "3")),
    replicas=Replicas(None, 3, 3, ReplicaRule.FILE),
)
OLD = ServiceChange("orochi_old", PlanAction.REMOVE, "o1", "base", replicas=Replicas(live=2))
DB = ServiceChange(
    "orochi_db",
    None,
    "d1",
    "base",
    "lab/db:1",
    (Difference("image", "lab/db:1", "lab/db:1"),),
    Replicas(4, 1, 4, ReplicaRule.SCALED),
)
STEPS = (
    PlanStep(Kind.NETWORK, PlanAction.CREATE, "orochi_default", wanted="n"),
    PlanStep(Kind.SECRET, PlanAction.UPDATE, "orochi_password", "p1", 3, "a", "b", "c"),
    PlanStep(Kind.SERVICE, PlanAction.CREATE, "orochi_new", wanted="new"),
    PlanStep(Kind.SERVICE, PlanAction.UPDATE, "orochi_web", "w1", 7, "base", "next"),
    PlanStep(Kind.SERVICE, PlanAction.REMOVE, "orochi_old", "o1", 5, "base"),
)
PLAN = Plan("orochi", STEPS, (DB, NEW, OLD, WEB), ("Ignoring unsupported options: build",), "d")


def deploy_job(plan: Plan = PLAN) -> Job:
    """A queued deploy."""
    targets = tuple(
        Target(each.name, each.id, each.replicas.planned or 0) for each in plan.services
    )
    return Job(
        "k3f9ab", "deploy", plan.stack, "deploy", "U123", "C1", 1_700_000_000.0, targets, plan=plan
    )


def begun(job: Job, steps: int, *made: str) -> Job:
    """The job after a number of steps and with these services done."""
    for index, target in enumerate(job.targets):
        if target.service.removeprefix("orochi_") in made:
            job = job.with_target(index, replace(target, update_before=0.0, applied=1.0))
    return replace(job, steps_made=steps)
