"""The watcher between a real Redis and the emulated Slack, interrupted at critical points."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

import redis

from bot.domain.incidents.alert import Alert
from bot.domain.incidents.model import WatcherState
from bot.domain.swarm.causes import CauseKind
from bot.runtime.clock import SystemClock
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
from tests.unit.looks import NEW, RUNNING, a_task, failed

POST = "chat.postMessage"


class Gated(RedisIncidents):
    """A store whose writes of alerts wait until the test releases them."""

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


class Jumping(SystemClock):
    """A clock that the test puts ahead."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead = 0.0

    def now(self) -> float:
        return super().now() + self.ahead


class Broken(ToldSwarm):
    """A swarm whose every read of a task raises an unexpected error."""

    async def last_lines(self, task: Any, lines: int) -> str:
        self.asked.set()
        raise ValueError("an unexpected answer")


async def test_an_alert_is_saved_before_it_is_posted(redis_server: RedisServer):
    """Otherwise the next leader would repeat the message of a leader that was killed in between."""
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


async def test_evidence_lost_with_a_leader_is_requested_again(redis_server: RedisServer):
    """After a single failure there is no other occasion to read its last log lines."""
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


async def test_unreadable_evidence_does_not_stop_the_watcher(redis_server: RedisServer):
    """This holds for any error while reading."""
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


async def test_a_change_that_cannot_be_processed_is_skipped(redis_server: RedisServer):
    """Otherwise every new leader would get it again, and nothing after it would be reported."""
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
    """The watch starts from the beginning, so nothing would ever update them."""
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


async def test_what_happened_while_the_watcher_could_not_save_is_read_before_it_judges(
    redis_server: RedisServer,
):
    """A task that waited for a moment is no failure, although its start is read much later."""
    stream, clock, link = ToldStream(), Jumping(), RedisLink(redis_server.url)
    gated = Gated(link)
    async with (
        SlackEmulator(strict=True) as slack,
        a_messenger(slack) as messenger,
        leading(gated, messenger, stream, clock=clock, url=redis_server.url),
    ):
        await begun(gated)
        waiting = a_task("r9", 2, NEW)
        stream.tell(waiting)
        stream.fail("t1")
        await gated.reached.wait()
        clock.ahead = 60.0
        stream.tell(a_task("r3", 3))
        stream.tell(replace(waiting, state=RUNNING))
        gated.open.set()
        await saved(gated, 4)
        state = (await gated.load()).state

    causes = [each.cause.kind for each in (*state.incidents.values(), *state.recent.values())]
    assert causes == [CauseKind.EXIT_CODE]
    await link.aclose()


async def test_an_alert_whose_record_was_lost_keeps_its_message(redis_server: RedisServer):
    """The store skips a damaged record; the incident is known and its message is found."""
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


async def test_an_alert_that_redis_forgot_is_found_in_slack(redis_server: RedisServer):
    """A server that is killed may lose its last second; the failure is then news again."""
    stream = ToldStream()
    async with (
        SlackEmulator(strict=True) as slack,
        a_messenger(slack) as messenger,
        incidents_on(redis_server.url, lease=PATIENCE) as store,
    ):
        async with leading(store, messenger, stream, url=redis_server.url):
            await begun(store)
            before = everything(redis_server.url)
            stream.fail("t1")
            await slack.wait_for_message(lambda message: bool(message.payload))
        put_back(redis_server.url, before)
        async with leading(store, messenger, stream, url=redis_server.url):
            stream.fail("t2")
            await slack.wait_for_message(lambda message: message.payload.get("count") == 2)

        assert len(told_in(slack)) == 1


def everything(url: str) -> dict[bytes, bytes | None]:
    """The content of Redis, but for who leads."""
    with closing(redis.Redis.from_url(url)) as client:
        return {key: client.dump(key) for key in client.scan_iter() if b"leader" not in key}


def put_back(url: str, content: dict[bytes, bytes | None]) -> None:
    """Make Redis what it was."""
    with closing(redis.Redis.from_url(url)) as client:
        client.flushdb()
        for key, value in content.items():
            client.restore(key, 0, value or b"")


async def test_due_work_waits_for_the_first_listing_without_spinning(redis_server: RedisServer):
    """The engine may be away when a replica starts to lead; the loop must not spin meanwhile."""
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
    """How often the loop has something to do in a thousand checks."""
    loop: Any = asyncio.get_running_loop()
    busy = 0
    for _ in range(1000):
        await asyncio.sleep(0)
        busy += len(loop._ready) > 0
    assert not work.done()
    return busy
