"""Messages as values: made by views and sent by the messenger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

Block = dict[str, Any]
MetadataValue = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Metadata:
    """Slack's message metadata, for other programs.

    ``payload`` is a flat object of strings, numbers, booleans and nulls
    (https://docs.slack.dev/messaging/message-metadata).
    """

    event_type: str
    payload: dict[str, MetadataValue]


@dataclass(frozen=True, slots=True)
class Message:
    """A message. ``text`` (escaped mrkdwn) is the fallback for notifications and screen readers.

    ``blocks`` are Block Kit blocks, within Slack's limits. ``metadata`` is None for messages that
    are not meant for other programs. ``broadcast`` shows a thread message in its channel too:
    otherwise only people in the thread are notified. ``otherwise`` makes the message that is sent
    if the chat refuses the blocks; without it, that is the text alone.
    """

    text: str
    blocks: tuple[Block, ...] = ()
    metadata: Metadata | None = None
    broadcast: bool = False
    otherwise: Callable[[], Awaitable[Message]] | None = field(default=None, compare=False)
