"""Alerts: the delivery state of incidents.

The watcher decides what people should see (``Incident.revision``). An alert records what Slack
already shows, so that after an interruption the same message is continued and none is posted twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from bot.domain.incidents.model import Incident, IncidentState


@dataclass(frozen=True, slots=True)
class Alert:
    """The message of one incident.

    ``incident`` is the state to be shown. ``channel`` and ``message`` (a ts) are the message's
    address, "" before it was posted. ``refused`` is the intended channel if the bot cannot post
    there and posts in another one. ``due`` is the revision that must reach Slack, ``done`` the last
    one that did; revisions in between may be skipped. ``remind`` says that a reminder in its thread
    is due.
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
        """Whether something still has to be sent."""
        return self.remind or self.done < self.due

    @property
    def addressed(self) -> Incident:
        """The incident with the address of its message."""
        return replace(self.incident, channel=self.channel, message=self.message)

    @property
    def closed(self) -> bool:
        """Whether nothing is left to do: the incident is resolved and Slack shows it."""
        return self.incident.state is IncidentState.RESOLVED and not self.waits


class Button(Enum):
    """The buttons of an incident. The values are their action ids."""

    ACKNOWLEDGE = "incident.ack"
    SILENCE = "incident.silence"


@dataclass(frozen=True, slots=True)
class Press:
    """A press of a button on an incident's message.

    ``user`` is a Slack user id, ``at`` the Unix time in seconds.
    """

    button: Button
    incident_id: str
    user: str
    at: float


def retold(known: Alert | None, incident: Incident) -> Alert:
    """The alert updated with the incident's new state.

    The first message, a change of state and a silence must reach people. Changed counts may be
    skipped, because the next message includes the newest count.
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
    """The alert with another channel if the bot cannot post in its own; None if there is none.

    ``channels`` are the channels that may be used now, the intended one first. A message that was
    already posted stays where it is.
    """
    if alert.message:
        return None
    for channel in channels:
        if channel not in {"", alert.channel, alert.refused}:
            refused = "" if channel == channels[0] else channels[0]
            return replace(alert, channel=channel, refused=refused)
    return None
