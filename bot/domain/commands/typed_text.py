"""What a person typed, from the text that Slack sends: without links, mentions and formatting.

In messages, Slack escapes ``&``, ``<`` and ``>`` and turns names and addresses into links
(https://docs.slack.dev/messaging/formatting-message-text). Phones insert spaces that do not break.
"""

from __future__ import annotations

import re
from typing import Final

_LINK: Final = re.compile(r"<([@#!]?)([^<>|\s]*)(?:\|([^<>]*))?>")
_ENTITIES: Final = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}
_SPACES: Final = dict.fromkeys(map(ord, "\u00a0\u2007\u202f"), " ")
_EDGES: Final = " \t\r\n\u200b\u2060\ufeff"
"""White space, and invisible characters that editors leave beside a name."""
_FENCE: Final = "```"
_MARKS: Final = "`*_~"
"""Code, bold, italics and strike, when they are around the whole text."""


def typed(text: str) -> str:
    """The text as it was typed: without Slack's links, mentions and entities."""
    unwrapped = _LINK.sub(_unwrapped, text)
    for entity, char in _ENTITIES.items():
        unwrapped = unwrapped.replace(entity, char)
    return unwrapped


def restored(text: str) -> str:
    """A message's text as it would be after a slash command; ``typed`` of it is what was typed.

    It is escaped only where ``typed`` would otherwise change it once more.
    """
    plain = _unformatted(typed(text).translate(_SPACES))
    if typed(plain) == plain:
        return plain
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def after_name(text: str, bot: str) -> str | None:
    """A message's text after the mention of the user ``bot`` that it begins with.

    None if it begins with something else.
    """
    name = rf"<@{re.escape(bot)}(?:\|[^<>]*)?>"
    found = re.match(rf"[{_EDGES}]*(?P<mark>[*_~]*)(?:{name}[{_EDGES},:]*)+", text)
    if not bot or found is None:
        return None
    return text[found.end() :].rstrip(_EDGES).removesuffix(found["mark"][::-1])


def behind_name(text: str, bot: str) -> str:
    """A message's text behind the last mention of the user ``bot``; all of it without one."""
    name = rf"<@{re.escape(bot)}(?:\|[^<>]*)?>"
    return re.split(name, text)[-1].strip(f"{_EDGES},:") if bot else text


def _unformatted(text: str) -> str:
    """The text without formatting around all of it."""
    plain = text.strip(_EDGES)
    if len(plain) > 2 * len(_FENCE) and plain.startswith(_FENCE) and plain.endswith(_FENCE):
        return _unformatted(plain[len(_FENCE) : -len(_FENCE)])
    mark = plain[:1]
    around = len(plain) > 2 and mark in _MARKS and plain.endswith(mark)
    return _unformatted(plain[1:-1]) if around and plain.count(mark) == 2 else plain


def _unwrapped(link: re.Match[str]) -> str:
    kind, target, label = link.groups()
    shown: str = (label or target).removeprefix("mailto:")
    return {"": "", "!": "@"}.get(kind, kind) + shown
