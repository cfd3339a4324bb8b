"""An alert: an incident on its way to people, and how far it came.

The watcher decides what people should see (``Incident.revision``); an alert remembers what Slack
has of it, so that after any interruption the same message goes on and none is posted twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from bot.domain.incidents.model import Incident, IncidentState


@dataclass(frozen=True, slots=True)
class Alert:
    """One incident's message.

    ``incident`` is as it should be seen. ``channel`` and ``message`` (a ts) are where it stands,
    "" before it was posted. ``refused`` is the channel it was meant for when the bot cannot post
    there, and it is told in another. ``due`` is the revision that Slack must have been given for
    certain, ``done`` the one that it was: what counts up in between may be skipped. ``remind`` says
    that a reminder in its thread is due.
    """

    incident: Incident
    channel: str = ""
    message: str = ""
    due: int = 0
    done: int = 0
    remind: bool = False
    refused: str = ""

    @property
    def waits(self) -> bool:
        """Whether something must be told yet."""
        return self.remind or self.done < self.due

    @property
    def closed(self) -> bool:
        """Whether it needs nothing any more: resolved, and told."""
        return self.incident.state is IncidentState.RESOLVED and not self.waits


class Button(Enum):
    """What a person may do with an incident. The values are the buttons' action ids."""

    ACKNOWLEDGE = "incident.ack"
    SILENCE = "incident.silence"


@dataclass(frozen=True, slots=True)
class Press:
    """A button that somebody pressed on an incident's message.

    ``user`` is a Slack user id, ``at`` the Unix time in seconds.
    """

    button: Button
    incident_id: str
    user: str
    at: float


def retold(known: Alert | None, incident: Incident) -> Alert:
    """The alert once the incident became another.

    The first word, another state and a silence must reach people; counting up may be skipped
    over, as the newest count comes with whatever is told next.
    """
    if known is None:
        return Alert(incident, channel=incident.channel, due=incident.revision)
    before = known.incident
    must = (
        not known.message
        or before.state is not incident.state
        or before.silenced_until != incident.silenced_until
    )
    due = incident.revision if must else known.due
    remind = known.remind and incident.state is IncidentState.FIRING
    return replace(known, incident=incident, due=due, remind=remind)


def readdressed(alert: Alert, channels: Sequence[str]) -> Alert | None:
    """The alert sent elsewhere when the bot cannot post in its channel; None: nowhere else.

    ``channels`` are those it may be told in as things are now, the first is the one it is meant
    for. What stands in a channel already stays there.
    """
    if alert.message:
        return None
    for channel in channels:
        if channel not in {"", alert.channel, alert.refused}:
            refused = "" if channel == channels[0] else channels[0]
            return replace(alert, channel=channel, refused=refused)
    return None
