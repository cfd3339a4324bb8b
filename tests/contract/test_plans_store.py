"""A waiting plan is decided once, and one replica carries out the decision."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bot.domain.deploys.decision import Decided, Decision
from bot.domain.errors import LeaseLostError
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
    """The plans that are due, now or soon."""
    found: tuple[Decided, ...] = ()
    async with asyncio.timeout(PATIENCE):
        while len(found) < 1:
            found += await plans.due()
            await asyncio.sleep(0.02)
    return found


async def test_a_stored_plan_is_complete(plans: RedisPlans, other_plans: RedisPlans):
    job = a_plan()

    assert await plans.keep(job, 60)
    assert await other_plans.load(job.id) == job
    assert await plans.load("aaaaaa") is None
    assert await plans.due() == ()


async def test_a_plan_replaces_its_pending_command(plans: RedisPlans, jobs: RedisJobs):
    """Until the plan is stored the command is pending; afterwards it is submitted under its id."""
    pending = a_pending_command()
    await jobs.accept(pending)
    job = a_plan(pending.id)

    assert await plans.keep(job, 60)
    assert await jobs.abandoned_commands(0) == ()
    assert await jobs.submit(job) == 0
    assert (await taken(jobs)).job_id == job.id


async def test_a_plan_whose_pending_command_has_another_answer_is_not_stored(
    plans: RedisPlans, jobs: RedisJobs
):
    pending = a_pending_command()
    await jobs.accept(pending)
    await jobs.discard(pending.id)

    assert not await plans.keep(a_plan(pending.id), 60)
    assert await plans.load(pending.id) is None


async def test_one_of_many_presses_decides(plans: RedisPlans, other_plans: RedisPlans):
    """The presses reach all replicas at once; each gets the decision that was stored."""
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


async def test_a_repeated_call_of_the_deciding_press_still_decides(plans: RedisPlans):
    """The client retries when its connection broke; another press is another call."""
    job = a_plan()
    await plans.keep(job, 60)
    first, again = [
        await plans.decide(job.id, Decision.CONFIRMED, "U1", "press1") for _ in range(2)
    ]
    second = await plans.decide(job.id, Decision.CONFIRMED, "U1", "press2")

    assert first == again == Decided(job, Decision.CONFIRMED, "U1", ours=True)
    assert second == Decided(job, Decision.CONFIRMED, "U1", ours=False)


async def test_the_confirming_press_is_handled_with_its_decision(
    plans: RedisPlans, jobs: RedisJobs
):
    """A lost replica's press is not answered with "nothing was changed" while its job begins."""
    job, press, late = a_plan(), a_pending_command(), a_pending_command()
    await plans.keep(job, 60)
    await jobs.accept(press)
    await jobs.accept(late)
    await plans.decide(job.id, Decision.CONFIRMED, "U1", press.id)
    await plans.decide(job.id, Decision.CONFIRMED, "U1", late.id)

    assert await jobs.abandoned_commands(0) == (late,)


async def test_a_press_on_an_old_plan_expires_it(plans: RedisPlans):
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


async def test_a_lost_replicas_decision_is_carried_out_by_another(
    plans: RedisPlans, other_plans: RedisPlans
):
    """After a while the next caller gets the confirmed plan."""
    job = a_plan()
    await plans.keep(job, 60)
    await other_plans.decide(job.id, Decision.CONFIRMED, "U7", "press1")
    (found,) = await awaited(plans)

    assert (found.job, found.decision, found.user) == (job, Decision.CONFIRMED, "U7")


async def test_a_forgotten_plan_leaves_no_data(plans: RedisPlans, redis_server: RedisServer):
    """The audit log has the person who decided."""
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


async def test_a_confirmed_plan_and_its_job_change_in_one_step(
    plans: RedisPlans, other_plans: RedisPlans, jobs: RedisJobs
):
    """Whatever is lost after the job was queued: nobody carries the decision out once more."""
    job = a_plan()
    await plans.keep(job, 60)
    decided = await other_plans.decide(job.id, Decision.CONFIRMED, "U7", "press1")
    assert decided is not None
    assert await jobs.submit(job, decided.claim) == 0

    assert await plans.load(job.id) is None
    await asyncio.sleep(1.2)  # the claim ends
    assert await plans.due() == ()


async def test_a_decision_that_another_replica_carries_out_starts_no_job(
    plans: RedisPlans, other_plans: RedisPlans, jobs: RedisJobs
):
    """The first replica was too slow; its claim has ended."""
    job = a_plan()
    await plans.keep(job, 60)
    slow = await other_plans.decide(job.id, Decision.CONFIRMED, "U7", "press1")
    (quick,) = await awaited(plans)
    assert slow is not None

    with pytest.raises(LeaseLostError):
        await jobs.submit(job, slow.claim)
    assert await jobs.load(job.id) is None
    assert await jobs.submit(job, quick.claim) == 0
    assert await jobs.submit(job, slow.claim) == 0  # it is queued already
