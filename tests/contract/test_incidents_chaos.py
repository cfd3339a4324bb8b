"""Watchers, Redis and Slack's answers fail repeatedly: no failure or alert is lost or repeated."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import product
from pathlib import Path

import pytest

from bot.domain.errors import StoreUnavailableError
from bot.domain.incidents.model import IncidentState
from bot.store.incidents import RedisIncidents
from playground.slack import Message, SlackEmulator, SlackFaults
from tests.contract.incident_kit import incidents_on
from tests.contract.watcher_crew import Crew, Nursery, a_crew, alerts
from tests.contract.watcher_kit import (
    Head,
    RecordedClock,
    begin_watching,
    expected,
    script,
)
from tests.lab.redis import RedisServer

KILLS = 40
REDIS_DIES_EACH = 10
"""Kills of watchers for each kill of Redis."""
FACTOR = 5.0
"""The speed of the replay, as a multiple of the recorded speed."""
PATIENCE = 180.0
"""Seconds for all of it on a busy machine."""
METHODS = ("chat.postMessage", "chat.update", "conversations.history")
TROUBLES: tuple[Callable[[SlackFaults, str], None], ...] = (
    lambda faults, method: faults.drop(method, after_effect=True),
    lambda faults, method: faults.status(method, 500, after_effect=True),
    lambda faults, method: faults.status(method, 503),
    lambda faults, method: faults.rate_limit(method, retry_after=1),
    lambda faults, method: faults.slow(method, 0.2),
)


async def live(head: Head, clock: RecordedClock, store: RedisIncidents) -> None:
    """Let the swarm's log grow as it was recorded; what failed is scaled to 0 once that is known.

    Watchers that a busy machine keeps from working would rightly not count what no longer waits.
    """
    *failing, _healed = script()
    for version, look in enumerate(failing):
        await clock.sleep(max(0.0, look.at - clock.now()))
        head.put(version)
    await all_counted(store, version)
    head.put(version + 1)


async def all_counted(store: RedisIncidents, version: int) -> None:
    """Wait until the watchers have reached this version and counted each task that waits.

    Raises TimeoutError with what is left.
    """
    late, state = time.monotonic() + PATIENCE / 2, None
    while time.monotonic() < late:
        with suppress(StoreUnavailableError):
            state = (await store.load()).state
            if state.cursor == version and not state.suspects:
                return
        await asyncio.sleep(0.1)
    raise TimeoutError(f"version {version} is not reached, or tasks still wait: {state}")


async def disturb(
    redis: RedisServer, slack: SlackEmulator, crew: Crew, chance: random.Random
) -> None:
    """Kill watchers, one or two being alive; sometimes Redis; break Slack's answers.

    With every second kill one of Slack's methods fails, until each has failed in each way.
    """
    troubles = list(product(TROUBLES, METHODS))
    chance.shuffle(troubles)
    for number in range(KILLS):
        await asyncio.sleep(chance.uniform(0.0, 0.7))
        if number % 2 and troubles:
            go_wrong, method = troubles.pop()
            go_wrong(slack.faults, method)
        if number % REDIS_DIES_EACH == REDIS_DIES_EACH // 2:
            await asyncio.to_thread(redis.kill)
            await asyncio.sleep(chance.uniform(0, 0.3))
            await asyncio.to_thread(redis.start)
        crew.lose(chance.randrange(len(crew.members)))
        while len(crew.members) < chance.choice((1, 2, 2)):
            crew.hire()
    assert not troubles


async def all_told(store: RedisIncidents) -> None:
    """Wait until nothing is left to post."""
    while True:
        kept = await store.load()
        done = kept.state.cursor == len(script()) - 1 and not kept.state.incidents
        if done and all(alert.closed for alert in kept.alerts.values()):
            return
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("seed", [11])
async def test_chaos(nursery: Nursery, fresh_redis: RedisServer, tmp_path: Path, seed: int):
    """Forty SIGKILLs: every failure is counted once, every alert posted once."""
    chance = random.Random(seed)
    head = Head(tmp_path / "head")
    head.put(0)
    wanted = expected()
    start = time.time()
    clock = RecordedClock(start, FACTOR)
    async with (
        asyncio.timeout(PATIENCE),
        SlackEmulator(clock=clock.now, enforce_rates=False) as slack,
        incidents_on(fresh_redis.url) as store,
    ):
        with a_crew(
            nursery, fresh_redis, slack, tmp_path / "head", start=start, factor=FACTOR
        ) as crew:
            await begin_watching(store)
            crew.hire()
            await asyncio.gather(
                live(head, clock, store), disturb(fresh_redis, slack, crew, chance)
            )
            slack.faults.clear()
            await all_told(store)
            past = await store.past_incidents(1000)
    found = alerts(slack)
    assert Counter(m.payload["incident_id"] for m in found) == Counter(list(wanted))
    told = {m.payload["incident_id"]: (m.payload["count"], m.payload["last_task"]) for m in found}
    assert told == {key: (each.count, each.last_task) for key, each in wanted.items()}
    assert {m.payload["state"] for m in found} == {IncidentState.RESOLVED.value}
    assert Counter(each.id for each in past) == Counter(list(wanted))
    assert [m.payload["target"] for m in found if not _grows(m)] == []


def _grows(message: Message) -> bool:
    """Whether its count never decreased: no old state came after a newer one."""
    payloads = [(each.content.metadata or {})["event_payload"] for each in message.history]
    counts = [payload["count"] for payload in payloads]
    return counts == sorted(counts)
