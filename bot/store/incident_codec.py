"""The records of the watcher.

The watcher's state is split into its fields, with one record each (``{"v": 1, "watch": …}``): a
failure changes few of them, and the longest one rarely changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final, get_type_hints

from pydantic import TypeAdapter

from bot.domain.incidents.alert import Alert, Press
from bot.domain.incidents.model import Incident, WatcherState
from bot.store.codec import UnreadableRecordError, decode, encode

_ALERT = TypeAdapter(Alert)
_INCIDENT = TypeAdapter(Incident)
_PRESS = TypeAdapter(Press)


def _state_adapters() -> dict[str, TypeAdapter[Any]]:
    hints = get_type_hints(WatcherState)
    return {field.name: TypeAdapter(hints[field.name]) for field in fields(WatcherState)}


_STATE: Final = _state_adapters()


def encode_state(state: WatcherState, known: WatcherState | None = None) -> dict[str, str]:
    """The records of the fields of a watcher's state that are other objects than in ``known``."""
    return {
        name: _encode_field(name, getattr(state, name))
        for name in _STATE
        if known is None or getattr(state, name) is not getattr(known, name)
    }


def decode_state(records: Mapping[str, str]) -> WatcherState:
    """A watcher's state from its records; missing fields get their defaults.

    Records of other names are ignored. Raises UnreadableRecordError.
    """
    found = {name: records[name] for name in _STATE if name in records}
    return WatcherState(**{name: decode("watch", _STATE[name], found[name]) for name in found})


def unreadable_fields(records: Mapping[str, str]) -> dict[str, str]:
    """The records of a watcher's state that cannot be read, by field."""
    return {name: records[name] for name in _STATE if name in records and not _reads(name, records)}


def _reads(name: str, records: Mapping[str, str]) -> bool:
    try:
        decode("watch", _STATE[name], records[name])
    except UnreadableRecordError:
        return False
    return True


def decode_open_incidents(record: str) -> tuple[Incident, ...]:
    """The incidents of a watcher's state from the record of that field.

    Raises UnreadableRecordError.
    """
    incidents: Mapping[str, Incident] = decode("watch", _STATE["incidents"], record)
    return tuple(incidents.values())


def encode_alert(alert: Alert) -> str:
    """The record of an alert."""
    return encode("alert", _ALERT, alert)


def decode_alert(record: str) -> Alert:
    """An alert from its record. Raises UnreadableRecordError."""
    return decode("alert", _ALERT, record)


def encode_incident(incident: Incident) -> str:
    """The record of a resolved incident."""
    return encode("incident", _INCIDENT, incident)


def decode_incident(record: str) -> Incident:
    """A resolved incident from its record. Raises UnreadableRecordError."""
    return decode("incident", _INCIDENT, record)


def encode_press(press: Press) -> str:
    """The record of a press."""
    return encode("press", _PRESS, press)


def decode_press(record: str) -> Press:
    """A press from its record. Raises UnreadableRecordError."""
    return decode("press", _PRESS, record)


def _encode_field(name: str, value: object) -> str:
    plain = dict(value) if isinstance(value, Mapping) else value
    return encode("watch", _STATE[name], plain)
