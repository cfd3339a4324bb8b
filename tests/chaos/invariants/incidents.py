"""Failures and their incidents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bot.domain.incidents.model import Incident
from playground.slack import Message
from tests.chaos.recorded import Recorded, Violation

RULE = "each failure is told once"


def failures_are_told_once(recorded: Recorded) -> Iterator[Violation]:
    """Each failure is in exactly one incident, and each incident has one message, as recorded."""
    failed: Counter[tuple[str, int | None]] = Counter()
    failed.update((each.service, each.code) for each in recorded.failures)
    counted: Counter[tuple[str, int | None]] = Counter()
    for incident in recorded.incidents:
        counted[incident.service, incident.cause.exit_code] += incident.count
    for service, code in failed | counted:
        times, known = failed[service, code], counted[service, code]
        if times != known:
            text = f"it failed {times} times with exit code {code}; incidents count {known}"
            yield Violation(RULE, service, text)
    for incident in recorded.incidents:
        yield from _messages_of(recorded, incident)
    yield from _strangers(recorded)


def _messages_of(recorded: Recorded, incident: Incident) -> Iterator[Violation]:
    about = [message for message in recorded.messages if _incident_of(message) == incident.id]
    live = [message for message in about if message.deleted_at is None]
    if not about:
        yield Violation(RULE, incident.id, f"{incident.service}: no message tells of it")
    if len(live) > 1:
        yield Violation(RULE, incident.id, f"{incident.service}: {len(live)} messages tell of it")
    for message in live:
        wanted = (incident.state.value, incident.count, incident.last_task)
        found = tuple(message.payload.get(key) for key in ("state", "count", "last_task"))
        if found != wanted:
            text = f"{incident.service}: its message says {found}, its record {wanted}"
            yield Violation("alerts show their records", incident.id, text)


def _strangers(recorded: Recorded) -> Iterator[Violation]:
    known = {incident.id for incident in recorded.incidents}
    for message in recorded.messages:
        found = _incident_of(message)
        if found and found not in known and message.deleted_at is None:
            yield Violation(RULE, found, "a message tells of it, but there is no such incident")


def _incident_of(message: Message) -> str:
    return "" if message.is_reply else str(message.payload.get("incident_id", ""))
