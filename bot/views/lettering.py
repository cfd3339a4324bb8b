"""How much room words take in a picture, and words that fit a room.

An estimate of DejaVu Sans, which the pictures are lettered in, on the wide side: what fits by it
fits on the paper.
"""

from __future__ import annotations

from bot.domain.quoting import ELLIPSIS, MOST_CUT, one_line

NARROW, SMALL, WIDE = (
    frozenset("iIjl.,:;'|!()[]{}/\\ ftr-"),
    frozenset("_ckszvxyJ"),
    frozenset("mwMW@%—"),
)
ROOM_OF = {
    "narrow": 0.42, "small": 0.6, "wide": 1.0, "capital": 0.78, "other": 0.645, "foreign": 1.1,
}  # fmt: skip
BOLD = 1.12


def room(text: str, size: float, *, bold: bool = False) -> float:
    """About how many pixels wide a line of text is."""
    return sum(_room_of(char) for char in text) * size * (BOLD if bold else 1.0)


def fitted(text: str, size: float, most: float, *, bold: bool = False, tail: int = 0) -> str:
    """``text`` in one line, its invisible characters gone, at most ``most`` pixels wide.

    Where it is cut, its last ``tail`` characters are kept: they tell names of one kind apart.
    """
    letters = max(int(most / (size * ROOM_OF["narrow"])), 1)
    clean = one_line(text if len(text) <= MOST_CUT * letters else _ends(text, MOST_CUT * letters))
    if len(clean) <= letters and room(clean, size, bold=bold) <= most:
        return clean
    end = ELLIPSIS + (clean[-tail:] if tail else "")
    if room(end, size, bold=bold) > most / 2:
        end = ELLIPSIS
    left = most - room(end, size, bold=bold)
    kept: list[str] = []
    for char in clean[:letters]:
        left -= room(char, size, bold=bold)
        if left < 0:
            break
        kept.append(char)
    return "".join(kept) + end


def _ends(text: str, most: int) -> str:
    return text[: most // 2] + text[-(most // 2) :]


def _room_of(char: str) -> float:
    if char in NARROW:
        return ROOM_OF["narrow"]
    if char in WIDE:
        return ROOM_OF["wide"]
    if char in SMALL:
        return ROOM_OF["small"]
    if ord(char) > 0x24F and char != ELLIPSIS:
        return ROOM_OF["foreign"]
    return ROOM_OF["capital"] if char.isupper() else ROOM_OF["other"]
