"""The whole stream over sources that the test gives: its order, and switching between sources."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

import pytest

from bot.domain.errors import SwarmError, SwarmUnavailableError
from bot.domain.swarm.events import Batch, Event, EventAction, Listing
from bot.domain.swarm.model import Mode, Node, NodeState, Service, StackLook, Task, TaskState
from bot.swarm.differences import events_between
from bot.swarm.push_feed import PushFeed
from bot.swarm.stream import SwarmStream
from tests.unit.swarm.managers import COMPACTED, GONE, LAGS, MISSING, UP, Hands, Manager, eventually

WEB = Service("web", "web", 1, Mode.REPLICATED, 1)
DB = Service("db", "db", 1, Mode.REPLICATED, 1)
RUNS = Task("t1", "web", 1, "n1", TaskState.RUNNING, TaskState.RUNNING)
FAILED = replace(RUNS, state=TaskState.FAILED, exit_code=3)
NODE = Node("n1", "photon-machine-01", manager="leader")
AWAY = SwarmUnavailableError("The engine does not answer.")
SECONDS = 5.0

Told = AsyncGenerator[Listing | Batch, None]


def a_look(*tasks: Task, services: tuple[Service, ...] = (WEB,), node: Node = NODE) -> StackLook:
    return StackLook(0.0, "", services, tasks, (node,))


def told(*events: Event, version: int) -> Batch:
    return Batch(events, version)


CHANGED = Event(EventAction.UPDATE, FAILED, WEB)


class Swarm:
    """Returns the look in ``now``, which the test sets; ``looks`` counts the calls."""

    def __init__(self, now: StackLook | Exception) -> None:
        self.now = now
        self.looks = {"stack": 0, "whole": 0}

    async def stack_look(self, stack: str) -> StackLook:
        assert stack == ""
        return self._look("stack")

    async def whole_look(self) -> StackLook:
        return self._look("whole")

    def _look(self, kind: str) -> StackLook:
        self.looks[kind] += 1
        if isinstance(self.now, Exception):
            raise self.now
        return self.now


@pytest.fixture
def manager() -> Manager:
    return Manager()


@pytest.fixture
def swarm() -> Swarm:
    return Swarm(a_look(RUNS))


@asynccontextmanager
async def following(
    manager: Manager | None, swarm: Swarm, cursor: int | None = None, *, clock: Hands | None = None
) -> AsyncIterator[Told]:
    """A follower that polls quickly and retries push at once."""
    push = PushFeed(manager, clock=clock or Hands()) if manager else None
    stream = SwarmStream(push, swarm, interval=0.001, retry=0.001)
    async with asyncio.timeout(SECONDS), aclosing(stream.follow(cursor)) as news:
        yield news


async def news_of(news: Told) -> Batch:
    """The next batch that has events."""
    async for one in news:
        if isinstance(one, Batch) and one.events:
            return one
    raise AssertionError("the stream ended")


async def listing_of(news: Told) -> Listing:
    """The next listing."""
    async for one in news:
        if isinstance(one, Listing):
            return one
    raise AssertionError("the stream ended")


async def test_a_listing_comes_first_then_pushed_events(manager: Manager, swarm: Swarm) -> None:
    manager.says(UP, told(CHANGED, version=8))
    async with following(manager, swarm) as news:
        assert await anext(news) == Listing(a_look(RUNS), 7, resumed=False)
        assert await anext(news) == told(CHANGED, version=8)
    assert manager.asked == [None]


class _Watched(StackLook):
    """A look with weak references."""


async def test_the_first_look_is_not_kept(manager: Manager, swarm: Swarm) -> None:
    """It has ten thousand tasks, and the watcher follows the stream for weeks."""
    swarm.now = _Watched(0.0, "", (WEB,), (RUNS,), (NODE,))
    seen = weakref.ref(swarm.now)
    manager.says(UP, told(CHANGED, version=8), told(CHANGED, version=9))
    async with following(manager, swarm) as news:
        await listing_of(news)
        swarm.now = a_look(RUNS)
        await news_of(news)
        await news_of(news)
        assert seen() is None


async def test_a_cursor_is_resumed(manager: Manager, swarm: Swarm) -> None:
    manager.says(Batch((), 5), told(CHANGED, version=6))
    async with following(manager, swarm, 5) as news:
        assert await anext(news) == Listing(a_look(RUNS), 5, resumed=True)
        assert await anext(news) == told(CHANGED, version=6)
    assert manager.asked == [5]


async def test_the_listing_is_read_when_the_stream_is_connected(
    manager: Manager, swarm: Swarm
) -> None:
    async with following(manager, swarm) as news:
        first = asyncio.ensure_future(anext(news))
        await eventually(lambda: manager.asked == [None])
        assert swarm.looks["stack"] == 0
        manager.says(UP)
        await first
        assert swarm.looks["stack"] == 1


async def test_an_interrupted_push_is_resumed_without_a_listing(
    manager: Manager, swarm: Swarm
) -> None:
    manager.says(UP, told(CHANGED, version=8), GONE, Batch((), 8), told(CHANGED, version=9))
    async with following(manager, swarm) as news:
        assert isinstance(await anext(news), Listing)
        versions = [one.version for one in [await anext(news) for _ in range(3)]]
    assert versions == [8, 8, 9]
    assert manager.asked == [None, 8]


@pytest.mark.parametrize(
    ("lost", "word"), [(COMPACTED, "compacted"), (LAGS, "lags")], ids=["compacted", "ahead"]
)
async def test_a_lost_position_is_reported_and_gives_a_new_listing(
    manager: Manager, swarm: Swarm, caplog: pytest.LogCaptureFixture, lost: SwarmError, word: str
) -> None:
    clock = Hands()
    async with following(manager, swarm, 5, clock=clock) as news:
        first = asyncio.ensure_future(anext(news))
        await eventually(lambda: manager.asked == [5])
        if lost is LAGS:
            manager.says(LAGS)
            await eventually(lambda: manager.asked == [5, 5])
        clock.now += 11
        manager.says(lost, UP)
        assert await first == Listing(a_look(RUNS), 7, resumed=False)
    assert manager.asked[-2:] == [5, None]
    (said,) = [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]
    assert word in said
    assert "from version 5" in said
    assert "reading everything again" in said


async def test_a_position_lost_later_gives_another_listing(manager: Manager, swarm: Swarm) -> None:
    manager.says(UP, told(CHANGED, version=8), GONE, COMPACTED, Batch((), 20))
    async with following(manager, swarm) as news:
        assert [one.version for one in [await anext(news) for _ in range(2)]] == [7, 8]
        assert await anext(news) == Listing(a_look(RUNS), 20, resumed=False)
    assert manager.asked == [None, 8, None]


async def test_without_a_socket_it_polls_with_one_warning(
    manager: Manager, swarm: Swarm, caplog: pytest.LogCaptureFixture
) -> None:
    manager.says(MISSING, MISSING, MISSING)
    async with following(manager, swarm, 5) as news:
        assert await anext(news) == Listing(a_look(RUNS), 0, resumed=False)
        swarm.now = a_look(FAILED)
        assert await news_of(news) == told(CHANGED, version=0)
        while len(manager.asked) < 3:
            await anext(news)
    (said,) = [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]
    assert "no control socket" in said
    assert "Mount the folder" in said
    assert manager.asked[:3] == [5, 5, 5]


async def test_a_socket_that_appears_is_used_and_resumed(manager: Manager, swarm: Swarm) -> None:
    manager.says(MISSING, Batch((), 5), Batch((), 5), told(CHANGED, version=6))
    async with following(manager, swarm, 5) as news:
        assert await anext(news) == Listing(a_look(RUNS), 0, resumed=False)
        assert await listing_of(news) == Listing(a_look(RUNS), 5, resumed=True)
        assert await anext(news) == told(CHANGED, version=6)


async def test_a_socket_that_appears_without_a_cursor_starts_again(
    manager: Manager, swarm: Swarm
) -> None:
    manager.says(MISSING, UP, UP)
    async with following(manager, swarm) as news:
        await anext(news)
        assert await listing_of(news) == Listing(a_look(RUNS), 7, resumed=False)


async def test_a_lost_position_is_reported_when_the_socket_appears(
    manager: Manager, swarm: Swarm, caplog: pytest.LogCaptureFixture
) -> None:
    manager.says(MISSING, COMPACTED, Batch((), 20))
    async with following(manager, swarm, 5) as news:
        await anext(news)
        assert await listing_of(news) == Listing(a_look(RUNS), 20, resumed=False)
    assert "from version 5" in caplog.text


async def test_a_socket_that_is_lost_for_long_is_polled_and_resumed(
    manager: Manager, swarm: Swarm
) -> None:
    clock = Hands()
    manager.says(UP, told(CHANGED, version=8))
    async with following(manager, swarm, clock=clock) as news:
        for _ in range(2):
            await anext(news)
        polled = asyncio.ensure_future(anext(news))
        manager.says(GONE)
        await eventually(lambda: manager.asked == [None, 8])
        clock.now += 31
        manager.says(GONE)
        assert await polled == Listing(a_look(RUNS), 0, resumed=False)
        manager.says(Batch((), 8), Batch((), 8), told(CHANGED, version=9))
        assert await listing_of(news) == Listing(a_look(RUNS), 8, resumed=True)
        assert await anext(news) == told(CHANGED, version=9)


async def test_only_polling_if_push_is_disabled(swarm: Swarm) -> None:
    async with following(None, swarm, 5) as news:
        assert await anext(news) == Listing(a_look(RUNS), 0, resumed=False)
        assert await anext(news) == Batch((), 0)
        swarm.now = a_look(FAILED)
        assert await news_of(news) == told(CHANGED, version=0)


@pytest.mark.parametrize("error", [AWAY, RuntimeError("a bug")])
async def test_it_waits_for_an_unreachable_swarm_with_one_warning(
    swarm: Swarm, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    swarm.now = error
    async with following(None, swarm) as news:
        first = asyncio.ensure_future(anext(news))
        await eventually(lambda: swarm.looks["whole"] >= 3)
        swarm.now = a_look(RUNS)
        assert await first == Listing(a_look(RUNS), 0, resumed=False)
    warnings = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert len(warnings) == 1


async def test_when_the_swarm_is_back_push_is_tried_before_polling(
    manager: Manager, swarm: Swarm
) -> None:
    swarm.now = AWAY
    manager.says(MISSING)
    push = PushFeed(manager)
    async with asyncio.timeout(SECONDS):
        async with aclosing(SwarmStream(push, swarm).follow(5)) as news:
            first = asyncio.ensure_future(anext(news))
            await eventually(lambda: len(manager.asked) == 2)
            swarm.now = a_look(RUNS)
            manager.says(Batch((), 5))
            assert await first == Listing(a_look(RUNS), 5, resumed=True)


async def test_a_failed_look_during_push_is_repeated(manager: Manager, swarm: Swarm) -> None:
    swarm.now = AWAY
    manager.says(UP)
    async with following(manager, swarm) as news:
        first = asyncio.ensure_future(anext(news))
        await eventually(lambda: swarm.looks["stack"] >= 2)
        swarm.now = a_look(RUNS)
        assert await first == Listing(a_look(RUNS), 7, resumed=False)


async def test_a_closed_stream_leaves_nothing_behind(manager: Manager, swarm: Swarm) -> None:
    before = asyncio.all_tasks()
    async with following(None, swarm) as news:
        await anext(news)
    manager.says(UP)
    async with following(manager, swarm) as news:
        await anext(news)
    assert asyncio.all_tasks() == before


GONE_DB = Event(EventAction.REMOVE, DB, DB)
PLAIN = replace(NODE, manager="")
DOWN = replace(PLAIN, state=NodeState.DOWN)


@pytest.mark.parametrize(
    ("before", "after", "events"),
    [
        (a_look(RUNS), a_look(RUNS), ()),
        (a_look(RUNS), a_look(FAILED), (CHANGED,)),
        (a_look(), a_look(RUNS), (Event(EventAction.UPDATE, RUNS, WEB),)),
        (a_look(RUNS), a_look(), (Event(EventAction.REMOVE, RUNS, WEB),)),
        (a_look(RUNS), a_look(replace(RUNS, up_to_date=False, message="…", since=9.0)), ()),
        (a_look(), a_look(services=(WEB, DB)), (Event(EventAction.UPDATE, DB, DB),)),
        (a_look(services=(WEB, DB)), a_look(), (GONE_DB,)),
        (a_look(), a_look(node=replace(NODE, manager="reachable")), ()),
        (
            a_look(),
            a_look(node=replace(NODE, state=NodeState.DOWN)),
            (Event(EventAction.UPDATE, DOWN),),
        ),
    ],
)
def test_events_between_two_looks(
    before: StackLook, after: StackLook, events: tuple[Event, ...]
) -> None:
    assert events_between(before, after) == events


def test_task_events_are_in_the_order_in_which_they_happened() -> None:
    late, early = replace(FAILED, since=9.0), replace(FAILED, id="t2", since=4.0)
    found = events_between(a_look(RUNS), a_look(late, early))
    assert [event.object for event in found] == [early, late]


def test_a_removed_service_removes_its_tasks() -> None:
    """Their events have the last state of the service."""
    found = events_between(a_look(RUNS), a_look(services=()))
    assert found == (Event(EventAction.REMOVE, RUNS, WEB), Event(EventAction.REMOVE, WEB, WEB))
