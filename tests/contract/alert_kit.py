"""Alerts delivered to the emulated Slack, and a watcher of a swarm that the test controls."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import cast

from bot.domain.incidents.alert import Alert
from bot.domain.incidents.events import Rules
from bot.domain.incidents.model import Incident
from bot.domain.swarm.events import Batch, Event, EventAction, Listing
from bot.domain.swarm.model import Service, StackLook, Task
from bot.loops.alerts import AlertBook, AlertDelivery, AlertTexts
from bot.loops.leader import LeaderLease
from bot.loops.watcher import Watcher, WatcherDependencies
from bot.ports import Clock, Swarm
from bot.runtime.clock import SystemClock
from bot.runtime.tasks import cancel_all
from bot.slack.messenger import Messenger
from bot.store.connection import RedisLink
from bot.store.incidents import RedisIncidents
from bot.store.jobs import RedisJobs
from bot.views.incidents.message import incident_message, reminder_message
from playground.slack import Message, SlackEmulator
from tests.contract.incident_kit import NOW, PATIENCE, an_incident
from tests.contract.watcher_kit import evidence_of
from tests.unit.looks import NODES, a_service, failed, running

ALERTS = "C0ALERTS01"
RULES = Rules(quiet=3600.0, channel=ALERTS)
TEXTS = AlertTexts(
    lambda alert: incident_message(alert.incident, NOW, meant_for=alert.refused),
    lambda incident: reminder_message(incident, NOW),
)


def waiting(incident_id: str, began: float = NOW, channel: str = ALERTS) -> Alert:
    """An alert that was never posted."""
    incident = replace(an_incident(incident_id, began), channel=channel)
    return Alert(incident, channel=channel, due=1)


def grown(alert: Alert, **values: object) -> Alert:
    """The alert after a change of its incident that must be posted."""
    incident = replace(alert.incident, revision=alert.incident.revision + 1, **values)  # type: ignore[arg-type]
    return replace(alert, incident=incident, due=incident.revision)


def about(slack: SlackEmulator, channel: str = ALERTS) -> list[str]:
    """The incident of each message in a channel, oldest first."""
    return [m.payload["incident_id"] for m in told_in(slack, channel)]


def told_in(slack: SlackEmulator, channel: str = ALERTS) -> list[Message]:
    """All incident messages in a channel, oldest first."""
    messages = slack.workspace.in_channel(channel)
    return [message for message in messages if "incident_id" in message.payload]


@dataclass
class Desk:
    """A running delivery of a book of alerts. ``settled`` waits until nothing is left to post."""

    book: AlertBook
    delivery: AlertDelivery
    told: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, *alerts: Alert) -> None:
        """Add alerts to post; the store has saved them."""
        for alert in alerts:
            self.book.put(alert)
        self.book.saved()

    def alert(self, incident_id: str) -> Alert:
        """The current alert of an incident."""
        alert = self.book.get(incident_id)
        assert alert is not None
        return alert

    async def settled(self) -> None:
        """Wait until no alert waits."""
        async with asyncio.timeout(20):
            while any(alert.waits for alert in self.book.all()):
                self.told.clear()
                await self.told.wait()


@asynccontextmanager
async def delivering(
    messenger: Messenger, clock: Clock, *alerts: Alert, channels: tuple[str, ...] = ()
) -> AsyncIterator[Desk]:
    """The delivery of a new leader that found these alerts in the store."""
    told = asyncio.Event()
    book = AlertBook({alert.incident.id: alert for alert in alerts})
    delivery = AlertDelivery(
        messenger,
        clock,
        book,
        TEXTS,
        told=told.set,
        still=lambda: True,
        channels_of=lambda incident: channels or (incident.channel,),
    )
    running_one = asyncio.create_task(delivery.run())
    try:
        yield Desk(book, delivery, told)
    finally:
        await cancel_all([running_one])


class ToldStream:
    """Implements ``bot.ports.Stream`` with events that the test gives.

    ``cursors`` are the cursors that it was resumed from; until ``listed`` is set there is no
    listing.
    """

    def __init__(self) -> None:
        self.service = a_service(3)
        self.tasks: tuple[Task, ...] = running(1, 2, 3)
        self.cursors: list[int | None] = []
        self.listed = asyncio.Event()
        self.listed.set()
        self._batches: list[Batch] = []
        self._news = asyncio.Event()

    async def follow(self, cursor: int | None) -> AsyncGenerator[Listing | Batch, None]:
        """The events after the version; a batch's version is its number from 1 on."""
        self.cursors.append(cursor)
        await self.listed.wait()
        told = len(self._batches) if cursor is None else cursor
        look = StackLook(NOW, "", (self.service,), self.tasks, NODES)
        yield Listing(look, told, resumed=cursor is not None)
        while True:
            while told < len(self._batches):
                told += 1
                yield self._batches[told - 1]
            self._news.clear()
            await self._news.wait()

    def fail(self, task_id: str, slot: int = 1) -> None:
        """Report that a task of the service failed."""
        task = failed(task_id, slot)
        self.tasks = (*self.tasks, task)
        self.tell(task)

    def tell(self, task: Task) -> None:
        """Report that a task of the service changed."""
        event = Event(EventAction.UPDATE, task, self.service)
        self._batches.append(Batch((event,), len(self._batches) + 1))
        self._news.set()


class ToldSwarm:
    """The part of ``bot.ports.Swarm`` that evidence needs; reads can be blocked."""

    def __init__(self, stream: ToldStream, *, mute: bool = False) -> None:
        self._stream = stream
        self._mute = mute
        self.asked = asyncio.Event()

    async def service(self, name_or_id: str) -> Service:
        return self._stream.service

    async def last_lines(self, task: Task, lines: int) -> str:
        self.asked.set()
        if self._mute:
            await asyncio.Event().wait()
        return f"the last words of {task.id}"

    async def probe_output(self, task: Task) -> str:
        return ""

    async def out_of_memory(self, task: Task) -> bool | None:
        return None


def a_lease(token: str) -> LeaderLease:
    """A lease that lasts for the whole test."""
    return LeaderLease(token, time.monotonic() + 3600, time.monotonic)


@asynccontextmanager
async def leading(
    store: RedisIncidents,
    messenger: Messenger,
    stream: ToldStream,
    *,
    swarm: ToldSwarm | None = None,
    clock: Clock | None = None,
    url: str,
) -> AsyncIterator[asyncio.Task[None]]:
    """Run a watcher that leads until the end of the block."""
    link = RedisLink(url)
    watched = cast("Swarm", swarm or ToldSwarm(stream))
    dependencies = WatcherDependencies(
        incidents=store,
        stream=stream,
        swarm=watched,
        evidence=evidence_of(watched),
        jobs=RedisJobs(link),
        chat=messenger,
        clock=clock or SystemClock(),
        texts=TEXTS,
        rules=RULES,
    )
    token = await store.lead()
    assert token
    task = asyncio.create_task(Watcher(dependencies).lead(a_lease(token)))
    try:
        yield task
    finally:
        await cancel_all([task])
        await store.stop_leading(token)
        await link.aclose()


async def begun(store: RedisIncidents) -> None:
    """Wait until the first listing is in the store: later failures are new."""
    async with asyncio.timeout(PATIENCE):
        while (await store.load()).state.began is None:  # noqa: ASYNC110 - Redis has no event for it
            await asyncio.sleep(0.01)


async def saved(store: RedisIncidents, version: int) -> None:
    """Wait until everything up to a version is in the store."""
    async with asyncio.timeout(PATIENCE):
        while ((await store.load()).state.cursor or 0) < version:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.01)


def only(incidents: dict[str, Incident]) -> Incident:
    """The only open incident."""
    (incident,) = incidents.values()
    return incident
