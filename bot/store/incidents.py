"""The watcher's state in Redis, written atomically by the leader.

leading.py          who leads
incident_codec.py   the records
scripts/            lead, go_on_leading, stop_leading, save_watcher_state
keys.py             all keys and their lifetimes
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from redis.asyncio import Redis

from bot.domain.incidents.alert import Alert, Press
from bot.domain.incidents.model import Incident, WatcherState
from bot.ports import Kept
from bot.store.codec import UnreadableRecordError
from bot.store.connection import RedisLink
from bot.store.incident_codec import (
    decode_alert,
    decode_incident,
    decode_open_incidents,
    decode_press,
    decode_state,
    encode_alert,
    encode_incident,
    encode_press,
    encode_state,
    unreadable_fields,
)
from bot.store.keys import StoreLimits
from bot.store.leading import Leading

log = logging.getLogger(__name__)

T = TypeVar("T")

ALERT = "alert:"
"""Prefix of an alert's id in the hash of what was put aside."""
BEGINNING = "0-0"
"""The lowest id of every stream."""


@dataclass(frozen=True, slots=True)
class _StoredState:
    """The watcher's state as this replica last wrote or read it, and its mark.

    ``mark`` is "" before the first write, ``state`` None if unknown here.
    """

    mark: str
    state: WatcherState | None


class RedisIncidents(Leading):
    """Implements ``bot.ports.Incidents``. Many replicas may use one Redis.

    Only those fields of the state are written that are other objects than at the last save or load
    here; all of them are written if the state in Redis has changed since. A save that was given up
    and reaches Redis late finds another mark and does nothing.
    """

    def __init__(
        self,
        link: RedisLink,
        *,
        prefix: str = "orochi",
        lease_seconds: float = 5.0,
        limits: StoreLimits | None = None,
    ) -> None:
        super().__init__(link, prefix=prefix, lease_seconds=lease_seconds, limits=limits)
        self._left = _StoredState("", None)
        self._passed: dict[str, str] = {}
        self._found_aside: tuple[str, ...] = ()

    async def load(self) -> Kept:
        """The last saved state; an empty state before the first save.

        What cannot be read is put aside as it is before it is left out, because the next save would
        overwrite it. What another version put aside and this one can read is taken up again.
        """

        async def look(redis: Redis) -> list[dict[str, str]]:
            async with redis.pipeline(transaction=True) as pipe:
                _ = pipe.hgetall(self._keys.watch)
                _ = pipe.hgetall(self._keys.alerts)
                _ = pipe.hgetall(self._keys.watch_aside)
                return await pipe.execute()

        records, alerts, aside = await self._link.call(look)
        mark = records.get("mark", "")
        unreadable = unreadable_fields(records)
        readable = dict(_readable("an alert", alerts.items(), decode_alert))
        await self._put_aside(unreadable, {k: alerts[k] for k in alerts if k not in readable})
        state = decode_state({k: records[k] for k in records if k not in unreadable})
        self._left = _StoredState(mark, state if mark and not unreadable else None)
        return self._taken_up(Kept(state, readable, records.get("handled", "")), aside)

    async def _put_aside(self, fields: Mapping[str, str], alerts: Mapping[str, str]) -> None:
        """Keep unreadable records for a version that can read them."""
        found = {**fields, **{f"{ALERT}{key}": record for key, record in alerts.items()}}
        if not found:
            return
        log.error("another version wrote %s: they are kept aside", ", ".join(sorted(found)))
        key = self._keys.watch_aside
        await self._link.call(lambda redis: redis.hset(key, mapping=found))  # type: ignore[arg-type]

    def _taken_up(self, kept: Kept, aside: Mapping[str, str]) -> Kept:
        """The state with the open incidents that were put aside and can be read now."""
        self._found_aside = tuple(key for key in aside if _can_take_up(key, aside[key]))
        incidents = dict(kept.state.incidents)
        alerts = dict(kept.alerts)
        for key in self._found_aside:
            if key.startswith(ALERT):
                alerts.setdefault(key.removeprefix(ALERT), decode_alert(aside[key]))
            elif key == "incidents":
                found = decode_state({key: aside[key]}).incidents
                incidents = {**found, **incidents}
        if not self._found_aside:
            return kept
        return Kept(replace(kept.state, incidents=incidents), alerts, kept.handled)

    async def save(
        self,
        token: str,
        state: WatcherState,
        alerts: Mapping[str, Alert | None],
        *,
        past: Sequence[Incident] = (),
        handled: str = "",
    ) -> None:
        """Save the watcher's state atomically. Raises LeaseLostError."""
        left, mark = self._left, secrets.token_hex(8)
        rest = (*_alert_lists(alerts), _past_list(past), _reopened(state))
        while left.mark != mark:
            records = _state_list(state, left.state, handled)
            left = _StoredState(await self._write(token, left.mark, mark, records, *rest), None)
        self._left = _StoredState(mark, state)
        if self._found_aside:
            found, self._found_aside = self._found_aside, ()
            await self._link.call(lambda redis: redis.hdel(self._keys.watch_aside, *found))

    async def press(self, press: Press) -> None:
        """Send a button press to the leader; it may arrive twice, like a press itself."""
        entry = {"json": encode_press(press)}

        async def add(redis: Redis) -> None:
            size = self._limits.press_entries
            await redis.xadd(self._keys.presses, entry, maxlen=size, approximate=True)  # type: ignore[arg-type]

        await self._link.call(add)

    async def presses(self, after: str, seconds: float) -> tuple[tuple[str, Press], ...]:
        """The presses after an id ("" for all), with their ids, oldest first.

        Waits ``seconds`` for one.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        given, after = after, self._passed.get(after, after or BEGINNING)
        while True:
            rows = await self._rows(after)
            found = _readable("a press", rows, decode_press)
            if rows and not found:
                # Unreadable presses cannot be handled: do not log them again for the same id.
                after = rows[-1][0]
                self._passed = {given: after}
            left = end - loop.time()
            if found or left <= 0:
                return tuple(found)
            await self._link.wait(self._keys.presses, after, left)

    async def open_incidents(self) -> tuple[Incident, ...]:
        """Unresolved incidents, oldest first, with the addresses of their messages.

        Raises UnreadableRecordError.
        """

        async def look(redis: Redis) -> tuple[str | None, dict[str, str]]:
            async with redis.pipeline(transaction=True) as pipe:
                _ = pipe.hget(self._keys.watch, "incidents")
                _ = pipe.hgetall(self._keys.alerts)
                record, alerts = await pipe.execute()
                return record, alerts

        record, alerts = await self._link.call(look)
        found = decode_open_incidents(record) if record else ()
        told = dict(_readable("an alert", alerts.items(), decode_alert)) if found else {}
        incidents = (_addressed(each, told.get(each.id)) for each in found)
        return tuple(sorted(incidents, key=lambda each: (each.began, each.id)))

    async def past_incidents(self, count: int) -> tuple[Incident, ...]:
        """Resolved incidents, newest first; unreadable ones are left out."""
        if count < 1:
            return ()

        history, records = self._keys.incident_history, self._keys.incident_records
        ids = await self._link.call(lambda redis: redis.zrange(history, 0, count - 1, desc=True))
        found = await self._link.call(lambda redis: redis.hmget(records, ids)) if ids else []
        kept = [row for row in zip(ids, found, strict=True) if row[1] is not None]
        return tuple(incident for _, incident in _readable("an incident", kept, decode_incident))

    async def _rows(self, after: str) -> list[tuple[str, str]]:
        key = self._keys.presses
        rows = await self._link.call(lambda redis: redis.xrange(key, min=f"({after}"))
        return [(entry, fields.get("json", "")) for entry, fields in rows]

    async def _write(self, token: str, before: str, mark: str, *lists: Sequence[str]) -> str:
        """Write the state; returns its present mark: not ``mark`` if nothing was written."""
        counted = [each for items in lists for each in (str(len(items)), *items)]
        return str(await self._leading("save_watcher_state", token, before, mark, *counted))


def _addressed(incident: Incident, alert: Alert | None) -> Incident:
    if alert is None or not alert.message:
        return incident
    return replace(incident, channel=alert.channel, message=alert.message)


def _can_take_up(key: str, record: str) -> bool:
    """Whether a record that was put aside can be read by this version."""
    if not key.startswith(ALERT):
        return not unreadable_fields({key: record})
    return bool(_readable("an alert", [(key, record)], decode_alert))


def _readable(
    what: str, records: Iterable[tuple[str, str]], decoder: Callable[[str], T]
) -> list[tuple[str, T]]:
    """All readable records with their ids: a damaged record must not hide the others."""
    found = []
    for record_id, record in records:
        try:
            found.append((record_id, decoder(record)))
        except UnreadableRecordError as error:
            log.warning("skipping %s, %s: %s", what, record_id, error)
    return found


def _state_list(state: WatcherState, known: WatcherState | None, handled: str) -> list[str]:
    records = encode_state(state, known)
    if handled:
        records["handled"] = handled
    return [each for pair in records.items() for each in pair]


def _alert_lists(alerts: Mapping[str, Alert | None]) -> tuple[list[str], list[str]]:
    kept = {key: encode_alert(alert) for key, alert in alerts.items() if alert is not None}
    over = [key for key, alert in alerts.items() if alert is None]
    return [each for pair in kept.items() for each in pair], over


def _past_list(past: Sequence[Incident]) -> list[str]:
    return [
        each
        for incident in past
        for each in (_resolved_ms(incident), incident.id, encode_incident(incident))
    ]


def _resolved_ms(incident: Incident) -> str:
    seconds = incident.last if incident.resolved is None else incident.resolved
    return f"{seconds * 1000:.3f}"


def _reopened(state: WatcherState) -> list[str]:
    return [each.id for each in state.incidents.values() if each.reopened]
