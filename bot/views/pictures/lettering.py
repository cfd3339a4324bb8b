"""Text widths in pictures, and text that fits a width.

Measured with the widths of DejaVu Sans, the font of the pictures. A character that is not in
``PICTURED`` is shown as a box.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from functools import lru_cache
from typing import Final

from bot.domain.text.escaping import ELLIPSIS, MOST_CUT, one_line
from bot.domain.text.figure import SCALES
from bot.views.pictures.advances import BOLD, REGULAR

UNITS: Final = 2048
"""Units per font size."""
SPANS: Final = (
    (0x20, 0x7E), (0xA1, 0xAC), (0xAE, 0x17F),  # Latin
    (0x391, 0x3A1), (0x3A3, 0x3A9), (0x3AC, 0x3CE),  # Greek
    (0x400, 0x45F),  # Cyrillic
)  # fmt: skip
BOX: Final = "▯"
SIGNS: Final = "–—‘’“”•…€←↑→↓−★☆●◐◔○✕▽✓" + BOX  # noqa: RUF001 - these very signs
PICTURED: Final = "".join(chr(code) for low, high in SPANS for code in range(low, high + 1)) + SIGNS
"""The characters that pictures can show. Names in a swarm are ASCII.

The other characters are for texts written by people.
"""
UNSEEN: Final = frozenset({"Mn", "Me", "Cf"})
"""Categories of characters that only modify their neighbours: combining accents, joiners."""
NARROWEST: Final = 0.2
"""Width of the narrowest character, as a share of the font's size."""


def room(text: str, size: float, *, bold: bool = False) -> float:
    """The width of a line in pixels. ``text`` has only characters of ``PICTURED``."""
    return max(sum(map(_pixels(size * scale, bold).__getitem__, text)) / scale for scale in SCALES)


def lettered(text: str) -> str:
    """``text`` as one line, with a box for each character that is not in ``PICTURED``."""
    known = _pixels(1.0, bold=False)
    return "".join(
        char if char in known else BOX
        for char in one_line(text)
        if char in known or unicodedata.category(char) not in UNSEEN
    )


def fitted(text: str, size: float, most: float, *, bold: bool = False, tail: int = 0) -> str:
    """``text`` as a picture can show it, at most ``most`` pixels wide.

    If it is cut, its last ``tail`` characters are kept, because they distinguish similar names.
    """
    letters = max(int(most / (size * NARROWEST)), 1)
    clean = lettered(text if len(text) <= MOST_CUT * letters else _ends(text, MOST_CUT * letters))
    if len(clean) <= letters and room(clean, size, bold=bold) <= most:
        return clean
    end = ELLIPSIS + (clean[-tail:] if tail else "")
    if room(end, size, bold=bold) > most / 2:
        end = ELLIPSIS

    def wide(kept: int) -> float:
        return room(clean[:kept] + end, size, bold=bold)

    kept = bisect_right(range(min(len(clean), letters) + 1), most, key=wide) - 1
    return clean[: max(kept, 0)] + end


def _ends(text: str, most: int) -> str:
    return text[: most // 2] + text[-(most // 2) :]


@lru_cache
def _pixels(size: float, bold: bool) -> dict[str, int]:  # noqa: FBT001 - the cache's key
    """The width of each character in pixels.

    FreeType rounds to 64ths of a pixel first, and then to whole pixels.
    """
    widths = map(int, (BOLD if bold else REGULAR).split())
    return {
        char: (int(width * size * 64 / UNITS + 0.5) + 32) // 64
        for char, width in zip(PICTURED, widths, strict=True)
    }
