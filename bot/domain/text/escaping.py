"""Makes external text safe for messages.

Slack's mrkdwn interprets ``&``, ``<`` and ``>`` as markup, so all external text is escaped
(https://docs.slack.dev/messaging/formatting-message-text#escaping). Characters that are invisible,
or change how others are displayed, are removed.
"""

from __future__ import annotations

import re
import unicodedata

ELLIPSIS = "…"
QUOTE_LENGTH = 60
MOST_CUT = 4
"""Texts that exceed their limit by this factor are cut before they are processed."""
JOINER = "\u200d"
"""Joins the parts of one emoji; the only invisible character that is kept."""

_TERMINAL_CODES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])"
)
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def escape(text: str) -> str:
    """``text`` escaped for mrkdwn, so that nothing in it links, mentions or pings."""
    return visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def visible(text: str) -> str:
    """``text`` without terminal codes, direction marks and lone surrogates; keeps line breaks."""
    if text.isprintable():
        return text
    lines = "\n".join(_TERMINAL_CODES.sub("", text).splitlines())
    return "".join(char for char in lines if _is_visible(char))


def one_line(text: str) -> str:
    """``text`` without invisible characters and with white space collapsed to single spaces."""
    return " ".join(visible(" ".join(text.split())).split())


def shorten(text: str, length: int) -> str:
    """``text`` cut to ``length`` characters, with an ellipsis if something was left out."""
    return text if len(text) <= length else text[: max(length - 1, 0)] + ELLIPSIS


def fit(text: str, length: int) -> str:
    """``text`` escaped, at most ``length`` characters; never cut within an escape sequence."""
    if len(text) <= MOST_CUT * length:
        escaped = escape(text)
        if len(escaped) <= length:
            return escaped
    kept: list[str] = []
    room = length - len(ELLIPSIS)
    for char in visible(text[: MOST_CUT * length]):
        room -= len(_ESCAPES.get(char, char))
        if room < 0:
            break
        kept.append(_ESCAPES.get(char, char))
    return "".join(kept) + ELLIPSIS


def quoted(text: str, length: int = QUOTE_LENGTH) -> str:
    """``text`` escaped in a code span, as one line of at most ``length`` characters."""
    plain = fit(one_line(text).replace("`", "'"), length)
    return f"`{plain}`" if plain else "(nothing)"


def _is_visible(char: str) -> bool:
    if char.isprintable() or char in {"\n", "\t", JOINER}:
        return True
    return unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
