"""Block Kit blocks, within Slack's limits (https://docs.slack.dev/reference/block-kit/blocks).

Every mrkdwn text is ``verbatim``: Slack then does not create links or mentions from words in logs
and names.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from bot.domain.text.message import Block
from bot.views.slack.text import FENCE, plain, shorten

MOST_BLOCKS = 50
SECTION_LENGTH = 3000
HEADER_LENGTH = 150
CONTEXT_LENGTH = 1000
BUTTON_LENGTH = 75
CONFIRM_LENGTH = 300
TITLE_LENGTH = 100
CHOICE_LENGTH = 30
FIELD_LENGTH = 150
VALUE_LENGTH = 2000
MOST_BYTES = 12_000
"""Limit for all blocks as JSON.

Slack refuses about 13,000 characters, and adds an id to each block.
"""


def header(text: str) -> Block:
    """A headline; ``text`` is unescaped."""
    shown = {"type": "plain_text", "text": plain(text, HEADER_LENGTH) or "-", "emoji": True}
    return {"type": "header", "text": shown}


def section(text: str) -> Block:
    """A paragraph of mrkdwn; the caller must keep it within SECTION_LENGTH."""
    return {"type": "section", "text": _mrkdwn(text, SECTION_LENGTH)}


def packed(lines: Sequence[str]) -> list[Block]:
    """Lines of mrkdwn in as few paragraphs as possible; no line is cut."""
    paragraphs: list[str] = []
    for each in lines:
        if paragraphs and len(paragraphs[-1]) + len(each) + 1 <= SECTION_LENGTH:
            paragraphs[-1] = f"{paragraphs[-1]}\n{each}"
        else:
            paragraphs.append(each)
    return [section(text) for text in paragraphs if text]


def context(*texts: str) -> Block:
    """Small print: up to ten mrkdwn texts."""
    return {"type": "context", "elements": [_mrkdwn(text, CONTEXT_LENGTH) for text in texts[:10]]}


def actions(buttons: Sequence[Block], source: str = "") -> Block:
    """A row of buttons; ``source``, unique in its message, is sent back with each press."""
    row: Block = {"type": "actions", "elements": list(buttons)}
    return row | {"block_id": source} if source else row


def button(action_id: str, label: str, value: str, confirm: Block | None = None) -> Block:
    """A button; ``value`` is sent back when it is pressed."""
    shown: Block = {
        "type": "button",
        "action_id": action_id,
        "text": {"type": "plain_text", "text": plain(label, BUTTON_LENGTH), "emoji": True},
        "value": value[:VALUE_LENGTH],
    }
    return shown | {"confirm": confirm} if confirm else shown


def text_field(action_id: str, label: str, hint: str, block_id: str) -> Block:
    """A field for one line of text; what is typed comes with the press of a button beside it.

    ``hint`` is shown while it is empty. ``block_id`` is unique: the text belongs to it.
    """
    element: Block = {"type": "plain_text_input", "action_id": action_id}
    element |= {"placeholder": _plain(hint, FIELD_LENGTH)}
    return {
        "type": "input",
        "block_id": block_id,
        "label": _plain(label, FIELD_LENGTH),
        "element": element,
    }


def confirm(title: str, text: str, yes: str, no: str) -> Block:
    """The confirmation dialog of a button; all texts are unescaped."""
    return {
        "title": _plain(title, TITLE_LENGTH),
        "text": _plain(text, CONFIRM_LENGTH),
        "confirm": _plain(yes, CHOICE_LENGTH),
        "deny": _plain(no, CHOICE_LENGTH),
    }


def fits(blocks: Sequence[Block], most: int = 0) -> bool:
    """Whether Slack accepts these blocks in one message, by number and size.

    ``most`` is the number of lines that the message may have, 0 for any.
    """
    too_many = most and lines_in(blocks) > most
    return not too_many and len(blocks) <= MOST_BLOCKS and size(blocks) <= MOST_BYTES


def lines_in(blocks: Iterable[Block]) -> int:
    """The lines of a message; all buttons are one, and so is each text of small print."""
    count, has_buttons = 0, False
    for block in blocks:
        match block["type"]:
            case "section":
                lines = block["text"]["text"].split("\n")
                count += sum(each != FENCE for each in lines)
            case "context":
                count += len(block["elements"])
            case "actions":
                has_buttons = True
            case _:
                count += 1
    return count + has_buttons


def joined(parts: Iterable[str]) -> list[str]:
    """Parts of small print in as few texts as possible; no part is cut."""
    texts: list[str] = []
    for each in parts:
        if texts and len(texts[-1]) + len(each) + 3 <= CONTEXT_LENGTH:
            texts[-1] = f"{texts[-1]} · {each}"
        else:
            texts.append(each)
    return texts


def size(blocks: Iterable[Block]) -> int:
    """The size of the blocks as JSON, in bytes."""
    return len(json.dumps(list(blocks), ensure_ascii=False, separators=(",", ":")).encode())


def _mrkdwn(text: str, length: int) -> Block:
    return {"type": "mrkdwn", "text": shorten(text, length) or "-", "verbatim": True}


def _plain(text: str, length: int) -> Block:
    return {"type": "plain_text", "text": plain(text, length) or "-"}
