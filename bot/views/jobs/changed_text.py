"""Two different texts, shown so that a person sees the difference."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from bot.domain.text.escaping import QUOTE_LENGTH, quoted

CONTEXT: Final = 16
"""Characters shown before the first difference, where the beginning is left out."""
_MARKS: Final = {"\r": "␍", "\n": "⏎", "\t": "⇥", "`": "\u02cb"}
_SPACES: Final = re.compile(r"^ +| +$|(?<= ) +| (?= )")
_UNSEEN: Final = " (differs in characters that cannot be shown)"


def changed_texts(old: str, new: str, length: int = QUOTE_LENGTH) -> tuple[str, str]:
    """Both texts in code spans of at most ``length`` characters, cut around their difference.

    White space that a person would not see has a mark.
    """
    before, after = _marked(old), _marked(new)
    start = _first_difference(before, after)
    if max(len(before), len(after)) > length and start > length // 2:
        before, after = (f"…{text[start - CONTEXT :]}" for text in (before, after))
    shown = quoted(before, length), quoted(after, length)
    same = len({unicodedata.normalize("NFC", each) for each in shown}) == 1
    return (shown[0], f"{shown[1]}{_UNSEEN}") if same else shown


def _marked(text: str) -> str:
    text = _SPACES.sub(lambda found: "␣" * len(found[0]), text)
    return "".join(_MARKS.get(char, char) for char in text)


def _first_difference(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))
