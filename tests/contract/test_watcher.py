"""The watcher between a real Redis and the emulated Slack, interrupted where it hurts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

import redis

from bot.domain.incidents.alert import Alert
from bot.domain.incidents.model import WatcherState
from bot.store.connection import RedisLink
from bot.store.incidents import RedisIncidents
from playground.slack import SlackEmulator
from tests.contract.alert_kit import (
    ToldStream,
    ToldSwarm,
    about,
    begun,
    leading,
    only,
    saved,
    told_in,
)
from tests.contract.incident_kit import NOW, PATIENCE, an_incident, incidents_on
from tests.contract.slack_side import SWARM, a_message, a_messenger
from tests.lab.redis import RedisServer
from tests.unit.looks import failed

POST = "chat.postMessage"


class Gated(RedisIncidents):
    """A store whose writes of alerts wait until they are let through."""

    def __init__(self, link: RedisLink) -> None:
        super().__init__(link, lease_seconds=PATIENCE)
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def save(
        self, token: str, state: WatcherState, alerts: Mapping[str, Alert | None], **more: Any
    ) -> None:
        if alerts:
            self.reached.set()
            await self.open.wait()
        await super().save(token, state, alerts, **more)


class Broken(ToldSwarm):
    """Whatever is read of a task ends in an error that nobody thought of."""

    async def last_lines(self, task: Any, lines: int) -> str:
        self.asked.set()
        raise ValueError("an unexpected answer")


async def test_an_alert_is_saved_before_it_is_posted(redis_server: RedisServer):
    """A leader killed in between would leave a message that the next one posts again."""
    stream, link = ToldStream(), RedisLink(redis_server.url)
    async with SlackEmulator(strict=True) as slack, a_messenger(slack) as messenger:
        gated = Gated(link)
        async with leading(gated, messenger, stream, url=redis_server.url):
            await begun(gated)
            stream.fail("t1")
            await gated.reached.wait()
            await messenger.post(SWARM, a_message())
            assert about(slack) == []
        async with (
            incidents_on(redis_server.url, lease=PATIENCE) as store,
            leading(store, messenger, stream, url=redis_server.url),
        ):
            await slack.wait_for_message(lambda message: bool(message.payload))

        assert len(about(slack)) == 1
    await link.aclose()


async def test_evidence_that_was_lost_with_a_leader_is_asked_for_anew(redis_server: RedisServer):
    """A single failure has no other occasion to tell its last words."""
    stream = ToldStream()
    async with (
        SlackEmulator(strict=True) as slack,
        a_messenger(slack) as messenger,
        incidents_on(redis_server.url, lease=PATIENCE) as store,
    ):
        mute = ToldSwarm(stream, mute=True)
        async with leading(store, messenger, stream, swarm=mute, url=redis_server.url):
            await begun(store)
            stream.fail("t1")
            await mute.asked.wait()
            await saved(store, 1)
        async with leading(store, messenger, stream, url=redis_server.url):
            words = "the last words of t1"
            await slack.wait_for_message(lambda message: words in message.shown_text)

        assert len(about(slack)) == 1
    assert stream.cursors == [None, 1]


async def test_evidence_that_cannot_be_read_ends_nothing(redis_server: RedisServer):
    """Whatever goes wrong as it is read."""
    stream = ToldStream()
    async with (
        SlackEmulator(strict=True) as slack,
        a_messenger(slack) as messenger,
        incidents_on(redis_server.url, lease=PATIENCE) as store,
    ):
        broken = Broken(stream)
        async with leading(store, messenger, stream, swarm=broken, url=redis_server.url) as work:
            await begun(store)
            stream.fail("t1")
            await broken.asked.wait()
            stream.fail("t2")
            await slack.wait_for_message(lambda message: message.payload.get("count") == 2)
            assert not work.done()


async def test_a_change_that_cannot_be_taken_in_is_left_out(redis_server: RedisServer):
    """It would come again with every new leader, and nothing after it would be told."""
    stream = ToldStream()
    async with (
        SlackEmulator(strict=True) as slack,
        a_messenger(slack) as messenger,
        incidents_on(redis_server.url, lease=PATIENCE) as store,
        leading(store, messenger, stream, url=redis_server.url),
    ):
        await begun(store)
        stream.tell(failed("t0", since="a time of no kind"))
        stream.fail("t1")
        await slack.wait_for_message(lambda message: bool(message.payload))
        await saved(store, 2)


async def test_alerts_of_a_state_that_could_not_be_read_are_forgotten(redis_server: RedisServer):
    """The watch began anew; nothing will come of them any more."""
    stream = ToldStream()
    async with (
        SlackEmulator(strict=True) as slack,
        a_messenger(slack) as messenger,
        incidents_on(redis_server.url, lease=PATIENCE) as store,
    ):
        token = await store.lead()
        orphan = Alert(an_incident(), "C0ALERTS01", "1.2", due=1, done=1)
        await store.save(token, WatcherState(), {"k3f9ab": orphan})
        await store.stop_leading(token)
        async with leading(store, messenger, stream, url=redis_server.url):
            await begun(store)

        assert (await store.load()).alerts == {}


async def test_an_alert_whose_record_was_lost_goes_on_in_its_message(redis_server: RedisServer):
    """A damaged record is left out by the store; the incident is known, its message is found."""
    stream = ToldStream()
    async with (
        SlackEmulator(strict=True) as slack,
        a_messenger(slack) as messenger,
        incidents_on(redis_server.url, lease=PATIENCE) as store,
    ):
        async with leading(store, messenger, stream, url=redis_server.url):
            await begun(store)
            stream.fail("t1")
            await slack.wait_for_message(lambda message: bool(message.payload))
        incident = only(dict((await store.load()).state.incidents))
        with closing(redis.Redis.from_url(redis_server.url)) as client:
            client.hset("orochi:alerts", incident.id, '{"v": 99}')
        async with leading(store, messenger, stream, url=redis_server.url):
            stream.fail("t2")
            await slack.wait_for_message(lambda message: message.payload.get("count") == 2)

        assert about(slack) == [incident.id]


async def test_what_is_due_waits_for_the_first_listing_without_haste(redis_server: RedisServer):
    """The engine may be away as a replica begins to lead; it must not spin meanwhile."""
    stream = ToldStream()
    stream.listed.clear()
    async with (
        SlackEmulator(strict=True) as slack,
        a_messenger(slack) as messenger,
        incidents_on(redis_server.url, lease=PATIENCE) as store,
    ):
        token = await store.lead()
        await store.save(token, replace(WatcherState(began=NOW, cursor=0), due=NOW), {})
        await store.stop_leading(token)
        async with leading(store, messenger, stream, url=redis_server.url) as work:
            while not stream.cursors:  # noqa: ASYNC110 - the stream has no event for it
                await asyncio.sleep(0)
            turns = await _wakes(work)
            stream.listed.set()
            stream.fail("t1")
            await slack.wait_for_message(lambda message: bool(message.payload))

        assert turns < 50
        assert len(told_in(slack)) == 1


async def _wakes(work: asyncio.Task[None]) -> int:
    """How often the loop has something to do while this looks at it a thousand times."""
    loop: Any = asyncio.get_running_loop()
    busy = 0
    for _ in range(1000):
        await asyncio.sleep(0)
        busy += len(loop._ready) > 0
    assert not work.done()
    return busy
