"""Redis dies and comes back under the watcher; the watcher is killed at any moment."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import redis

from bot.domain.errors import LeaseLostError, StoreUnavailableError
from bot.domain.incidents.model import WatcherState
from bot.ports import Kept
from bot.store.incidents import RedisIncidents
from tests.contract.incident_kit import (
    NOW,
    PATIENCE,
    a_big_state,
    a_press,
    an_alert,
    an_incident,
    incidents_on,
    resolved,
)
from tests.lab.redis import RedisServer

LONG = 60.0
"""Seconds for a new process to load all and save once, on a busy machine."""


def every_call(store: RedisIncidents, token: str):
    """All calls of the store."""
    yield store.ping()
    yield store.lead()
    yield store.go_on_leading(token)
    yield store.stop_leading(token)
    yield store.load()
    yield store.save(token, WatcherState(), {})
    yield store.press(a_press())
    yield store.presses("", 1)
    yield store.open_incidents()
    yield store.past_incidents(1)


async def test_every_call_says_that_redis_is_away(fresh_redis: RedisServer):
    """This holds for every call."""
    async with incidents_on(fresh_redis.url) as store:
        token = await store.lead()
        fresh_redis.kill()
        for attempted in every_call(store, token):
            with pytest.raises(StoreUnavailableError):
                await attempted


async def test_nothing_is_lost_by_a_crash(fresh_redis: RedisServer):
    """All data is there afterwards, and the leader keeps leading while its lease is valid."""
    async with incidents_on(fresh_redis.url, lease=600) as store:
        token, state, past = await store.lead(), a_big_state(), resolved("b", NOW)
        alerts = {"a": an_alert(an_incident("a"))}
        await store.press(a_press())
        await store.save(token, state, alerts, past=[past], handled="7-1")
        waiting = asyncio.create_task(store.presses(f"{2**60}-0", PATIENCE))
        await asyncio.sleep(0.1)
        fresh_redis.kill()
        with pytest.raises(StoreUnavailableError):
            await waiting
        with pytest.raises(StoreUnavailableError):
            await store.save(token, replace(state, earlier={}), {})
        fresh_redis.start()
        assert await store.load() == Kept(state, alerts, "7-1")
        assert await store.past_incidents(9) == (past,)
        assert [press for _, press in await store.presses("", 0)] == [a_press()]
        await store.go_on_leading(token)
        await store.save(token, replace(state, cursor=8), {})
        assert (await store.load()).state == replace(state, cursor=8)


async def test_what_a_failed_save_changed_is_written_by_the_next(fresh_redis: RedisServer):
    """The changes are not assumed written, whether Redis carried them out or not."""
    async with incidents_on(fresh_redis.url, lease=600) as store:
        token, state = await store.lead(), WatcherState(earlier={"t1": NOW}, cursor=1)
        await store.save(token, state, {})
        fresh_redis.freeze()
        with pytest.raises(StoreUnavailableError):
            await store.save(token, replace(state, earlier={"t2": NOW}), {})
        fresh_redis.thaw()
        state = replace(state, cursor=3)
        await store.save(token, state, {})
        assert (await store.load()).state == state


async def test_a_redis_without_data_is_a_fresh_start(redis_server: RedisServer):
    """The lease is gone and the leader gets an error; the next leader writes everything."""
    async with incidents_on(redis_server.url) as store:
        token, state = await store.lead(), a_big_state()
        await store.save(token, state, {})
        redis_server.flush()
        with pytest.raises(LeaseLostError):
            await store.save(token, state, {})
        token = await store.lead()
        await store.save(token, state, {})
        assert (await store.load()).state == state


async def test_a_watcher_may_be_killed_at_any_moment(redis_server: RedisServer):
    """The stored state, alert and presses are always from the same save."""
    async with incidents_on(redis_server.url) as store, watchers(redis_server) as (orders, answers):
        for number in range(8):
            orders.write(b"one more\n")
            async with asyncio.timeout(LONG):
                saving, pid = (await answers.readline()).split()
                assert saving == b"saving"
                await asyncio.sleep(number / 100)
                os.kill(int(pid), signal.SIGKILL)
                assert await answers.readline() == b"ended\n"
            with redis.Redis.from_url(redis_server.url) as client:
                client.delete("orochi:leader")
            kept = await store.load()
            cursor = kept.state.cursor
            assert kept.state.counted == {"t1": cursor}
            assert kept.state.earlier["t0"] == cursor
            assert (kept.alerts["a"].done, kept.handled) == (cursor, f"{cursor}-0")


@asynccontextmanager
async def watchers(
    server: RedisServer,
) -> AsyncIterator[tuple[asyncio.StreamWriter, asyncio.StreamReader]]:
    """The process that forks the watchers: its input and output."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.contract.incident_watcher", server.url),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdin, process.stdout
    finally:
        process.stdin.close()
        await process.wait()
