"""Records as versioned JSON: ``{"v": 1, "job": {…}}``.

Replicas of two releases that follow each other use one Redis, in an update and in a way back:

- A field may be added to a version if it has a default. Newer replicas fill in missing fields;
  older ones keep the unknown fields of a job when they save it.
- A new word of an enumeration, another meaning or another shape makes a record unreadable for the
  older release; another shape also needs a new version.
- A record that cannot be read is never overwritten. A job is left to replicas that can read it
  for a while, then it is set aside: it frees its lanes and is told to its user.

``tests/unit/store/records`` has the records of earlier releases.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from bot.domain.errors import BotError
from bot.domain.jobs.model import Job, PendingCommand

VERSION = 1

T = TypeVar("T")

_JOB = TypeAdapter(Job)
_PENDING = TypeAdapter(PendingCommand)


class UnreadableRecordError(BotError):
    """A record that this version of the bot cannot read: from a newer version, or damaged."""


def encode_job(job: Job) -> str:
    """The record of a job, with the fields of its earlier record that are unknown here."""
    body = _JOB.dump_python(job, mode="json")
    unknown = json.loads(body.pop("unknown") or "{}")
    del body["unreadable"]
    return _record("job", overlaid(body, unknown))


def decode_job(record: str) -> Job:
    """A job from its record, with its unknown fields. Raises UnreadableRecordError."""
    job = decode("job", _JOB, record)
    unknown = beyond(json.loads(record)["job"], _JOB.dump_python(job, mode="json"))
    return replace(job, unknown=json.dumps(unknown) if unknown else "", unreadable=False)


def outlined(record: str) -> dict[str, str]:
    """What can be read of a job's record that is otherwise unreadable: fields that are texts."""
    try:
        body = json.loads(record)["job"]
        return {key: value for key, value in body.items() if isinstance(value, str)}
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}


def beyond(raw: object, known: object) -> dict[str, Any]:
    """The fields of ``raw`` that ``known`` lacks, at any depth; items of lists by their index."""
    if isinstance(raw, list) and isinstance(known, list):
        raw, known = _indexed(raw), _indexed(known)
    if not isinstance(raw, dict) or not isinstance(known, dict):
        return {}
    found = {key: value for key, value in raw.items() if key not in known}
    inner = {key: beyond(raw[key], known[key]) for key in raw.keys() & known.keys()}
    return found | {key: value for key, value in inner.items() if value}


def overlaid(body: object, unknown: dict[str, Any]) -> object:
    """A record's body with unknown fields, where it still has what they belong to."""
    if isinstance(body, list):
        return [overlaid(each, unknown.get(str(at), {})) for at, each in enumerate(body)]
    if not isinstance(body, dict):
        return body
    inner = {key: overlaid(each, unknown.get(key, {})) for key, each in body.items()}
    return {**inner, **{key: value for key, value in unknown.items() if key not in body}}


def _indexed(values: list[Any]) -> dict[str, Any]:
    return {str(at): value for at, value in enumerate(values)}


def encode_pending(pending: PendingCommand) -> str:
    """The record of a pending command."""
    return encode("draft", _PENDING, pending)


def decode_pending(record: str) -> PendingCommand:
    """A pending command from its record. Raises UnreadableRecordError."""
    return decode("draft", _PENDING, record)


def encode(kind: str, adapter: TypeAdapter[T], value: T) -> str:
    """The record of any value."""
    return _record(kind, adapter.dump_python(value, mode="json"))


def _record(kind: str, body: object) -> str:
    return json.dumps({"v": VERSION, kind: body}, separators=(",", ":"))


def decode(kind: str, adapter: TypeAdapter[T], record: str) -> T:
    """Any value from its record. Raises UnreadableRecordError."""
    try:
        outer = json.loads(record)
        version = outer["v"]
    except (ValueError, TypeError, KeyError) as error:
        raise UnreadableRecordError(f"{_named(kind)} in Redis is damaged.") from error
    if version != VERSION:
        raise UnreadableRecordError(
            f"{_named(kind)} in Redis has version {version!r}; this bot reads version {VERSION}.",
            hint="Run the bot version that wrote it, or a newer one.",
        )
    return _validate(kind, adapter, outer.get(kind))


def _validate(kind: str, adapter: TypeAdapter[T], body: object) -> T:
    try:
        return adapter.validate_python(body)
    except ValidationError as error:
        raise UnreadableRecordError(f"{_named(kind)} in Redis is damaged.") from error


def _named(kind: str) -> str:
    return f"An {kind}" if kind[0] in "aeiou" else f"A {kind}"
