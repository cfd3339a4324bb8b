"""Converts Slack's payloads into the bot's requests."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from bot.ports import Request

Payload = dict[str, Any]

LONGEST_TYPED: Final = 200


def command_request(payload: Payload) -> Request:
    """A slash command (https://docs.slack.dev/interactivity/implementing-slash-commands)."""
    return Request(
        key=delivery_key(payload),
        user=_text(payload, "user_id"),
        channel=_text(payload, "channel_id"),
        text=_text(payload, "text"),
        reply_url=_text(payload, "response_url"),
        team=_text(payload, "team_id"),
    )


def press_request(payload: Payload) -> Request:
    """A button press or a menu selection: a ``block_actions`` payload.

    (https://docs.slack.dev/reference/interaction-payloads/block_actions-payload). In a view instead
    of a message, it has neither channel nor message. The user's own team is in ``user``; ``team``
    and ``enterprise`` are those of the app.
    """
    action: Payload = next(iter(payload.get("actions") or []), {})
    container: Payload = payload.get("container") or {}
    return Request(
        key=delivery_key(payload),
        user=_text(payload.get("user") or {}, "id"),
        channel=_text(payload.get("channel") or {}, "id") or _text(container, "channel_id"),
        reply_url=_text(payload, "response_url"),
        action_id=_text(action, "action_id"),
        value=_value(action),
        message=_text(container, "message_ts") or _text(payload.get("message") or {}, "ts"),
        source=_text(action, "block_id").partition("/")[0],
        typed=_typed(payload),
        team=_text(payload.get("user") or {}, "team_id") or _text(payload.get("team") or {}, "id"),
    )


def home_viewer(payload: Payload) -> str:
    """The viewer of the Home tab in an ``app_home_opened`` event; "" for another tab of the app.

    (https://docs.slack.dev/reference/events/app_home_opened)
    """
    event: Payload = payload.get("event") or {}
    return _text(event, "user") if _text(event, "tab") == "home" else ""


def delivery_key(payload: Payload) -> str:
    """The same key for repeated deliveries: Slack's trigger id, or a digest of the payload."""
    trigger = _text(payload, "trigger_id")
    if trigger:
        return trigger
    canonical = json.dumps(payload, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _typed(payload: Payload) -> str:
    """What is in the message's text field; Slack sends the state of its fields with each press."""
    state = payload.get("state")
    values = state.get("values") if isinstance(state, dict) else None
    blocks = values.values() if isinstance(values, dict) else ()
    fields = (field for block in blocks if isinstance(block, dict) for field in block.values())
    typed = (_text(field, "value") for field in fields if isinstance(field, dict))
    return next(filter(None, typed), "")[:LONGEST_TYPED]


def _value(action: Payload) -> str:
    chosen: Payload = action.get("selected_option") or {}
    return _text(action, "value") or _text(chosen, "value")


def _text(payload: Payload, name: str) -> str:
    value = payload.get(name)
    return value if isinstance(value, str) else ""
