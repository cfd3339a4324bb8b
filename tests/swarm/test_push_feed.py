"""The push feed keeps the contract of all feeds, and what is its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.ports import Feed
from bot.swarm.engine import DockerSwarm
from bot.swarm.fallback_feed import FallbackFeed
from bot.swarm.poll_feed import PollFeed
from bot.swarm.push_feed import PushFeed
from bot.swarm.watch.client import WatchClient
from bot.swarm.watch.trust import EngineTrust
from tests.contract.feed_contract import FeedContract
from tests.lab.node import Node
from tests.lab.swarm import Lab


def client_of(node: Node) -> WatchClient:
    """A client of a node's control socket."""
    return WatchClient(node.control_socket, EngineTrust(node.socket))


class TestPushFeed(FeedContract):
    """The contract, kept by push."""

    @pytest.fixture
    async def feed(self, lab: Lab) -> AsyncIterator[Feed]:
        trust = EngineTrust(lab.manager.socket)
        yield PushFeed(WatchClient(lab.manager.control_socket, trust))
        await trust.aclose()

    def test_it_says_that_it_is_pushed(self, feed: Feed) -> None:
        assert (feed.status().kind, feed.status().lag) == ("push", 0.0)


class TestFallbackFeed(FeedContract):
    """The contract, kept by both feeds together where there is a control socket."""

    @pytest.fixture
    async def feed(self, lab: Lab) -> AsyncIterator[Feed]:
        trust, swarm = EngineTrust(lab.manager.socket), DockerSwarm(lab.manager.socket)
        push = PushFeed(WatchClient(lab.manager.control_socket, trust))
        yield FallbackFeed(push, PollFeed(swarm))
        await trust.aclose()
        await swarm.aclose()


class TestFallbackFeedWithoutASocket(FeedContract):
    """The contract, kept by both feeds together where there is no control socket."""

    @pytest.fixture
    async def feed(self, lab: Lab) -> AsyncIterator[Feed]:
        trust, swarm = EngineTrust(lab.manager.socket), DockerSwarm(lab.manager.socket)
        nowhere = lab.site.folder / "nowhere" / "control.sock"
        feed = FallbackFeed(PushFeed(WatchClient(nowhere, trust)), PollFeed(swarm))
        yield feed
        await trust.aclose()
        await swarm.aclose()
