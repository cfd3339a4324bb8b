"""Words from outside, made safe to stand in a message.

Slack's mrkdwn reads ``&``, ``<`` and ``>`` as markup; every text that is not ours is escaped
(https://docs.slack.dev/messaging/formatting-message-text#escaping). What cannot be seen, or
changes how its neighbours are seen, is taken out.
"""

from __future__ import annotations

import re
import unicodedata

ELLIPSIS = "…"
QUOTE_LENGTH = 60
MOST_CUT = 4
"""Texts that are so many times longer than their room are cut before they are looked at."""
JOINER = "\u200d"
"""Holds the parts of one emoji together: the one invisible character that is kept."""

_TERMINAL_CODES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])"
)
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def escape(text: str) -> str:
    """``text`` as mrkdwn that shows itself: nothing in it links, mentions or pings."""
    return visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def visible(text: str) -> str:
    """``text`` without terminal codes, direction marks and lone surrogates; its lines are kept."""
    if text.isprintable():
        return text
    lines = "\n".join(_TERMINAL_CODES.sub("", text).splitlines())
    return "".join(char for char in lines if _is_visible(char))


def one_line(text: str) -> str:
    """``text`` without invisible characters, every run of white space one space."""
    return " ".join(visible(" ".join(text.split())).split())


def shorten(text: str, length: int) -> str:
    """At most ``length`` characters of ``text``, an ellipsis where something was left out."""
    return text if len(text) <= length else text[: max(length - 1, 0)] + ELLIPSIS


def fit(text: str, length: int) -> str:
    """``text`` escaped, at most ``length`` characters; never cuts through an escape."""
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
    """``text`` in a code span, in one line of at most ``length`` characters, escaped."""
    plain = fit(one_line(text).replace("`", "'"), length)
    return f"`{plain}`" if plain else "(nothing)"


def _is_visible(char: str) -> bool:
    if char.isprintable() or char in {"\n", "\t", JOINER}:
        return True
    return unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
