"""A message as a value: what views make and the messenger sends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Metadata:
    """Slack's message metadata, so that other programs can follow along.

    ``payload`` is a flat object of strings, numbers, booleans and nulls
    (https://docs.slack.dev/messaging/message-metadata).
    """

    event_type: str
    payload: dict[str, str | int | float | bool | None]


@dataclass(frozen=True, slots=True)
class Message:
    """``text`` is the fallback for notifications and screen readers (already escaped mrkdwn).

    ``blocks`` are Block Kit blocks, within Slack's limits. ``metadata`` is None for messages
    that no program follows. ``broadcast`` says that a message in a thread is shown in its channel
    too: a thread's own messages notify only those who take part in it.
    """

    text: str
    blocks: tuple[Block, ...] = ()
    metadata: Metadata | None = None
    broadcast: bool = False
