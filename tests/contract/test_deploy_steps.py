"""What a deploy notes of its steps, with a real store."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.domain.deploys.version import Bundle
from bot.domain.jobs.deploy_plan import Plan
from bot.domain.swarm.model import Service
from bot.jobs.context import Context
from bot.jobs.deploy_steps import DeploySteps
from bot.jobs.follower import Following
from bot.loops.job_lease import JobLease
from bot.loops.lease import Lease
from bot.ports import Chat
from bot.runtime.clock import SystemClock
from bot.store.jobs import RedisJobs
from tests.contract.job_kit import taken
from tests.unit.looks import a_service
from tests.unit.plans import PLAN, WEB, deploy_job

CLOCK = SystemClock()


@dataclass(frozen=True)
class Recorded:
    """A recording of a stack that is as its file wants it."""

    plan: Plan
    bundle: Bundle = field(default_factory=lambda: Bundle("", ""))


class _Swarm:
    async def service(self, name: str) -> Service:
        return a_service(name=name)


@pytest.mark.parametrize(("doubtful", "changed"), [(None, False), (0, True)])
@pytest.mark.parametrize("count", [1, 3])
async def test_a_step_that_another_job_made_is_no_change_of_this_one(
    jobs: RedisJobs, doubtful: int | None, changed: bool, count: int
):
    """Only an earlier turn of the same job may have made the steps that are found made.

    While the store is away, it makes several without noting them.
    """
    web = next(each for each in PLAN.steps if each.name == WEB.name)
    steps = tuple(replace(web, name=f"orochi_web{number}") for number in range(count))
    services = tuple(replace(WEB, name=step.name) for step in steps)
    plan = replace(PLAN, steps=steps, services=services)
    made = tuple(replace(each, action=None, base=web.wanted) for each in services)
    as_wanted = replace(plan, steps=(), services=made)
    job = replace(deploy_job(plan), steps_made=0)
    await jobs.submit(job)
    token = await taken(jobs)
    authority = Lease(time.monotonic() + 5)
    lease = JobLease(jobs, cast("Chat", None), token, job, CLOCK, authority=authority)
    ctx: Any = SimpleNamespace(swarm=_Swarm(), clock=CLOCK)
    following = cast("Following", None)
    await DeploySteps(cast("Context", ctx), following).make(lease, Recorded(as_wanted), doubtful)

    assert lease.job.steps_made == count
    assert [target.changed for target in lease.job.targets] == [changed] * count
