"""A confirmed plan becomes one job, and its message never goes back to an earlier state."""

from __future__ import annotations

import asyncio
from dataclasses import replace

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
