"""Many failures at once do not keep the event loop: the lease is renewed meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bot.domain.errors import NotFoundError
from bot.domain.incidents.events import Rules
from bot.domain.incidents.model import WatcherState
from bot.domain.swarm.events import Batch, Event, EventAction, Listing
from bot.domain.swarm.model import Mode, Service, StackLook, Task, TaskState
from bot.loops.watcher import Watcher, WatcherDependencies
from bot.ports import Kept
from bot.runtime.clock import SystemClock
from tests.messages.sample import port

SERVICES, FAILURES = 300, 20
TURNS = 50


def many_failures(at: float) -> Listing:
    """A listing of services whose tasks all failed, one shortly after the other."""
    services = tuple(
        Service(f"s{n}", f"orochi_s{n}", 1, Mode.REPLICATED, 1) for n in range(SERVICES)
    )
    tasks = tuple(
        Task(
            f"{service.id}-{n}", service.id, 1, "n1", TaskState.FAILED, TaskState.SHUTDOWN,
            created=at - n, since=at - n + 0.5, exit_code=1,
        )
        for service in services
        for n in range(FAILURES)
    )  # fmt: skip
    return Listing(StackLook(at, "", services, tasks, ()), 7, resumed=False)


def nothing_yet(at: float) -> Listing:
    """The same services without any task."""
    found = many_failures(at)
    return replace(found, look=replace(found.look, tasks=()))


def one_by_one(at: float) -> Iterator[Batch]:
    """The first failure of each service, as the changes after a listing."""
    look = many_failures(at).look
    for service, task in zip(look.services, look.tasks[::FAILURES], strict=True):
        yield Batch((Event(EventAction.UPDATE, task, service),), 8)


@pytest.mark.parametrize("listed", [True, False])
async def test_the_loop_runs_on_while_many_failures_are_judged(*, listed: bool) -> None:
    turns, seen, heard = 0, [0], asyncio.Event()
    loop = asyncio.get_running_loop()
    saved: asyncio.Future[WatcherState] = loop.create_future()
    read: asyncio.Future[int] = loop.create_future()
    clock = SystemClock()

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def follow(_cursor: int | None) -> AsyncIterator[Listing | Batch]:
        if listed:
            seen[0] = turns
            yield many_failures(clock.now())
        else:
            yield nothing_yet(clock.now())
            await heard.wait()
            seen[0] = turns
            for batch in one_by_one(clock.now()):
                yield batch
            read.set_result(turns)
        await asyncio.Event().wait()

    async def presses(*_: object) -> tuple[()]:
        await asyncio.Event().wait()
        return ()

    async def save(_token: str, state: WatcherState, *_: object, **__: object) -> None:
        if len(state.incidents) == SERVICES and not saved.done():
            seen.append(turns)
            saved.set_result(state)
        heard.set()

    store: Any = port(load=Kept(WatcherState(began=0.0), {}, "0"))
    store.presses, store.save = presses, save
    texts: Any = SimpleNamespace()
    dependencies: Any = WatcherDependencies(
        stream=SimpleNamespace(follow=follow),
        swarm=port(service=NotFoundError("gone")),
        evidence=port(),
        incidents=store,
        jobs=port(running=(), recent=()),
        chat=port(),
        clock=clock,
        texts=texts,
        rules=Rules(),
    )
    lease: Any = SimpleNamespace(token="t", still=lambda: 60.0)
    tasks = [asyncio.create_task(Watcher(dependencies).lead(lease)), asyncio.create_task(count())]
    async with asyncio.timeout(60):
        await saved
        assert listed or await read - seen[0] > TURNS
    assert seen[1] - seen[0] > TURNS
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
