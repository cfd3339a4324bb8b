"""Converts Slack's payloads into the bot's requests."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from bot.domain.commands.typed_text import after_name, behind_name, restored
from bot.ports import Request, Spoken

Payload = dict[str, Any]

LONGEST_TYPED: Final = 200
SAID: Final = frozenset({"", "file_share", "thread_broadcast"})
"""The subtypes of messages that people write
(https://docs.slack.dev/reference/events/message#subtypes)."""
SLACKBOT: Final = "USLACKBOT"


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
        thread=_thread(container, "message_ts") or _thread(payload.get("message") or {}, "ts"),
    )


def spoken_request(payload: Payload, bot: str, name: str) -> Request | None:
    """A message to the bot: a mention in a channel, or a message in the direct conversation.

    None for any other message: of a bot, of the bot itself, an edit, a deletion, somebody joining.
    Slack sends a mention again when its message is edited
    (https://docs.slack.dev/reference/events/app_mention,
    https://docs.slack.dev/reference/events/message.im). ``bot`` is the bot's user id, ``name`` its
    name. The key is the message's own, so that it is answered once whatever Slack sends about it.
    """
    event: Payload = payload.get("event") or {}
    kind, user = _text(event, "type"), _text(event, "user")
    direct = kind == "message" and _text(event, "channel_type") == "im"
    if not (direct or kind == "app_mention") or not _is_of_a_person(event, bot):
        return None
    said, channel, ts = (_text(event, key) for key in ("text", "channel", "ts"))
    rest = after_name(said, bot)
    return Request(
        key=f"{channel}:{ts}",
        user=user,
        channel=channel,
        text=restored(behind_name(said, bot) if rest is None else rest),
        message=ts,
        team=_text(event, "user_team") or _text(event, "source_team"),
        thread=_thread(event, "ts"),
        spoken=Spoken(
            "" if direct else f"@{name}",
            begins=direct or rest is not None,
            shared=payload.get("is_ext_shared_channel") is True,
        ),
    )


def is_typed_message(payload: Payload) -> bool:
    """Whether an event is a message that a person wrote; other events are nothing they wait for."""
    event: Payload = payload.get("event") or {}
    return _text(event, "type") in {"app_mention", "message"} and _is_of_a_person(event, "")


def _is_of_a_person(event: Payload, bot: str) -> bool:
    """Whether a person wrote the message just now."""
    if event.get("bot_id") or event.get("edited") or event.get("hidden"):
        return False
    return _text(event, "subtype") in SAID and _text(event, "user") not in {"", bot, SLACKBOT}


def _thread(message: Payload, ts: str) -> str:
    """The thread that a message is a reply in, "" for none; ``ts`` is the key of its own ts."""
    thread = _text(message, "thread_ts")
    return "" if thread == _text(message, ts) else thread


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
