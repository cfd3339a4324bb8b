"""A plan that waits is decided once, and its decision is carried out by somebody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bot.domain.deploys.decision import Decided, Decision
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
from bot.domain.jobs.model import Job
from bot.store.connection import RedisLink
from bot.store.jobs import RedisJobs
from bot.store.keys import Keys, StoreLimits
from bot.store.plans import RedisPlans
from tests.contract.job_kit import PATIENCE, a_job, a_pending_command, taken
from tests.lab.redis import RedisServer

PLAN = Plan(
    "orochi",
    (PlanStep(Kind.SERVICE, PlanAction.UPDATE, "orochi_web", "s1", 7, "a", "b"),),
    (
        ServiceChange(
            "orochi_web",
            PlanAction.UPDATE,
            "s1",
            "a",
            "lab/busy:2",
            (Difference("image", "lab/busy:1", "lab/busy:2"),),
            Replicas(3, 2, 3, ReplicaRule.SCALED),
        ),
    ),
    ("Ignoring unsupported options: restart",),
    "d1",
)


@asynccontextmanager
async def store(url: str, limits: StoreLimits | None = None) -> AsyncIterator[RedisPlans]:
    link = RedisLink(url)
    yield RedisPlans(link, limits=limits)
    await link.aclose()


@pytest.fixture
async def plans(redis_server: RedisServer) -> AsyncIterator[RedisPlans]:
    async with store(redis_server.url) as found:
        yield found


@pytest.fixture
async def other_plans(redis_server: RedisServer) -> AsyncIterator[RedisPlans]:
    async with store(redis_server.url, StoreLimits(claim_seconds=1)) as found:
        yield found


def a_plan(job_id: str = "") -> Job:
    job = a_job("orochi_web", job_id=job_id)
    return replace(job, action="deploy", plan=PLAN, message="1.5")


async def awaited(plans: RedisPlans) -> tuple[Decided, ...]:
    """What is due, now or soon."""
    found: tuple[Decided, ...] = ()
    async with asyncio.timeout(PATIENCE):
        while len(found) < 1:
            found += await plans.due()
            await asyncio.sleep(0.02)
    return found


async def test_what_was_kept_is_there_whole(plans: RedisPlans, other_plans: RedisPlans):
    job = a_plan()

    assert await plans.keep(job, 60)
    assert await other_plans.load(job.id) == job
    assert await plans.load("aaaaaa") is None
    assert await plans.due() == ()


async def test_a_plan_takes_the_place_of_its_pending_command(plans: RedisPlans, jobs: RedisJobs):
    """Until it is kept the command is a pending one; afterwards it can be submitted under
    its id."""
    pending = a_pending_command()
    await jobs.accept(pending)
    job = a_plan(pending.id)

    assert await plans.keep(job, 60)
    assert await jobs.abandoned_commands(0) == ()
    assert await jobs.submit(job) == 0
    assert (await taken(jobs)).job_id == job.id


async def test_a_plan_whose_pending_command_was_answered_otherwise_is_not_kept(
    plans: RedisPlans, jobs: RedisJobs
):
    pending = a_pending_command()
    await jobs.accept(pending)
    await jobs.discard(pending.id)

    assert not await plans.keep(a_plan(pending.id), 60)
    assert await plans.load(pending.id) is None


async def test_of_many_presses_one_decides(plans: RedisPlans, other_plans: RedisPlans):
    """On all replicas at once; everybody hears what stands."""
    job = a_plan()
    await plans.keep(job, 60)
    found = await asyncio.gather(
        *(
            each.decide(job.id, decision, f"U{number}")
            for number in range(5)
            for each in (plans, other_plans)
            for decision in (Decision.CONFIRMED, Decision.CANCELLED)
        )
    )
    decided = [each for each in found if each]

    assert len(decided) == 20
    assert [each.ours for each in decided].count(True) == 1
    assert len({(each.decision, each.user) for each in decided}) == 1
    assert decided[0].job == job


async def test_a_repeated_call_is_still_the_one_that_decided(plans: RedisPlans):
    """The client calls again when its connection broke; another press is another call."""
    job = a_plan()
    await plans.keep(job, 60)
    first, again = [
        await plans.decide(job.id, Decision.CONFIRMED, "U1", "press1") for _ in range(2)
    ]
    second = await plans.decide(job.id, Decision.CONFIRMED, "U1", "press2")

    assert first == again == Decided(job, Decision.CONFIRMED, "U1", ours=True)
    assert second == Decided(job, Decision.CONFIRMED, "U1", ours=False)


async def test_the_press_that_confirms_is_done_with_that(plans: RedisPlans, jobs: RedisJobs):
    """A lost replica's press is not answered with "nothing was changed" while its job begins."""
    job, press, late = a_plan(), a_pending_command(), a_pending_command()
    await plans.keep(job, 60)
    await jobs.accept(press)
    await jobs.accept(late)
    await plans.decide(job.id, Decision.CONFIRMED, "U1", press.id)
    await plans.decide(job.id, Decision.CONFIRMED, "U1", late.id)

    assert await jobs.abandoned_commands(0) == (late,)


async def test_a_plan_that_waited_for_too_long_is_expired_whatever_is_pressed(plans: RedisPlans):
    job = a_plan()
    await plans.keep(job, 0)
    decided = await plans.decide(job.id, Decision.CONFIRMED, "U1", "press1")

    assert decided == Decided(job, Decision.EXPIRED, "", ours=True)


async def test_an_expired_plan_is_given_to_one_caller(plans: RedisPlans, other_plans: RedisPlans):
    job = a_plan()
    await plans.keep(job, 0.05)
    found = await awaited(plans)

    assert found == (Decided(job, Decision.EXPIRED, "", ours=True),)
    assert await other_plans.due() == ()
    await plans.forget(job.id)
    assert await plans.load(job.id) is None
    assert await plans.decide(job.id, Decision.CONFIRMED, "U1") is None


async def test_a_decision_whose_maker_is_lost_is_carried_out_by_another(
    plans: RedisPlans, other_plans: RedisPlans
):
    """Confirmed, and nothing more: after a while the next who asks is given it."""
    job = a_plan()
    await plans.keep(job, 60)
    await other_plans.decide(job.id, Decision.CONFIRMED, "U7", "press1")
    (found,) = await awaited(plans)

    assert (found.job, found.decision, found.user) == (job, Decision.CONFIRMED, "U7")


async def test_nothing_of_a_plan_is_left_once_it_is_forgotten(
    plans: RedisPlans, redis_server: RedisServer
):
    """And who decided it stands in the audit log."""
    job = a_plan()
    await plans.keep(job, 60)
    await plans.decide(job.id, Decision.CANCELLED, "U9")
    await plans.forget(job.id)
    link = RedisLink(redis_server.url)
    names = await link.call(lambda redis: redis.keys("orochi:plan*"))
    audit = await link.call(lambda redis: redis.xrevrange(Keys().audit, count=1))
    await link.aclose()

    assert names == []
    assert (audit[0][1]["event"], audit[0][1]["who"]) == ("plan cancelled", "U9")
