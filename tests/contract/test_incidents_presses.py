"""Button presses reach the leader, in order, and again until they are handled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing

import pytest
import redis

from bot.domain.incidents.alert import Press
from bot.domain.incidents.model import WatcherState
from bot.store.connection import BLOCK_SECONDS
from bot.store.incidents import RedisIncidents
from bot.store.keys import Keys, StoreLimits
from tests.contract.incident_kit import PATIENCE, a_press, incidents_on
from tests.lab.redis import RedisServer


@pytest.fixture
async def store(redis_server: RedisServer) -> AsyncIterator[RedisIncidents]:
    """One replica."""
    async with incidents_on(redis_server.url) as found:
        yield found


@pytest.fixture
async def other(redis_server: RedisServer) -> AsyncIterator[RedisIncidents]:
    """Another replica."""
    async with incidents_on(redis_server.url) as found:
        yield found


def users(found: tuple[tuple[str, Press], ...]) -> list[str]:
    """The person who pressed."""
    return [press.user for _, press in found]


async def test_presses_are_complete_and_in_order(store: RedisIncidents, other: RedisIncidents):
    """They are read from the beginning, or after any of them."""
    pressed = [a_press(f"U{number}") for number in range(5)]
    for press in pressed:
        await other.press(press)
    found = await store.presses("", 0)
    assert [press for _, press in found] == pressed
    assert await store.presses(found[2][0], 0) == found[3:]
    assert await store.presses(found[-1][0], 0) == ()


async def test_a_press_wakes_a_waiting_leader(store: RedisIncidents, other: RedisIncidents):
    """The wait ends at once, whether there was a press before or not."""
    after = ""
    for user in ("U1", "U2"):
        waiting = asyncio.create_task(store.presses(after, PATIENCE))
        await asyncio.sleep(0.05)
        await other.press(a_press(user))
        found = await waiting
        assert users(found) == [user]
        after = found[-1][0]


async def test_a_wait_can_be_longer_than_redis_allows(store: RedisIncidents, other: RedisIncidents):
    """The wait is split into shorter ones, and nothing is missed in between."""
    waiting = asyncio.create_task(store.presses("", PATIENCE))
    await asyncio.sleep(BLOCK_SECONDS + 0.2)
    assert not waiting.done()
    await other.press(a_press())
    assert users(await waiting) == ["U1"]


async def test_a_press_is_seen_again_until_it_is_handled(
    store: RedisIncidents, other: RedisIncidents
):
    """If a leader dies between a press and its save, the next leader gets the press."""
    await store.press(a_press("U1"))
    await store.press(a_press("U2"))
    token = await store.lead()
    seen = await store.presses((await store.load()).handled, 0)
    await store.save(token, WatcherState(cursor=1), {}, handled=seen[0][0])
    await store.stop_leading(token)
    await other.lead()
    assert await other.presses((await other.load()).handled, 0) == seen[1:]


async def test_the_oldest_presses_are_dropped(redis_server: RedisServer):
    """Redis does not fill up without a leader."""
    async with incidents_on(redis_server.url, limits=StoreLimits(press_entries=100)) as store:
        for number in range(400):
            await store.press(a_press(f"U{number}"))
        found = users(await store.presses("", 0))
    assert 100 <= len(found) <= 200
    assert found == [f"U{number}" for number in range(400 - len(found), 400)]


async def test_a_damaged_press_hides_no_other(
    store: RedisIncidents, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
):
    """It neither ends a wait nor keeps it busy, and does not flood the log."""
    stream = Keys().presses
    with closing(redis.Redis.from_url(redis_server.url)) as client:
        client.xadd(stream, {"json": '{"v": 99}'})
        for _ in range(9):
            assert await store.presses("", 0) == ()
        waiting = asyncio.create_task(store.presses("", PATIENCE))
        await asyncio.sleep(0.05)
        client.xadd(stream, {"text": "no record"})
        await store.press(a_press())
        assert users(await waiting) == ["U1"]
        await store.press(a_press("U2"))
        assert users(await store.presses("", 0)) == ["U1", "U2"]
    assert 2 <= len(caplog.records) <= 3
