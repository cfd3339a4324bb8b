"""Listeners to control sockets, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing, asynccontextmanager

from bot.domain.errors import SwarmError
from bot.domain.swarm.events import Batch, Event, EventAction
from bot.domain.swarm.model import Node, Service, Task, TaskState
from bot.swarm.event_stream.client import StreamClient

SECONDS = 60.0
CLOCK_TICK = 1e-5
"""The tolerance of times: one side sends text, the other numbers."""

Identity = tuple[EventAction, str, str, object]


class StreamListener:
    """Collects the batches of one stream in the background."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.error: Exception | None = None
        self._grown = asyncio.Condition()

    async def follow(self, batches: AsyncIterator[Batch]) -> None:
        try:
            async for batch in batches:
                async with self._grown:
                    self.batches.append(batch)
                    self._grown.notify_all()
        except SwarmError as error:
            async with self._grown:
                self.error = error
                self._grown.notify_all()

    async def until(self, *told: tuple[str, TaskState]) -> None:
        """Return when there are events of a task of each of these services in this state."""
        await self._until(lambda: set(told) <= self._states())

    async def up_to(self, tasks: Iterable[Task]) -> None:
        """Return when each of these tasks was received with the same values."""
        wanted = {(task.id, task.state, task.since) for task in tasks}
        await self._until(lambda: all(self._told(*each) for each in wanted))

    def _told(self, task_id: str, state: TaskState, since: float) -> bool:
        return any(
            isinstance(event.object, Task)
            and (event.object.id, event.object.state) == (task_id, state)
            and abs(event.object.since - since) < CLOCK_TICK
            for event in self.events
        )

    async def failed(self, count: int) -> None:
        """Return when a number of task failures were received."""
        await self._until(lambda: len(failures(self)) >= count)

    async def up(self) -> None:
        """Return when the stream is up."""
        await self._until(lambda: bool(self.batches))

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(SECONDS), self._grown:
            await self._grown.wait_for(lambda: condition() or self.error is not None)
        if self.error is not None:
            raise self.error

    @property
    def events(self) -> list[Event]:
        return [event for batch in self.batches for event in batch.events]

    @property
    def version(self) -> int:
        return self.batches[-1].version

    def _states(self) -> set[tuple[str, TaskState]]:
        return {
            (event.object.service_id, event.object.state)
            for event in self.events
            if isinstance(event.object, Task)
        }


@asynccontextmanager
async def listening(batches: AsyncIterator[Batch]) -> AsyncIterator[StreamListener]:
    listener = StreamListener()
    following = asyncio.create_task(listener.follow(batches))
    try:
        await listener.up()
        yield listener
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


def identities(events: list[Event]) -> list[Identity]:
    return [(event.action, event.kind, event.object.id, marks(event.object)) for event in events]


def marks(found: Task | Service | Node) -> object:
    if isinstance(found, Task):
        return found.state, found.desired, found.node_id, found.err, found.since
    return found


def failures(listener: StreamListener, last: str = "") -> list[Identity]:
    """Task ends that the swarm had not requested, up to those of the service ``last``."""
    ends = [
        (event.object.service_id, identity)
        for event, identity in zip(listener.events, identities(listener.events), strict=True)
        if isinstance(event.object, Task)
        and event.action is EventAction.UPDATE
        and event.object.state is TaskState.FAILED
        and event.object.desired is TaskState.RUNNING
    ]
    stop = next((place for place, end in enumerate(ends, 1) if end[0] == last), len(ends))
    return [identity for _, identity in ends[:stop]]


async def first_batch(client: StreamClient) -> Batch:
    async with aclosing(client.stream()) as batches:
        return await anext(batches)
