"""The open incidents and the recently resolved ones."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.incidents.model import Incident, IncidentState
from bot.domain.text.message import Message
from bot.views.incidents.message import NAME_LENGTH, STATES, name_of
from bot.views.slack.blocks import context, fits, packed
from bot.views.slack.text import (
    Permalink,
    duration,
    id_link,
    line,
    mention,
    plural,
    slack_date,
    slack_time,
    unlinked,
)
from bot.views.words import CAUSES

COUNTS = ((20, 10), (10, 5), (3, 3), (1, 1))
"""Open and resolved incidents that are shown; the first that fits is used."""


def incidents_message(
    open_ones: Sequence[Incident],
    recent: Sequence[Incident],
    now: float,
    command: str = "/orochi",
    *,
    service: str = "",
    where: Permalink = unlinked,
) -> Message:
    """Open incidents, oldest first, then resolved ones, newest first.

    ``service`` is the requested name, "" for all. Ids are links to the incidents' messages.
    """
    of = f" of {line(service, NAME_LENGTH)}" if service else ""
    hint = context(f"As of {slack_time(now)} · `{line(command, 30)} status` shows what runs")
    if not open_ones and not recent:
        text = f"No open or recent incidents{of}."
        return Message(text, (*packed([text]), hint))
    title = f"{plural(len(open_ones), 'open incident')}{of}"
    made = ([*_told(open_ones, recent, title, now, counts, where=where), hint] for counts in COUNTS)
    blocks = next((each for each in made if fits(each)), [*packed([f"*{title}*"]), hint])
    return Message(f"{title}, {len(recent)} resolved recently", tuple(blocks))


def _told(
    open_ones: Sequence[Incident],
    recent: Sequence[Incident],
    title: str,
    now: float,
    counts: tuple[int, int],
    *,
    where: Permalink,
) -> list[dict[str, object]]:
    ordered = sorted(open_ones, key=lambda each: each.began)
    lines = [f"*{title}*", *(incident_line(each, now, where) for each in ordered[: counts[0]])]
    lines += _more(len(open_ones) - counts[0])
    ended = sorted(recent, key=lambda each: each.resolved or 0.0, reverse=True)
    lines += ["*Recently resolved:*"] if ended else []
    lines += [incident_line(each, now, where) for each in ended[: counts[1]]]
    lines += _more(len(ended) - counts[1])
    return packed(lines)


def incident_line(incident: Incident, now: float, where: Permalink = unlinked) -> str:
    """One line for an incident."""
    name = f"*{line(name_of(incident), NAME_LENGTH)}*"
    shown = id_link(incident.id, where(incident.channel, incident.message))
    parts = [
        f"{STATES[incident.state]} {shown} {name}: {CAUSES[incident.cause.kind]}",
        *_code(incident),
        *([] if incident.is_node else [plural(incident.count, "failure")]),
        _when(incident, now),
    ]
    if incident.state is IncidentState.ACKNOWLEDGED:
        parts.append(f"by {mention(incident.acknowledged_by)}")
    if incident.silenced(now) and incident.silenced_until is not None:
        parts.append(f"silenced until {slack_date(incident.silenced_until)}")
    if incident.late:
        parts.append("delayed")
    return " · ".join(parts)


def _code(incident: Incident) -> list[str]:
    code = incident.cause.exit_code
    return [f"exit {code}"] if code else []


def _when(incident: Incident, now: float) -> str:
    end = now if incident.resolved is None else incident.resolved
    lasted = duration(max(end - incident.began, 0))
    return f"since {slack_date(incident.began)}, {lasted}"


def _more(count: int) -> list[str]:
    return [f"and {plural(count, 'more incident')}"] if count > 0 else []
