"""The push feed on real control sockets: the contract of all feeds, and its own behaviour."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.swarm.model import TaskState
from bot.ports import Feed
from bot.swarm.engine import DockerSwarm
from bot.swarm.event_stream.client import StreamClient
from bot.swarm.event_stream.trust import EngineTrust
from bot.swarm.fallback_feed import FallbackFeed
from bot.swarm.poll_feed import PollFeed
from bot.swarm.push_feed import PushFeed
from tests.contract.feed_contract import FeedContract, collect, status_with, tasks_in
from tests.lab.swarm import Lab


@pytest.fixture
async def trust(lab: Lab) -> AsyncIterator[EngineTrust]:
    trust = EngineTrust(lab.manager.socket)
    yield trust
    await trust.aclose()


@pytest.fixture
async def poll(lab: Lab) -> AsyncIterator[PollFeed]:
    swarm = DockerSwarm(lab.manager.socket)
    yield PollFeed(swarm)
    await swarm.aclose()


class TestPushFeed(FeedContract):
    """The contract, with push."""

    @pytest.fixture
    def feed(self, lab: Lab, trust: EngineTrust) -> Feed:
        return PushFeed(StreamClient(lab.manager.control_socket, trust))

    def test_its_status_says_that_it_is_pushed(self, feed: Feed) -> None:
        assert (feed.status().kind, feed.status().lag) == ("push", 0.0)


async def test_it_polls_until_there_is_a_socket(
    lab: Lab,
    trust: EngineTrust,
    poll: PollFeed,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One warning says how to mount the socket; the subscription stays the same all the time."""
    mounted = tmp_path / "control.sock"
    feed = FallbackFeed(PushFeed(StreamClient(mounted, trust)), poll)
    service = lab.create_service("web", "/bin/serve")
    async with feed.subscribe(frozenset({service})) as changes:
        assert feed.status().kind == "poll"
        lab.docker("service", "scale", "--detach", "web=2")
        await collect(changes, lambda found: bool(tasks_in(found, TaskState.RUNNING)))
        polled = feed.status()
        await asyncio.sleep(1)

        mounted.symlink_to(lab.manager.control_socket)
        pushed = await status_with(feed, lambda status: status.kind == "push")
        lab.docker("service", "scale", "--detach", "web=4")
        await collect(changes, lambda found: len(tasks_in(found, TaskState.RUNNING)) >= 2)

    assert (pushed.lag, pushed.trouble) == (0.0, "")
    assert polled.trouble == f"There is no engine control socket at {mounted}."
    (warning,) = [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert f"no engine control socket at {mounted}" in warning.getMessage()
    assert "Mount the folder /var/run/docker/swarm" in warning.getMessage()


async def test_a_hanging_engine_is_detected(lab: Lab, trust: EngineTrust) -> None:
    """Its connection stays open but delivers nothing: only a check detects that."""
    client = StreamClient(lab.manager.control_socket, trust, check_seconds=0.5)
    feed = PushFeed(client, silence=0.5)
    feed.start()
    await asyncio.wait_for(feed.up.wait(), 10)
    os.kill(lab.manager.pid, signal.SIGSTOP)
    try:
        hangs = await status_with(feed, lambda status: bool(status.trouble))
    finally:
        os.kill(lab.manager.pid, signal.SIGCONT)
    well = await status_with(feed, lambda status: not status.trouble)
    await feed.aclose()

    assert "did not answer in time" in hangs.trouble
    assert hangs.lag > 0.5
    assert well.lag == 0.0


async def test_a_lost_leader_is_reported_and_survived(lab: Lab, trust: EngineTrust) -> None:
    """The feed of another manager reports it and delivers what happens afterwards."""
    leader = lab.leader
    other = next(node for node in lab.nodes if node is not leader)
    own = EngineTrust(other.socket)
    feed = PushFeed(StreamClient(other.control_socket, own, check_seconds=0.5))
    service = lab.create_service("web", "/bin/serve")
    lab.wait_running("web", 1)
    async with feed.subscribe(frozenset({service})) as changes:
        lab.stop_node(leader)
        await status_with(feed, lambda status: bool(status.trouble))
        await status_with(feed, lambda status: not status.trouble)
        lab.docker("service", "scale", "--detach", "web=3", node=other)
        await collect(changes, lambda found: bool(tasks_in(found, TaskState.RUNNING)))
    await own.aclose()
