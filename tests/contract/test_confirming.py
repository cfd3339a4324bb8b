"""A confirmed plan becomes one job, and its message never goes back to an earlier state."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.domain.deploys.decision import Decision
from bot.domain.errors import LeaseLostError
from bot.jobs.confirmation import Confirming
from bot.store.keys import StoreLimits
from bot.views.jobs.plan import plan_message
from playground.slack import SlackEmulator
from tests.contract.job_kit import a_job
from tests.contract.replica_kit import CLOCK, a_replica
from tests.contract.slack_side import ANN, SWARM, a_messenger, eventually
from tests.contract.test_plans_store import PLAN, a_plan
from tests.lab.redis import RedisServer

BOB = "U0BOB00001"


async def test_a_slow_confirmation_that_another_replica_carried_out_shows_nothing(
    redis_server: RedisServer,
):
    """Slack takes longer than the claim; meanwhile another replica queues the job, and it runs."""
    limits = StoreLimits(claim_seconds=1)
    async with (
        SlackEmulator(strict=True) as slack,
        a_messenger(slack) as first,
        a_messenger(slack) as second,
        a_replica(redis_server.url, first, store=limits) as slow,
        a_replica(redis_server.url, second, store=limits) as quick,
    ):
        await slow.jobs.submit(a_job("orochi_web"))  # so that the plan's job has to wait
        ts = await first.post(SWARM, plan_message(a_plan(), PLAN, CLOCK.now() + 60))
        job = replace(a_plan(), message=ts, channel=SWARM, user=ANN)
        await slow.ctx.plans.keep(job, 60)
        decided = await slow.ctx.plans.decide(job.id, Decision.CONFIRMED, ANN, "press1")
        assert decided is not None
        slack.faults.status("chat.update", 503, times=3)
        carrying = asyncio.create_task(Confirming(slow.ctx).carry_out(decided))
        message = slack.workspace.messages[SWARM, ts]
        while await quick.jobs.load(job.id) is None:
            await Confirming(quick.ctx).settle_due()
            await asyncio.sleep(0.05)
        shown = len(message.history)
        (ended,) = await asyncio.gather(carrying, return_exceptions=True)
        assert isinstance(ended, LeaseLostError)
        assert message.payload["state"] == "queued"
        await eventually(lambda: len(message.history) == shown)


@pytest.mark.parametrize("gone", ["archived", "deleted"])
async def test_the_end_of_a_plan_goes_to_the_person_where_its_message_cannot_show_it(
    redis_server: RedisServer, gone: str
):
    """Once, although Slack's first answer is lost."""
    async with (
        SlackEmulator(strict=True) as slack,
        a_messenger(slack) as messenger,
        a_replica(redis_server.url, messenger, store=StoreLimits(claim_seconds=1)) as replica,
    ):
        ts = await messenger.post(SWARM, plan_message(a_plan(), PLAN, CLOCK.now() + 60))
        job = replace(a_plan(), message=ts, channel=SWARM, user=ANN)
        await replica.ctx.plans.keep(job, 60)
        if gone == "archived":
            slack.workspace.channels[SWARM].is_archived = True
        else:
            slack.workspace.delete(slack.workspace.messages[SWARM, ts])
        slack.faults.drop("chat.postMessage", after_effect=True)
        confirming = Confirming(replica.ctx)
        await confirming.cancel(job.id, BOB)
        while await replica.ctx.plans.load(job.id):
            await confirming.settle_due()
            await asyncio.sleep(0.05)
        direct = [m for m in slack.workspace.messages.values() if m.channel != SWARM]
    assert [m.payload["job_id"] for m in direct] == [job.id]
    assert "Cancelled" in direct[0].text


async def test_a_plan_whose_command_gets_no_job_any_more_is_done_with(redis_server: RedisServer):
    """Its message says so once, instead of with each look at decided plans."""
    async with (
        SlackEmulator(strict=True) as slack,
        a_messenger(slack) as messenger,
        a_replica(redis_server.url, messenger, store=StoreLimits(claim_seconds=1)) as replica,
    ):
        ts = await messenger.post(SWARM, plan_message(a_plan(), PLAN, CLOCK.now() + 60))
        job = replace(a_plan(), message=ts, channel=SWARM, user=ANN)
        await replica.ctx.plans.keep(job, 60)
        await replica.jobs.refuse(job.id)
        decided = await replica.ctx.plans.decide(job.id, Decision.CONFIRMED, ANN, "press1")
        assert decided is not None

        await Confirming(replica.ctx).carry_out(decided)

        message = slack.workspace.messages[SWARM, ts]
        assert "took too long to start" in message.shown_text
        assert await replica.ctx.plans.load(job.id) is None
        assert await replica.jobs.load(job.id) is None
