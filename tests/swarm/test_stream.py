"""The stream of all changes on a real swarm: pushed, polled, and switched between both."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from bot.domain.swarm.events import Batch, Event, EventAction, Listing
from bot.domain.swarm.model import Service, Task, TaskState
from bot.swarm.engine import DockerSwarm
from bot.swarm.event_stream.client import StreamClient
from bot.swarm.event_stream.trust import EngineTrust
from bot.swarm.push_feed import PushFeed
from bot.swarm.stream import SwarmStream
from tests.lab.swarm import Lab
from tests.lab.waiting import wait_until

SECONDS = 60.0

Told = Listing | Batch
Follow = Callable[[Path | None, int | None], AsyncGenerator[Told, None]]


@pytest.fixture
async def follow(lab: Lab) -> AsyncIterator[Follow]:
    """Followers of the lab's manager by a control socket, or by polling if it is None."""
    trust, swarm = EngineTrust(lab.manager.socket), DockerSwarm(lab.manager.socket)

    def begin(path: Path | None, cursor: int | None) -> AsyncGenerator[Told, None]:
        push = PushFeed(StreamClient(path, trust, check_seconds=1.0)) if path else None
        return SwarmStream(push, swarm, interval=0.2, retry=0.5).follow(cursor)

    yield begin
    await swarm.aclose()
    await trust.aclose()


class Reader:
    """What one follower has received so far."""

    def __init__(self, news: AsyncGenerator[Told, None]) -> None:
        self._news = news
        self.listings: list[Listing] = []
        self.events: list[Event] = []
        self.version = 0

    async def until(self, condition: Callable[[], bool]) -> None:
        """Read until the condition holds."""
        async with asyncio.timeout(SECONDS):
            while not condition():
                self._take(await anext(self._news))

    def _take(self, one: Told) -> None:
        self.version = one.version or self.version
        if isinstance(one, Listing):
            self.listings.append(one)
        else:
            self.events += one.events

    def failed(self, service: str) -> list[str]:
        """The failures of a service's tasks, each as often as it was received."""
        states = dict[str, TaskState]()
        found = []
        for event in self.events:
            task = event.object
            if isinstance(task, Task) and task.service_id == service:
                if task.state is TaskState.FAILED and states.get(task.id) is not task.state:
                    found.append(task.id)
                states[task.id] = task.state
        return found

    def course(self, service: str) -> set[tuple[str, TaskState, TaskState]]:
        """The states of a service's tasks, as received."""
        tasks = [event.object for event in self.events if isinstance(event.object, Task)]
        return {(one.id, one.state, one.desired) for one in tasks if one.service_id == service}

    def has(self, action: EventAction, object_id: str) -> bool:
        return any(e.action is action and e.object.id == object_id for e in self.events)


def fails(lab: Lab, name: str, *options: str) -> str:
    """A service whose one task fails once."""
    options = ("--restart-condition", "none", *options)
    return lab.create_service(name, "/bin/false", options=options)


@pytest.mark.parametrize("pushed", [True, False], ids=["push", "poll"])
async def test_events_follow_the_first_listing(lab: Lab, follow: Follow, pushed: bool) -> None:
    there = lab.create_service("there", "/bin/serve")
    lab.wait_running("there", 1)
    async with aclosing(follow(lab.manager.control_socket if pushed else None, None)) as news:
        reader = Reader(news)
        await reader.until(lambda: bool(reader.listings))
        (listing,) = reader.listings
        new = fails(lab, "new")
        await reader.until(lambda: bool(reader.failed(new)))
        lab.docker("node", "update", "--availability", "pause", "photon-machine-03")
        (node,) = [node for node in listing.look.nodes if node.hostname == "photon-machine-03"]
        await reader.until(lambda: reader.has(EventAction.UPDATE, node.id))
        lab.docker("service", "rm", "there")
        await reader.until(lambda: reader.has(EventAction.REMOVE, there))

    assert [service.id for service in listing.look.services] == [there]
    assert [task.state for task in listing.look.tasks] == [TaskState.RUNNING]
    assert not listing.resumed
    assert (listing.version > 0) == pushed
    event = [event for event in reader.events if event.object.id in reader.failed(new)][-1]
    assert isinstance(event.object, Task)
    assert isinstance(event.service, Service)
    assert (event.service.name, event.object.exit_code) == ("new", 1)


async def test_a_failure_replaced_between_two_polls_is_reported(lab: Lab, follow: Follow) -> None:
    async with aclosing(follow(None, None)) as news:
        reader = Reader(news)
        await reader.until(lambda: bool(reader.listings))
        crash = lab.create_service("crash", "/bin/false", options=["--restart-delay", "0s"])
        await reader.until(lambda: len(set(reader.failed(crash))) >= 4)

    assert len(reader.failed(crash)) == len(set(reader.failed(crash)))


async def test_a_follower_that_comes_back_misses_nothing(lab: Lab, follow: Follow) -> None:
    """Events during the interruption follow the listing, each once."""
    path = lab.manager.control_socket
    async with aclosing(follow(path, None)) as news:
        reader = Reader(news)
        await reader.until(lambda: bool(reader.listings))
        first = fails(lab, "first")
        await reader.until(lambda: bool(reader.failed(first)))
    missed = fails(lab, "missed")
    await asyncio.to_thread(wait_failed, lab, "missed")
    lab.docker("service", "rm", "missed")
    async with aclosing(follow(path, reader.version)) as news:
        again = Reader(news)
        last = fails(lab, "last")
        await again.until(lambda: bool(again.failed(last)))

    (listing,) = again.listings
    assert listing.resumed
    assert missed not in {service.id for service in listing.look.services}
    assert len(again.failed(missed)) == 1
    assert not reader.course(first) & again.course(first)


async def test_a_socket_that_appears_is_used(
    lab: Lab, follow: Follow, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The existing cursor is resumed: events that were polled meanwhile are pushed once more."""
    async with aclosing(follow(lab.manager.control_socket, None)) as news:
        before = Reader(news)
        await before.until(lambda: bool(before.listings))
    path = tmp_path / "control.sock"
    async with aclosing(follow(path, before.version)) as news:
        reader = Reader(news)
        polled = fails(lab, "polled")
        await reader.until(lambda: bool(reader.failed(polled)))
        path.symlink_to(lab.manager.control_socket)
        await reader.until(lambda: len(reader.listings) == 2)
        pushed = fails(lab, "pushed")
        await reader.until(lambda: bool(reader.failed(pushed)))

    assert [(one.resumed, one.version > 0) for one in reader.listings] == [
        (False, False),
        (True, True),
    ]
    (warning,) = [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert "Mount the folder /var/run/docker/swarm" in warning.getMessage()


async def test_a_version_of_another_swarm_gives_a_new_listing(
    lab: Lab, follow: Follow, caplog: pytest.LogCaptureFixture
) -> None:
    async with aclosing(follow(lab.manager.control_socket, 1_000_000_000)) as news:
        reader = Reader(news)
        await reader.until(lambda: bool(reader.listings))

    assert not reader.listings[0].resumed
    assert 0 < reader.version < 1_000_000_000
    assert "reading everything again" in caplog.text


@pytest.mark.parametrize("pushed", [True, False], ids=["push", "poll"])
async def test_the_stream_waits_for_an_unreachable_engine(
    lab: Lab, follow: Follow, pushed: bool
) -> None:
    node = lab.manager
    async with aclosing(follow(node.control_socket if pushed else None, None)) as news:
        reader = Reader(news)
        await reader.until(lambda: bool(reader.listings))
        await asyncio.to_thread(lab.stop_node, node)
        await asyncio.to_thread(lab.wait_node_state, node, "down")
        missed = fails(lab, "missed", "--constraint", f"node.hostname!={node.name}")
        await asyncio.to_thread(wait_failed, lab, "missed")
        await asyncio.to_thread(lab.start_node, node)
        await reader.until(lambda: bool(reader.failed(missed)))

    assert len(reader.failed(missed)) == 1
    assert len(reader.listings) == 1


def wait_failed(lab: Lab, service: str) -> None:
    """Return when a task of the service has failed."""

    def failed() -> bool:
        tasks = lab.client().tasks(filters={"service": [service]})
        return any(task["Status"]["State"] == "failed" for task in tasks)

    wait_until(failed, f"a failed task of {service}")
