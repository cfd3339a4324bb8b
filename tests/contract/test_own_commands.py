"""What the bot begins by itself: once, and its answers are for the channel."""

from __future__ import annotations

import asyncio

from playground.slack import SlackEmulator
from tests.contract.replica_kit import a_replica
from tests.contract.slack_side import SWARM, a_messenger
from tests.lab.redis import RedisServer


async def test_an_update_that_nobody_typed_is_begun_once_and_answered_in_the_channel(
    redis_server: RedisServer,
):
    """The engine is away, so it is refused."""
    async with (
        SlackEmulator(strict=True) as slack,
        a_messenger(slack) as messenger,
        a_replica(redis_server.url, messenger) as one,
        a_replica(redis_server.url, messenger) as other,
    ):
        await asyncio.gather(
            *(
                each.router.begin_own("image:s:b", "image.update", "orochi_web", SWARM)
                for each in (one, other, one)
            )
        )
        message = await slack.wait_for_message(lambda m: m.channel == SWARM, timeout=60)
        await asyncio.gather(*(each.ctx.background.drain(30.0) for each in (one, other)))

        assert "ngine" in message.shown_text
        assert "Nothing was changed." in message.shown_text
        assert len(slack.workspace.in_channel(SWARM)) == 1
        assert await one.jobs.active() == ()
