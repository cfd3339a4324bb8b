"""The watcher's state: one replica writes it, completely or not at all, and any can read it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, closing, suppress
from dataclasses import fields, replace
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.errors import LeaseLostError
from bot.domain.incidents.model import Incident, WatcherState
from bot.ports import Incidents, Kept
from bot.store.codec import UnreadableRecordError
from bot.store.incidents import RedisIncidents
from bot.store.keys import Keys, StoreLimits
from tests.contract.incident_kit import (
    NOW,
    PATIENCE,
    a_big_state,
    a_state,
    an_alert,
    an_incident,
    incidents_on,
    resolved,
)
from tests.lab.redis import RedisServer

SHORT = 1.0
"""A lease short enough to wait for its end."""
KEPT = 1.0
"""A lease that even a busy machine can renew in time, and that ends during the test if not."""

KEYS = Keys()
Open = Callable[..., Any]


@pytest.fixture
async def opened(redis_server: RedisServer) -> AsyncIterator[Open]:
    """Opens one more replica: ``await opened(lease=0.5)``."""
    async with AsyncExitStack() as stack:

        async def one_more(**options: Any) -> RedisIncidents:
            return await stack.enter_async_context(incidents_on(redis_server.url, **options))

        yield one_more


@pytest.fixture
async def store(opened: Open) -> RedisIncidents:
    """One replica."""
    found: RedisIncidents = await opened()
    return found


@pytest.fixture
async def other(opened: Open) -> RedisIncidents:
    """Another replica."""
    found: RedisIncidents = await opened()
    return found


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    """A Redis client for reading and damaging stored data."""
    with closing(redis.Redis.from_url(redis_server.url, decode_responses=True)) as found:
        yield found


async def becomes_leader(store: RedisIncidents) -> str:
    """Ask for the lease until it leads, as replicas do."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if token := await store.lead():
                return token
            await asyncio.sleep(SHORT / 10)


async def saves_on(store: RedisIncidents, token: str) -> None:
    """Save again and again, without renewing the lease."""
    async with asyncio.timeout(PATIENCE):
        while True:
            await store.save(token, WatcherState(cursor=1), {})
            await asyncio.sleep(SHORT / 10)


async def test_it_is_the_port(store: RedisIncidents):
    """The type checker compares the methods."""
    port: Incidents = store
    assert await port.load() == Kept(WatcherState(), {}, "")


async def test_one_replica_leads(store: RedisIncidents, other: RedisIncidents):
    """No second lease is granted, not even to the leader; each lease has another token."""
    first = await store.lead()
    assert first
    assert [await other.lead(), await store.lead()] == ["", ""]
    await store.stop_leading(first)
    second = await other.lead()
    assert second not in {"", first}


async def test_of_many_that_ask_at_once_one_leads(opened: Open):
    """This holds for any number of replicas."""
    replicas = [await opened() for _ in range(8)]
    tokens = await asyncio.gather(*(each.lead() for each in replicas))
    assert len([token for token in tokens if token]) == 1


async def test_a_lease_that_is_not_renewed_is_lost(opened: Open):
    """Another replica leads; the old leader gets an error and cannot overwrite anything."""
    lost, successor = await opened(lease=SHORT), await opened(lease=PATIENCE)
    stale = await lost.lead()
    await lost.save(stale, a_state(an_incident()), {})
    token = await becomes_leader(successor)
    write = lost.save(stale, WatcherState(), {}, handled="1-0")
    for attempted in (lost.go_on_leading(stale), write):
        with pytest.raises(LeaseLostError):
            await attempted
    await lost.stop_leading(stale)
    assert await lost.lead() == ""
    await successor.go_on_leading(token)
    assert (await successor.load()).state == a_state(an_incident())


async def test_a_lease_is_lost_without_a_successor_too(opened: Open):
    """Nobody leads, so nobody can write."""
    store = await opened(lease=SHORT)
    token = await store.lead()
    with pytest.raises(LeaseLostError):
        await saves_on(store, token)
    assert await store.lead()


async def test_a_renewed_lease_is_kept(opened: Open):
    """The lease is held for much longer than its duration."""
    store, other = await opened(lease=KEPT), await opened(lease=KEPT)
    token = await store.lead()
    for _ in range(60):
        await asyncio.sleep(KEPT / 20)
        await store.go_on_leading(token)
        assert await other.lead() == ""


@pytest.mark.parametrize("token", ["", "forged"])
async def test_no_token_but_the_leaders_is_taken(store: RedisIncidents, token: str):
    """Other tokens are refused with and without a leader."""
    for _ in range(2):
        with pytest.raises(LeaseLostError):
            await store.go_on_leading(token)
        with pytest.raises(LeaseLostError):
            await store.save(token, WatcherState(cursor=1), {"a": an_alert(an_incident())})
        await store.stop_leading(token)
        assert await store.load() == Kept(WatcherState(), {}, "")
        await store.lead()


async def test_a_replica_cancelled_while_asking_does_not_lead(
    store: RedisIncidents, other: RedisIncidents
):
    """Whenever it is cancelled, another replica can lead at once."""
    for turns_of_the_loop in range(40):
        asking = asyncio.create_task(store.lead())
        for _ in range(turns_of_the_loop):
            await asyncio.sleep(0)
        asking.cancel()
        token = ""
        with suppress(asyncio.CancelledError):
            token = await asking
        if not token:
            token = await other.lead()
        assert token
        await store.stop_leading(token)


async def test_the_next_leader_finds_everything_that_was_saved(
    store: RedisIncidents, other: RedisIncidents
):
    """The watcher's state, the alerts, and how far presses were handled."""
    token = await store.lead()
    alerts = {each: an_alert(an_incident(each)) for each in ("a", "b")}
    await store.save(token, a_big_state(), alerts, handled="7-1")
    assert await other.load() == Kept(a_big_state(), alerts, "7-1")


async def test_only_changed_alerts_are_saved(store: RedisIncidents):
    """Other alerts stay, finished ones are deleted, and handled presses stay handled."""
    token = await store.lead()
    first, second, third = (an_alert(an_incident(each)) for each in "abc")
    await store.save(token, WatcherState(), {"a": first, "b": second, "c": third}, handled="7-1")
    told = replace(second, done=2)
    await store.save(token, WatcherState(cursor=1), {"a": None, "b": told, "unknown": None})
    assert await store.load() == Kept(WatcherState(cursor=1), {"b": told, "c": third}, "7-1")


STATES = st.builds(
    WatcherState,
    incidents=st.sampled_from([{}, {"k|ü": an_incident()}]),
    recent=st.sampled_from([{}, {"k": resolved("b", NOW)}]),
    counted=st.dictionaries(st.text(), st.floats(allow_nan=False), max_size=3),
    earlier=st.dictionaries(st.text(), st.floats(allow_nan=False), max_size=3),
    forgotten=st.floats(allow_nan=False),
    began=st.none() | st.floats(allow_nan=False),
    due=st.none() | st.floats(allow_nan=False),
    cursor=st.none() | st.integers(0, 2**64 - 1),
)
NAMES = st.sets(st.sampled_from([each.name for each in fields(WatcherState)]))
CHANGES = st.lists(st.tuples(STATES, NAMES, st.booleans()), max_size=6)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(changes=CHANGES)
def test_a_load_returns_what_was_saved(
    redis_server: RedisServer, changes: list[tuple[WatcherState, set[str], bool]]
):
    """Any fields change or stay the same objects, and the leader changes in between."""
    redis_server.flush()
    asyncio.run(_play(redis_server.url, changes))


async def _play(url: str, changes: list[tuple[WatcherState, set[str], bool]]) -> None:
    async with incidents_on(url) as first, incidents_on(url) as second:
        leader, other = first, second
        token, state = await leader.lead(), WatcherState()
        for drawn, names, hand_over in changes:
            state = replace(state, **{name: getattr(drawn, name) for name in names})
            await leader.save(token, state, {})
            assert (await other.load()).state == state
            if hand_over:
                await leader.stop_leading(token)
                leader, other = other, leader
                token = await leader.lead()


async def test_unchanged_fields_are_not_written(store: RedisIncidents, client: redis.Redis):
    """Only fields that are new objects since the last save are written, the cursor separately."""
    token, state = await store.lead(), a_big_state()
    await store.save(token, state, {})
    for field in ("earlier", "incidents"):
        client.hset(KEYS.watch, field, "as it was")
    state = replace(state, cursor=7, counted={"t1": NOW})
    await store.save(token, state, {})
    kept = client.hgetall(KEYS.watch)
    assert (kept["earlier"], kept["incidents"]) == ("as it was", "as it was")
    assert kept["cursor"] == '{"v":1,"watch":7}'
    state = replace(state, earlier={**state.earlier}, incidents={**state.incidents})
    await store.save(token, state, {})
    assert (await store.load()).state == state


async def test_a_new_leader_writes_only_what_it_changes(
    store: RedisIncidents, other: RedisIncidents, client: redis.Redis
):
    """The loaded data is stored already."""
    token = await store.lead()
    await store.save(token, a_big_state(), {})
    await store.stop_leading(token)
    token = await other.lead()
    state = (await other.load()).state
    client.hset(KEYS.watch, "earlier", "as it was")
    await other.save(token, replace(state, cursor=7), {})
    assert client.hget(KEYS.watch, "earlier") == "as it was"


async def test_another_leaders_data_is_overwritten_completely(
    store: RedisIncidents, other: RedisIncidents
):
    """A replica that leads again does not rely on its own last write."""
    mine, others = replace(a_big_state(), cursor=1), replace(a_big_state(), earlier={}, cursor=2)
    for replica, state in ((store, mine), (other, others), (store, replace(mine, cursor=3))):
        token = await replica.lead()
        await replica.save(token, state, {})
        await replica.stop_leading(token)
    assert (await other.load()).state == replace(mine, cursor=3)


async def test_a_state_that_redis_lost_is_written_completely(
    store: RedisIncidents, client: redis.Redis
):
    """A crash of the machine can cost the last second of Redis; the leader still has it all."""
    token, state = await store.lead(), a_big_state()
    await store.save(token, replace(state, earlier={}), {})
    client.copy(KEYS.watch, "before")
    await store.save(token, state, {})
    client.copy("before", KEYS.watch, replace=True)
    state = replace(state, cursor=7)
    await store.save(token, state, {})
    assert (await store.load()).state == state


async def test_a_save_that_arrives_late_does_nothing(store: RedisIncidents, client: redis.Redis):
    """The leader gave up on it and has written since, so the mark in Redis is another one."""
    token = await store.lead()
    await store.save(token, WatcherState(cursor=1), {})
    mark = client.hget(KEYS.watch, "mark")
    late = ["cursor", '{"v":1,"watch":0}']
    assert await store._write(token, "", "late", late, [], [], [], []) == mark
    assert await store.load() == Kept(WatcherState(cursor=1), {}, "")


@pytest.mark.parametrize("record", ["{", '{"v":2,"watch":{}}'])
async def test_an_unreadable_part_of_the_state_is_kept_aside(
    store: RedisIncidents, other: RedisIncidents, client: redis.Redis, record: str
):
    """The watcher goes on with the rest; its next save does not overwrite the record."""
    token, state = await store.lead(), a_state(an_incident())
    await store.save(token, state, {})
    client.hset(KEYS.watch, "incidents", record)
    with pytest.raises(UnreadableRecordError):
        await store.open_incidents()
    kept = await store.load()
    assert (kept.state.incidents, kept.state.cursor) == ({}, state.cursor)
    await store.save(token, kept.state, {})
    assert (await other.load()).state == kept.state
    assert client.hget(KEYS.watch_aside, "incidents") == record


async def test_incidents_that_an_older_version_put_aside_are_taken_up_again(
    store: RedisIncidents, other: RedisIncidents, client: redis.Redis
):
    """The bot went back to an older version and forward again: nothing is lost."""
    token, state = await store.lead(), a_state(an_incident())
    await store.save(token, state, {})
    written = client.hget(KEYS.watch, "incidents")
    client.hset(KEYS.watch, "incidents", '{"v": 99}')
    await store.save(token, replace((await store.load()).state, due=7.0), {})
    client.hset(KEYS.watch_aside, "incidents", written)

    taken_up = await other.load()
    assert taken_up.state.incidents == state.incidents
    await other.save(token, taken_up.state, {})
    assert not client.exists(KEYS.watch_aside)
    assert (await store.load()).state.incidents == state.incidents


async def test_a_damaged_alert_hides_no_other(store: RedisIncidents, client: redis.Redis):
    """It is skipped, and can be written again."""
    token, alerts = await store.lead(), {each: an_alert(an_incident(each)) for each in "ab"}
    await store.save(token, WatcherState(), alerts)
    client.hset(KEYS.alerts, "a", '{"v": 99}')
    assert (await store.load()).alerts == {"b": alerts["b"]}
    await store.save(token, WatcherState(), {"a": alerts["a"]})
    assert (await store.load()).alerts == alerts


async def test_open_incidents_are_the_saved_ones(store: RedisIncidents, other: RedisIncidents):
    """Any replica reads them, oldest first."""
    assert await other.open_incidents() == ()
    token = await store.lead()
    older, newer = an_incident("a", NOW), an_incident("b", NOW + 1)
    await store.save(token, a_state(newer, older), {})
    assert await other.open_incidents() == (older, newer)


async def test_an_open_incident_has_the_address_of_its_message(
    store: RedisIncidents, other: RedisIncidents
):
    """It is that of its alert; one that was not posted yet has none."""
    posted, new = an_incident("posted", NOW), an_incident("newest", NOW + 1)
    alert = replace(an_alert(posted), channel="C2", message="1.5")
    token = await becomes_leader(store)
    await store.save(token, a_state(posted, new), {"posted": alert})

    found = await other.open_incidents()
    assert found == (replace(posted, channel="C2", message="1.5"), new)


async def test_past_incidents_are_listed_newest_first(store: RedisIncidents, other: RedisIncidents):
    """The order is by the time of resolution, not of the save."""
    token = await store.lead()
    first, second, third = (resolved(each, NOW + at) for at, each in enumerate("cab"))
    await store.save(token, WatcherState(), {}, past=[third, first])
    await store.save(token, WatcherState(), {}, past=[second])
    assert await other.past_incidents(9) == (third, second, first)
    assert await other.past_incidents(2) == (third, second)
    assert await other.past_incidents(0) == ()


async def test_a_recurring_incident_is_not_listed_as_past(store: RedisIncidents):
    """Once it is resolved again it is listed once, with its latest state."""
    token, past = await store.lead(), resolved("a", NOW)
    await store.save(token, WatcherState(), {}, past=[past, resolved("b", NOW + 1)])
    await store.save(token, a_state(replace(an_incident("a"), reopened=1)), {})
    assert [each.id for each in await store.past_incidents(9)] == ["b"]
    again = replace(past, resolved=NOW + 60, reopened=1)
    await store.save(token, WatcherState(), {}, past=[again])
    assert await store.past_incidents(9) == (again, resolved("b", NOW + 1))


@pytest.mark.parametrize(
    ("limits", "kept"),
    [(StoreLimits(history_count=3), "hij"), (StoreLimits(history_seconds=4), "fghij")],
    ids=["too many", "too old"],
)
async def test_the_history_is_trimmed(
    opened: Open, client: redis.Redis, limits: StoreLimits, kept: str
):
    """It is trimmed by number and by age, records with their ids; without new ones all expire."""
    store = await opened(limits=limits)
    token = await store.lead()
    everything = [resolved(each, NOW + at) for at, each in enumerate("abcdefghij")]
    await store.save(token, WatcherState(), {}, past=everything[:5])
    for each in everything[5:]:
        await store.save(token, WatcherState(), {}, past=[each])
    assert ids(await store.past_incidents(99)) == kept[::-1]
    assert sorted(client.hkeys(KEYS.incident_records)) == list(kept)
    for key in (KEYS.incident_history, KEYS.incident_records):
        assert 0 < client.ttl(key) <= limits.history_seconds


async def test_a_damaged_past_incident_hides_no_other(store: RedisIncidents, client: redis.Redis):
    """The same holds for one whose record is missing."""
    token = await store.lead()
    everything = [resolved(each, NOW + at) for at, each in enumerate("abcd")]
    await store.save(token, WatcherState(), {}, past=everything)
    client.hset(KEYS.incident_records, "b", "{")
    client.hdel(KEYS.incident_records, "c")
    assert ids(await store.past_incidents(9)) == "da"


def ids(incidents: tuple[Incident, ...]) -> str:
    """Their one-letter ids."""
    return "".join(each.id for each in incidents)
