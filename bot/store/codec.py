"""Records as versioned JSON: ``{"v": 1, "job": {…}}``.

A field may be added to a version if it has a default: older replicas ignore unknown fields, newer
ones fill in missing fields. Any other change needs a new version.
"""

from __future__ import annotations

import json
from typing import TypeVar

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
    """The record of a job."""
    return encode("job", _JOB, job)


def decode_job(record: str) -> Job:
    """A job from its record. Raises UnreadableRecordError."""
    return decode("job", _JOB, record)


def encode_pending(pending: PendingCommand) -> str:
    """The record of a pending command."""
    return encode("draft", _PENDING, pending)


def decode_pending(record: str) -> PendingCommand:
    """A pending command from its record. Raises UnreadableRecordError."""
    return decode("draft", _PENDING, record)


def encode(kind: str, adapter: TypeAdapter[T], value: T) -> str:
    """The record of any value."""
    body = adapter.dump_python(value, mode="json")
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
