"""The buttons of an alert."""

from __future__ import annotations

from typing import Final

from bot.domain.commands.names import SERVICE_VALUE, is_service_name, job_id
from bot.domain.incidents.model import Incident, IncidentState
from bot.domain.swarm.causes import CauseKind
from bot.domain.text.message import Block
from bot.views.slack.blocks import actions, button, confirm
from bot.views.slack.text import plain

CHOICE: Final = "Silence 1 h"
RESTARTABLE: Final = frozenset(
    {
        CauseKind.EXIT_CODE,
        CauseKind.OUT_OF_MEMORY,
        CauseKind.UNHEALTHY,
        CauseKind.ENDED,
    }
)
"""Causes that a new container may resolve; for the others a restart does not help."""


def buttons_of(incident: Incident, now: float) -> list[Block]:
    """What can be done about an incident at ``now``."""
    open_now = incident.state is not IncidentState.RESOLVED
    buttons = []
    if not incident.is_node and incident.cause.kind is not CauseKind.UNSCHEDULABLE:
        buttons.append(button("incident.logs", "Logs", incident.id))
    if open_now and not incident.is_node:
        buttons += _remedies(incident)
    if incident.state is IncidentState.FIRING:
        buttons.append(button("incident.ack", "Acknowledge", incident.id))
    if open_now and not incident.silenced(now):
        buttons.append(button("incident.silence", CHOICE, incident.id))
    return [actions(buttons, f"incident:{incident.id}")] if buttons else []


def _remedies(incident: Incident) -> list[Block]:
    """The button that may help: a rollback after a recent change, else a restart.

    The one of a deploy that failed is that of its message: it shows a plan for the whole stack.
    """
    name, before = incident.service, incident.began_after
    if before is not None and before.way_back > 0 and job_id(before.id):
        text = f"Shows a plan to go back to version {before.way_back}. Nothing happens before"
        question = confirm("Roll back?", f"{text} Confirm.", "Show the plan", "No")
        label = f"Roll back to version {before.way_back}"
        return [button("job.rollback", label, before.id, question)]
    if not is_service_name(name):  # it would be altered in a button's value
        return []
    if incident.can_roll_back:
        text = f"A new job brings {plain(name, 100)} back to what it was before its last update."
        question = confirm("Roll back?", text, "Roll back", "No")
        return [button("job.rollback", "Roll back", f"{SERVICE_VALUE}{name}", question)]
    if incident.cause.kind not in RESTARTABLE:
        return []
    text = f"A new job replaces the tasks of {plain(name, 100)}, one after the other."
    return [button("job.restart", "Restart", name, confirm("Restart?", text, "Restart", "No"))]
