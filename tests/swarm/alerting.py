"""A desk whose bot sends alerts, and the alerts that a person sees."""

from __future__ import annotations

from collections.abc import Callable

from playground.slack import Message
from tests.desk import Desk

ALERTS = "C0ALERTS01"
QUIET = {"BOT_ALERTS_CHANNEL": ALERTS, "BOT_ALERTS_QUIET_SECONDS": "2"}


def is_incident(message: Message) -> bool:
    """Whether this is an alert's message."""
    return (message.metadata or {}).get("event_type") == "swarm_incident"


def incidents(desk: Desk) -> list[Message]:
    """All alert messages in the workspace, oldest first."""
    messages = desk.slack.workspace.messages.values()
    return sorted(filter(is_incident, messages), key=lambda message: message.ts)


async def incident(
    desk: Desk,
    target: str,
    state: str = "firing",
    *,
    also: Callable[[Message], bool] = lambda _message: True,
    seconds: float = 60.0,
) -> Message:
    """Wait for the alert of ``target`` (a full name) to reach a state."""

    def fits(message: Message) -> bool:
        if not is_incident(message):
            return False
        payload = message.payload
        return payload["target"] == target and payload["state"] == state and also(message)

    return await desk.slack.wait_for_message(fits, timeout=seconds, channel=ALERTS)


async def edited(desk: Desk, message: Message, *words: str, seconds: float = 40.0) -> Message:
    """Wait until a message shows all of these words."""

    def fits(each: Message) -> bool:
        return each is message and all(word in each.shown_text for word in words)

    return await desk.slack.wait_for_message(fits, timeout=seconds)
