"""The removal of a stack is confirmed only with its name, typed into the plan's message."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bot.domain.deploys.version import Version
from bot.domain.errors import RefusedError
from bot.domain.jobs.deploy_plan import Kind
from bot.domain.jobs.model import REMOVAL, Job, PendingCommand, new_job_id
from bot.domain.jobs.verdict import Verdict
from bot.domain.operations.stack_removal import StackContents, StackPart, plan_of, targets_of
from bot.jobs.confirmation import Confirming
from bot.ports import Request
from bot.slack.requests import press_request
from bot.store.connection import RedisLink
from bot.store.versions import RedisVersions
from bot.views.jobs.proposal import proposal
from handlers.deploy import DeployHandler
from handlers.rollback import StackBack
from playground.slack import Message, SlackEmulator
from tests.contract.job_kit import a_job
from tests.contract.replica_kit import CLOCK, Replica, a_replica
from tests.contract.slack_side import ANN, MODES, SWARM, a_messenger, connected
from tests.lab.redis import RedisServer

PLAN = plan_of(StackContents("shop", (StackPart(Kind.SERVICE, "s1", "shop_web", 2),)))


def a_removal() -> Job:
    """A removal that waits for its confirmation."""
    job = replace(a_job("shop_web"), action=REMOVAL, stack="shop", plan=PLAN)
    return replace(job, targets=targets_of(PLAN), channel=SWARM, user=ANN)


def filled(message: Message, typed: str | None) -> dict[str, Any]:
    """Slack's `state.values` when this was typed into the message's only field."""
    (block,) = (each for each in message.blocks if each["type"] == "input")
    element = block["element"]
    value = {"type": element["type"], "value": typed}
    return {block["block_id"]: {element["action_id"]: value}}


@dataclass
class Side:
    """A plan's message, and a replica that may start its job."""

    slack: SlackEmulator
    replica: Replica
    message: Message
    job: Job
    redis: RedisLink

    async def press(self, values: dict[str, Any] | None) -> None:
        """What a press of *Remove* does; ``values`` as filled in, None for nothing."""
        delivery = await self.slack.press(self.message, "job.confirm", values=values)
        await self.confirm(press_request(delivery.payload))

    async def confirm(self, request: Request) -> None:
        """What the bot does with a press."""
        pending = PendingCommand(
            new_job_id(), request.key, request.action_id, request.value, request.user,
            request.channel, request.reply_url, CLOCK.now(), typed=request.typed,
        )  # fmt: skip
        await self.replica.jobs.accept(pending)
        await Confirming(self.replica.ctx).confirm(pending, request.value)


@asynccontextmanager
async def a_side(redis_url: str) -> AsyncIterator[Side]:
    async with (
        SlackEmulator(strict=True) as slack,
        a_messenger(slack) as messenger,
        a_replica(redis_url, messenger) as replica,
    ):
        job = a_removal()
        ts = await messenger.post(SWARM, proposal(job, CLOCK.now() + 60))
        job = replace(job, message=ts)
        await replica.ctx.plans.keep(job, 60)
        link = RedisLink(redis_url)
        yield Side(slack, replica, slack.workspace.messages[SWARM, ts], job, link)
        await link.aclose()


async def test_without_the_name_the_plan_still_waits(redis_server: RedisServer):
    """Nothing typed, another name, and a press without any state; then the right name."""
    async with a_side(redis_server.url) as side:
        for values, why in (
            (None, "was not typed"),
            (filled(side.message, None), "was not typed"),
            (filled(side.message, "blog"), "not the name of the stack `shop`"),
        ):
            with pytest.raises(RefusedError, match=why):
                await side.press(values)
        forged = Request("key", ANN, SWARM, action_id="job.confirm", value=side.job.id)
        with pytest.raises(RefusedError, match="was not typed"):
            await side.confirm(forged)
        assert await side.replica.ctx.plans.load(side.job.id) is not None
        assert await side.replica.jobs.load(side.job.id) is None

        await side.press(filled(side.message, "shop"))

        job = await side.replica.jobs.load(side.job.id)
        assert job is not None
        assert job.confirmed_by == ANN
        assert job.lanes == ("stack:shop", "shop_web")


async def test_a_lost_replicas_press_is_confirmed_by_what_was_typed(redis_server: RedisServer):
    """What was typed is kept with the press."""
    async with a_side(redis_server.url) as side:
        pending = PendingCommand(
            "aaaaaa", "key", "job.confirm", side.job.id, ANN, SWARM, "", CLOCK.now(), typed="shop"
        )
        await side.replica.jobs.accept(pending)
        (kept,) = await side.replica.jobs.abandoned_commands(-1.0)

        assert kept == pending


async def test_a_button_of_a_deploy_before_the_removal_is_stale(redis_server: RedisServer):
    """It says that the stack was removed, and how to bring it back."""
    async with a_side(redis_server.url) as side:
        ctx = side.replica.ctx
        gone = Version("shop", "bbbbbb", ANN, 1.0, Verdict.CONVERGED, "", {}, {}, removed=True)
        await RedisVersions(side.redis).note(gone)
        pending = PendingCommand("aaaaaa", "key", "job.rollback", "x", ANN, SWARM, "", CLOCK.now())
        back = StackBack(ctx, DeployHandler(ctx, Confirming(ctx)))

        with pytest.raises(RefusedError, match="Stack `shop` was removed since") as refused:
            await back.press(pending, replace(side.job, action="deploy"))

        assert refused.value.hint == "To bring it back: `/orochi rollback shop/`"


@pytest.mark.parametrize("mode", MODES)
async def test_what_is_typed_arrives_with_the_press(mode: str):
    """In both modes; a state of an unknown shape is no text."""
    async with connected(mode) as side:
        ts = await side.messenger.post(SWARM, proposal(a_removal(), CLOCK.now() + 60))
        message = side.slack.workspace.messages[SWARM, ts]
        delivery = await side.slack.press(message, "job.confirm", values=filled(message, "shop"))

    assert [request.typed for request in side.pressed.requests] == ["shop"]
    odd: list[Any] = [None, [], {"values": []}, {"values": {"a": 1}}, {"values": {"a": {"b": 1}}}]
    for state in odd:
        assert press_request({**delivery.payload, "state": state}).typed == ""
