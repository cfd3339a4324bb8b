"""When looks come from memory and when from the engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.domain.errors import SwarmUnavailableError
from bot.domain.swarm.events import Batch, Event, EventAction
from bot.domain.swarm.model import Look, Mode, Node, Service, StackLook, Task, TaskState
from bot.ports import Looks
from bot.swarm.cache import SwarmCache
from bot.swarm.push_feed import PushFeed
from tests.unit.swarm.managers import GONE, UP, Hands, Manager, eventually

WEB = Service("web", "web", 1, Mode.REPLICATED, 1)
NODE = Node("n1", "one")
TASK = Task("t1", "web", 1, "n1", TaskState.RUNNING, TaskState.RUNNING, since=1.0)
FAILED = replace(TASK, state=TaskState.FAILED, since=2.0)


class Engine:
    """An engine with one service; ``read`` lists what was read of it. It may be held up."""

    def __init__(self) -> None:
        self.service, self.tasks = WEB, [TASK]
        self.read: list[str] = []
        self.answers = asyncio.Event()
        self.answers.set()
        self.asked = asyncio.Event()

    async def stack_look(self, stack: str) -> StackLook:
        look = StackLook(0.0, stack, (self.service,), tuple(self.tasks), (NODE,))
        await self._answer(f"stack {stack}".strip())
        return look

    async def look(self, service_id: str) -> Look:
        look = Look(0.0, self.service, tuple(self.tasks), (NODE,))
        await self._answer(service_id)
        return look

    async def services(self, stack: str = "") -> tuple[Service, ...]:
        await self._answer("services")
        return (self.service,)

    async def nodes(self) -> tuple[Node, ...]:
        return (NODE,)

    async def _answer(self, asked: str) -> None:
        self.read.append(asked)
        self.asked.set()
        await self.answers.wait()


@pytest.fixture
def manager() -> Manager:
    return Manager()


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def feed(manager: Manager, hands: Hands) -> AsyncIterator[PushFeed]:
    found = PushFeed(manager, clock=hands)
    found.start()
    yield found
    await found.aclose()


@pytest.fixture
def cache(engine: Engine, feed: PushFeed) -> SwarmCache:
    return SwarmCache(engine, feed)


def news(*objects: Task | Service | Node, version: int = 8) -> Batch:
    return Batch(tuple(Event(EventAction.UPDATE, one) for one in objects), version)


async def connected(feed: PushFeed, manager: Manager) -> None:
    manager.says(UP)
    await eventually(feed.up.is_set)


async def tasks_of(looks: Looks) -> tuple[Task, ...]:
    return (await looks.stack_look("")).tasks


async def pushed(feed: PushFeed, manager: Manager, batch: Batch) -> None:
    """Send a batch and wait until it arrived."""
    manager.says(batch)
    await eventually(lambda: feed._version == batch.version)


async def test_without_a_push_feed_every_look_is_read(engine: Engine) -> None:
    """Polling is no proof that nothing changed since."""
    cache = SwarmCache(engine, None)
    await tasks_of(cache)
    await tasks_of(cache)
    assert engine.read == ["stack", "stack"]


async def test_before_the_feed_is_connected_every_look_is_read(
    engine: Engine, cache: SwarmCache
) -> None:
    """Only the stack that is asked for."""
    await cache.stack_look("shop")
    assert engine.read == ["stack shop"]


async def test_with_the_feed_the_swarm_is_read_once(
    engine: Engine, cache: SwarmCache, feed: PushFeed, manager: Manager
) -> None:
    """Later looks have all that was pushed since."""
    await connected(feed, manager)
    assert await tasks_of(cache) == (TASK,)
    await pushed(feed, manager, news(FAILED))
    assert await tasks_of(cache) == (FAILED,)
    assert engine.read == ["stack"]


async def test_a_read_goes_on_when_nobody_waits_for_it_any_more(
    engine: Engine, cache: SwarmCache, feed: PushFeed, manager: Manager
) -> None:
    """Otherwise a swarm that takes longer to read than an answer may take is never in memory."""
    await connected(feed, manager)
    engine.answers.clear()
    given_up = asyncio.create_task(tasks_of(cache))
    await engine.asked.wait()
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    engine.answers.set()
    assert await tasks_of(cache) == (TASK,)
    assert engine.read == ["stack"]


async def test_names_of_services_come_from_memory_only_if_they_are_there(
    engine: Engine, cache: SwarmCache, feed: PushFeed, manager: Manager
) -> None:
    """To read the whole swarm for them would cost more than the list of services."""
    await connected(feed, manager)
    assert await cache.services("") == (WEB,)
    assert engine.read == ["services"]
    await tasks_of(cache)
    assert await cache.services("") == (WEB,)
    assert await cache.services("shop") == ()
    assert engine.read == ["services", "stack"]


async def test_a_changed_service_alone_is_read_again(
    engine: Engine, cache: SwarmCache, feed: PushFeed, manager: Manager
) -> None:
    """With its tasks, which may be of an older version now."""
    await connected(feed, manager)
    await tasks_of(cache)
    engine.service = replace(WEB, version=5)
    engine.tasks = [replace(TASK, up_to_date=False)]
    await pushed(feed, manager, news(engine.service))
    look = await cache.stack_look("")
    assert (look.services, look.tasks) == ((engine.service,), tuple(engine.tasks))
    assert engine.read == ["stack", "web"]


async def test_what_is_pushed_while_the_swarm_is_read_is_not_lost(
    engine: Engine, cache: SwarmCache, feed: PushFeed, manager: Manager
) -> None:
    """The answer was made before the event."""
    await connected(feed, manager)
    engine.answers.clear()
    looking = asyncio.create_task(tasks_of(cache))
    await engine.asked.wait()
    await pushed(feed, manager, news(FAILED))
    engine.answers.set()
    assert await looking == (FAILED,)


async def test_an_interrupted_feed_ends_the_use_of_what_is_kept(
    engine: Engine, cache: SwarmCache, feed: PushFeed, manager: Manager
) -> None:
    """Until it is connected again; then everything is read anew."""
    await connected(feed, manager)
    await tasks_of(cache)
    manager.says(GONE)
    await eventually(lambda: not feed.up.is_set())
    engine.tasks = [FAILED]
    assert await tasks_of(cache) == (FAILED,)
    await connected(feed, manager)
    await tasks_of(cache)
    await tasks_of(cache)
    assert engine.read == ["stack", "stack", "stack"]


async def test_an_answer_from_before_an_interruption_is_not_kept(
    engine: Engine, cache: SwarmCache, feed: PushFeed, manager: Manager
) -> None:
    """Changes between the answer and the new connection may have been missed."""
    await connected(feed, manager)
    engine.answers.clear()
    looking = asyncio.create_task(tasks_of(cache))
    await engine.asked.wait()
    manager.says(GONE)
    await eventually(lambda: not feed.up.is_set())
    await connected(feed, manager)
    engine.tasks = [FAILED]
    engine.answers.set()
    assert await looking == (FAILED,)
    assert engine.read == ["stack", "stack"]


async def test_a_feed_that_is_behind_is_not_relied_on(
    engine: Engine, cache: SwarmCache, feed: PushFeed, manager: Manager, hands: Hands
) -> None:
    """The engine is asked, until the feed has caught up."""
    await connected(feed, manager)
    await tasks_of(cache)
    hands.now += 7.0
    await tasks_of(cache)
    await pushed(feed, manager, Batch((), 9))
    await tasks_of(cache)
    assert engine.read == ["stack", "stack"]


async def test_an_engine_that_fails_while_it_is_read_is_an_error(
    engine: Engine, cache: SwarmCache, feed: PushFeed, manager: Manager
) -> None:
    """As without a cache; the next look reads again."""
    await connected(feed, manager)

    async def fails(stack: str) -> StackLook:
        raise SwarmUnavailableError(f"No answer about {stack}.")

    reads, engine.stack_look = engine.stack_look, fails  # type: ignore[method-assign]
    with pytest.raises(SwarmUnavailableError):
        await tasks_of(cache)
    engine.stack_look = reads  # type: ignore[method-assign]
    assert await tasks_of(cache) == (TASK,)
