"""The polling feed: the contract of all feeds, and its own behaviour."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.ports import Feed
from bot.swarm.engine import DockerSwarm
from bot.swarm.poll_feed import PollFeed
from tests.contract.feed_contract import FeedContract
from tests.lab.swarm import Lab


class TestPollFeed(FeedContract):
    """The contract, with polling."""

    @pytest.fixture
    async def feed(self, lab: Lab) -> AsyncIterator[Feed]:
        swarm = DockerSwarm(lab.manager.socket)
        yield PollFeed(swarm)
        await swarm.aclose()

    def test_its_status_says_that_it_polls(self, feed: Feed) -> None:
        assert (feed.status().kind, feed.status().lag) == ("poll", 0.0)
