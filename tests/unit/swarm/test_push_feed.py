"""The push feed over streams that the test gives: what it reports, and when it gives up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

import pytest

from bot.domain.errors import SwarmError
from bot.domain.swarm.events import Batch, Event, EventAction
from bot.domain.swarm.model import Availability, Mode, Node, NodeState, Service, Task, TaskState
from bot.ports import FeedChange, FeedStatus
from bot.swarm.fallback_feed import FallbackFeed
from bot.swarm.poll_feed import Mailbox
from bot.swarm.push_feed import PushFeed
from tests.unit.swarm.managers import COMPACTED, GONE, LAGS, MISSING, UP, Hands, Manager, eventually

WEB = Service("web", "web", 1, Mode.REPLICATED, 1)


class Polled:
    """A polling feed; ``mailboxes`` are the open ones."""

    def __init__(self) -> None:
        self.mailboxes: list[Mailbox] = []

    @asynccontextmanager
    async def subscribe(self, service_ids: frozenset[str]) -> AsyncIterator[Mailbox]:
        mailbox = Mailbox(service_ids)
        self.mailboxes.append(mailbox)
        yield mailbox
        self.mailboxes.remove(mailbox)

    def status(self) -> FeedStatus:
        return FeedStatus("poll", 0.25)


@pytest.fixture
def manager() -> Manager:
    return Manager()


def a_task(task_id: str = "t1", service: str = "web") -> Task:
    return Task(task_id, service, 1, "n1", TaskState.FAILED, TaskState.RUNNING)


def news(
    *objects: Task | Service | Node, version: int, action: EventAction = EventAction.UPDATE
) -> Batch:
    return Batch(tuple(Event(action, one) for one in objects), version)


async def test_each_change_reaches_the_subscribers_of_its_service(manager: Manager) -> None:
    feed = PushFeed(manager)
    manager.says(UP)
    async with feed.subscribe(frozenset({"web"})) as ours, feed.subscribe(frozenset({"db"})) as db:
        manager.says(news(a_task(), WEB, version=8))
        assert await ours.wait(5) == (FeedChange("web", a_task()), FeedChange("web"))
        assert await db.wait(0) == ()


async def test_a_removed_task_is_a_hint(manager: Manager) -> None:
    feed = PushFeed(manager)
    manager.says(UP)
    async with feed.subscribe(frozenset({"web"})) as ours:
        manager.says(news(a_task(), version=8, action=EventAction.REMOVE))
        assert await ours.wait(5) == (FeedChange("web"),)


async def test_a_node_is_a_hint_when_it_changed(manager: Manager) -> None:
    """A node that was only written again without a change is no hint."""
    feed = PushFeed(manager)
    node = Node("n1", "one")
    manager.says(UP)
    async with feed.subscribe(frozenset({"web", "db"})) as ours:
        manager.says(news(node, version=8))
        assert await ours.wait(5) == (FeedChange("db"), FeedChange("web"))
        manager.says(news(node, version=9), news(a_task(), version=10))
        assert await ours.wait(5) == (FeedChange("web", a_task()),)
        manager.says(news(Node("n1", "one", NodeState.DOWN), version=11))
        assert len(await ours.wait(5)) == 2
        paused = Node("n1", "one", NodeState.DOWN, Availability.PAUSE)
        manager.says(news(paused, version=12))
        assert len(await ours.wait(5)) == 2


async def test_a_broken_stream_is_resumed_and_all_subscribers_look_again(manager: Manager) -> None:
    feed = PushFeed(manager)
    manager.says(UP)
    async with feed.subscribe(frozenset({"web"})) as ours:
        manager.says(
            news(a_task("t1"), version=8), GONE, Batch((), 8), news(a_task("t2"), version=9)
        )
        heard: list[FeedChange] = []
        while len(heard) < 3:
            heard += await ours.wait(5)

    assert heard == [
        FeedChange("web", a_task("t1")),
        FeedChange("web"),
        FeedChange("web", a_task("t2")),
    ]
    assert manager.asked == [None, 8]


async def test_a_stream_that_cannot_be_resumed_starts_again(manager: Manager) -> None:
    feed = PushFeed(manager)
    manager.says(UP)
    async with feed.subscribe(frozenset({"web"})) as ours:
        manager.says(GONE, COMPACTED, UP)
        assert await ours.wait(5) == (FeedChange("web"),)

    assert manager.asked == [None, 7, None]


async def test_the_stream_ends_with_the_last_subscription(manager: Manager) -> None:
    feed = PushFeed(manager)
    manager.says(UP)
    async with feed.subscribe(frozenset({"web"})):
        assert feed.up.is_set()
    assert not feed.up.is_set()
    manager.says(UP)
    async with feed.subscribe(frozenset({"web"})):
        assert manager.asked == [None, None]


async def test_a_stream_that_ends_slowly_does_not_disturb_the_next(manager: Manager) -> None:
    feed = PushFeed(manager)
    manager.says(UP)
    async with AsyncExitStack() as first:
        await first.enter_async_context(feed.subscribe(frozenset({"web"})))
        manager.may_end.clear()
        ending = asyncio.create_task(first.pop_all().aclose())
    await eventually(lambda: not feed.up.is_set())
    manager.says(UP)
    async with feed.subscribe(frozenset({"web"})) as ours:
        manager.may_end.set()
        await ending
        assert feed.up.is_set()
        manager.says(news(a_task(), version=8))
        assert await ours.wait(5) == (FeedChange("web", a_task()),)


async def test_a_started_feed_stays_open_until_it_is_closed(manager: Manager) -> None:
    feed = PushFeed(manager)
    manager.says(UP)
    feed.start()
    async with feed.subscribe(frozenset({"web"})):
        pass
    assert feed.up.is_set()
    await feed.aclose()
    assert not feed.up.is_set()
    assert manager.asked == [None]


async def test_the_lag_is_zero_while_the_manager_sends(manager: Manager) -> None:
    """It grows once the manager has been silent for longer than allowed."""
    clock = Hands()
    feed = PushFeed(manager, silence=5.0, clock=clock)
    assert feed.status() == FeedStatus("push", 0.0)
    manager.says(UP)
    feed.start()
    await asyncio.wait_for(feed.up.wait(), 5)
    clock.now += 4
    assert feed.status() == FeedStatus("push", 0.0)
    clock.now += 3
    assert feed.status() == FeedStatus("push", 2.0)
    await feed.aclose()


async def test_a_lost_stream_has_a_lag_and_a_reason(manager: Manager) -> None:
    clock = Hands()
    feed = PushFeed(manager, grace=15.0, clock=clock)
    manager.says(UP)
    feed.start()
    await asyncio.wait_for(feed.up.wait(), 5)
    manager.says(MISSING)
    await eventually(lambda: bool(feed.status().trouble))
    clock.now += 3
    assert feed.status() == FeedStatus("push", 3.0, "There is no control socket.")
    assert not feed.down.is_set(), "an engine that restarts has no control socket for a while"
    clock.now += 15
    manager.says(MISSING)
    await asyncio.wait_for(feed.down.wait(), 5)
    await feed.aclose()


async def test_without_a_socket_it_polls_with_one_warning(
    manager: Manager, caplog: pytest.LogCaptureFixture
) -> None:
    poll = Polled()
    feed = FallbackFeed(PushFeed(manager), poll)
    manager.says(MISSING, MISSING)
    async with feed.subscribe(frozenset({"web"})) as ours:
        (polled,) = poll.mailboxes
        polled.put((FeedChange("web", a_task()),))
        assert await ours.wait(5) == (FeedChange("web", a_task()),)
        status = feed.status()
        await eventually(lambda: len(manager.asked) >= 3)

    assert status == FeedStatus("poll", 0.25, "There is no control socket.")
    (warning,) = [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert "no control socket" in warning.getMessage()
    assert "Mount the folder" in warning.getMessage()


async def test_a_socket_that_comes_back_is_used_again(manager: Manager) -> None:
    """The subscription stays; its holder looks again, because changes may have been missed."""
    poll = Polled()
    feed = FallbackFeed(PushFeed(manager), poll)
    manager.says(MISSING)
    async with feed.subscribe(frozenset({"web"})) as ours:
        assert len(poll.mailboxes) == 1
        manager.says(UP)
        assert await ours.wait(5) == (FeedChange("web"),)
        manager.says(news(a_task(), version=8))
        assert await ours.wait(5) == (FeedChange("web", a_task()),)
        await eventually(lambda: not poll.mailboxes)
        assert feed.status() == FeedStatus("push", 0.0)


async def test_it_polls_when_the_socket_is_lost_for_long(manager: Manager) -> None:
    poll, clock = Polled(), Hands()
    feed = FallbackFeed(PushFeed(manager, grace=15.0, clock=clock), poll)
    manager.says(UP)
    async with feed.subscribe(frozenset({"web"})) as ours:
        assert poll.mailboxes == []
        clock.now += 16
        manager.says(GONE)
        assert await ours.wait(5) == (FeedChange("web"),)
        assert len(poll.mailboxes) == 1
        assert feed.status().kind == "poll"


async def test_events_continue_where_they_were_interrupted(manager: Manager) -> None:
    manager.says(Batch((), 7), news(WEB, version=8), GONE, LAGS, Batch((), 8), news(WEB, version=9))
    async with aclosing(PushFeed(manager).events(7)) as batches:
        versions = [(await anext(batches)).version for _ in range(4)]

    assert versions == [7, 8, 8, 9]
    assert manager.asked == [7, 8, 8]


async def test_events_without_a_cursor_begin_now(manager: Manager) -> None:
    manager.says(UP)
    async with aclosing(PushFeed(manager).events(0)) as batches:
        assert await anext(batches) == UP
    assert manager.asked == [None]


@pytest.mark.parametrize("error", [MISSING, COMPACTED])
async def test_unavailable_events_are_an_error(manager: Manager, error: SwarmError) -> None:
    manager.says(error)
    async with aclosing(PushFeed(manager).events(7)) as batches:
        with pytest.raises(type(error)):
            await anext(batches)


async def test_a_manager_that_was_away_for_long_is_given_time_to_catch_up(
    manager: Manager,
) -> None:
    clock = Hands()
    manager.says(UP, GONE)
    async with aclosing(PushFeed(manager, clock=clock).events(7)) as batches:
        await anext(batches)
        following = asyncio.ensure_future(anext(batches))
        await eventually(lambda: len(manager.asked) >= 2)
        clock.now += 20
        manager.says(LAGS)
        await eventually(lambda: len(manager.asked) >= 3)
        clock.now += 9
        manager.says(LAGS, Batch((), 7))
        assert await asyncio.wait_for(following, 5) == Batch((), 7)


@pytest.mark.parametrize(("error", "patience"), [(LAGS, 10.0), (GONE, 15.0), (MISSING, 15.0)])
async def test_waiting_for_events_times_out(
    manager: Manager, error: SwarmError, patience: float
) -> None:
    clock = Hands()
    manager.says(UP, error)
    async with aclosing(PushFeed(manager, grace=15.0, clock=clock).events(7)) as batches:
        assert await anext(batches) == UP
        following = asyncio.ensure_future(anext(batches))
        await eventually(lambda: len(manager.asked) >= 2)
        clock.now += patience + 1
        manager.says(error)
        with pytest.raises(type(error)):
            await asyncio.wait_for(following, 5)
