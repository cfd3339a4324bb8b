"""Lines for a phone: how wide a line is displayed, and the longest form of it that fits.

A screen of 390 pixels shows about 45 characters in a line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape
from itertools import takewhile

from wcwidth import width

from bot.views.slack.text import line

LINE = 45
"""Characters that fit into a line."""
SEPARATOR = " · "
INDENT = "    "
"""Begins a line that belongs to the one above it."""

_MARKUP = re.compile(r"<(?:[^<>|]*\|)?([^<>]*)>|[*`]")
_MENTION = "@Someone"
"""A name of usual length: Slack displays names for ids."""


def displayed(text: str) -> int:
    """The width of a line of mrkdwn as it is displayed, in characters."""
    return width(unescape(_MARKUP.sub(_shown, text)))


def fitting(*forms: str) -> str:
    """The first of the forms of a line that fits; if none does, the last."""
    return next((each for each in forms if displayed(each) <= LINE), forms[-1])


def alike(rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a list, all in the first form in which each of them fits.

    Each row has as many forms as the others. What one line says, the others do not leave out.
    """
    if not rows:
        return []
    fits = (each for each in zip(*rows, strict=True) if all(displayed(one) <= LINE for one in each))
    return list(next(fits, [row[-1] for row in rows]))


def joined(*parts: str) -> str:
    """The parts that are not empty as one line: ``worker01.1 · m-01 · running 1 h``."""
    return SEPARATOR.join(filter(None, parts))


def differences(texts: Sequence[str]) -> list[str]:
    """Of each text what tells it apart from the others, short enough for a line of its own."""
    return [line(_distinct(text, texts), LINE - len(INDENT) - 1) for text in texts]


def _distinct(text: str, texts: Sequence[str]) -> str:
    """The text without the words that another one begins with as well."""
    most = max((shared(text, each) for each in texts if each != text), default=0)
    start = text.rfind(" ", 0, most) + 1
    return f"…{text[start:]}" if start else text


def shared(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _shown(found: re.Match[str]) -> str:
    inner = found[1] or ""
    return _MENTION if inner.startswith("@") else inner
