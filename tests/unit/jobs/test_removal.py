"""Services that are removed together are followed with few looks at the swarm."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from types import SimpleNamespace
from typing import Any, cast

from bot.domain.errors import SwarmError
from bot.domain.swarm.model import Task, TaskState
from bot.jobs.context import Context
from bot.jobs.removal import _SharedLook

SERVICES = tuple(f"s{n}" for n in range(20))
TASKS = tuple(Task(f"t{s}", s, 1, "n1", TaskState.RUNNING, TaskState.REMOVE) for s in SERVICES)


class Swarm:
    """Counts the looks; each waits until it is let through."""

    def __init__(self) -> None:
        self.looks = 0
        self.error: SwarmError | None = None
        self.asked = asyncio.Event()
        self.through = asyncio.Event()

    async def tasks_of(self, service_ids: Collection[str]) -> tuple[Task, ...]:
        """The tasks of these services."""
        self.looks += 1
        self.asked.set()
        await self.through.wait()
        if self.error:
            raise self.error
        return tuple(task for task in TASKS if task.service_id in service_ids)

    async def nodes(self) -> tuple[Any, ...]:
        """No node is known."""
        return ()


def shared(swarm: Swarm) -> _SharedLook:
    context = cast("Context", SimpleNamespace(swarm=swarm))
    return _SharedLook(context, frozenset(SERVICES))


async def test_twenty_services_need_two_looks() -> None:
    """The first who asks gets the first look, all others the next one."""
    swarm = Swarm()
    look = shared(swarm)
    asked = [asyncio.create_task(look.alive(service)) for service in SERVICES]
    await swarm.asked.wait()
    swarm.through.set()

    found = await asyncio.gather(*asked)

    assert found == [[task] for task in TASKS]
    assert swarm.looks == 2
    await look.alive("s1")
    assert swarm.looks == 3


async def test_a_look_that_was_cancelled_tells_nobody_that_nothing_runs() -> None:
    swarm = Swarm()
    look = shared(swarm)
    first, second = (asyncio.create_task(look.alive(each)) for each in ("s1", "s2"))
    await swarm.asked.wait()
    first.cancel()
    swarm.through.set()

    assert await second == [TASKS[2]]


async def test_an_engine_that_is_away_is_not_asked_for_each_service() -> None:
    swarm = Swarm()
    swarm.error = SwarmError("away")
    look = shared(swarm)
    asked = [asyncio.create_task(look.alive(service)) for service in SERVICES]
    await swarm.asked.wait()
    swarm.through.set()

    found = await asyncio.gather(*asked, return_exceptions=True)

    assert [type(each) for each in found] == [SwarmError] * len(SERVICES)
    assert swarm.looks == 2
    swarm.error = None
    assert await look.alive("s1") == [TASKS[1]]
