"""Messages in Slack's format, and the few sentences of the adapter itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from bot.domain.errors import BotError, RefusedError
from bot.domain.text.message import Message

EDIT_TEXT: Final = 4_000
"""``chat.update`` accepts less text than ``chat.postMessage``
(https://docs.slack.dev/reference/methods/chat.update)."""
POST_TEXT: Final = 40_000
HOME_TEXT: Final = 3_000


def shortened(text: str, longest: int) -> str:
    """Escaped text cut to a limit, never within an entity."""
    if len(text) <= longest:
        return text
    head = text[: longest - 1]
    entity = head.rfind("&")
    if entity >= 0 and ";" not in head[entity:]:
        head = head[:entity]
    return head + "…"


def post_arguments(message: Message) -> dict[str, Any]:
    """The arguments of ``chat.postMessage`` for a message."""
    shown = {"reply_broadcast": True} if message.broadcast else {}
    return _content(message, POST_TEXT) | {"unfurl_links": False, "unfurl_media": False} | shown


def edit_arguments(message: Message) -> dict[str, Any]:
    """The arguments of ``chat.update``, which keeps blocks and metadata that are left out.

    ``parse`` is set because its default differs from ``chat.postMessage``.
    """
    return {"metadata": {}} | _content(message, EDIT_TEXT) | {"parse": "none"}


def ephemeral_body(message: Message) -> dict[str, Any]:
    """The body that shows a message to one person, as a command's answer or at a response URL."""
    body: dict[str, Any] = {"response_type": "ephemeral", "replace_original": False}
    body["text"] = shortened(message.text, POST_TEXT)
    if message.blocks:
        body["blocks"] = list(message.blocks)
    return body


def home_view(message: Message) -> dict[str, Any]:
    """A Home tab; only the text if there are no blocks."""
    text = {"type": "plain_text", "text": shortened(message.text, HOME_TEXT)}
    blocks = list(message.blocks) or [{"type": "section", "text": text}]
    return {"type": "home", "blocks": blocks}


def simpler(message: Message) -> tuple[Message, ...]:
    """The message with fewer and fewer of the parts that Slack may reject.

    The metadata is kept for as long as possible: the bot finds the message by it.
    """
    bare = replace(message, blocks=())
    alone = replace(bare, metadata=None)
    return (alone,) if bare == alone else (bare, alone)


def internal_error(word: str = "command") -> BotError:
    """The sentence for an internal error during a command or a button press."""
    return BotError(
        f"Something went wrong inside the bot with that {word}.",
        hint="Check `status` or `jobs` before you repeat it. The bot's log has details.",
    )


def unknown_command(used: str, command: str) -> BotError:
    """The sentence for a slash command that the bot is not configured to answer."""
    return RefusedError(
        f"This bot answers to `{command}`, not to `{used}`.",
        hint="The slash command in the Slack app and the bot's setting BOT_COMMAND differ.",
    )


def _content(message: Message, longest: int) -> dict[str, Any]:
    content: dict[str, Any] = {
        "text": shortened(message.text, longest),
        "blocks": list(message.blocks),
    }
    if message.metadata is not None:
        content["metadata"] = {
            "event_type": message.metadata.event_type,
            "event_payload": message.metadata.payload,
        }
    return content
