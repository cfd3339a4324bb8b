"""Tables in code blocks: aligned columns, cut to Slack's limits with a note.

Widths are those of a fixed-width font: an emoji or a Chinese character is as wide as two letters,
however many characters it consists of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wcwidth import clip, ljust, rjust, width

from bot.domain.text.escaping import ELLIPSIS, escape, one_line
from bot.domain.text.message import Block
from bot.views.slack.blocks import MOST_BYTES, SECTION_LENGTH, section, size
from bot.views.slack.text import FENCE

BLOCK_LENGTH = SECTION_LENGTH - 2 * len(FENCE) - 2
GAP = "  "
MORE_BYTES = 600
"""Bytes reserved for the line that counts the rows not shown."""
MOST_CELL = 4
"""Longer cells, in multiples of their column's width, are cut before they are processed."""


@dataclass(frozen=True, slots=True)
class Column:
    """``title`` is the heading; ``most`` the maximum width of a cell."""

    title: str
    most: int
    right: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """``blocks`` show the first ``shown`` rows."""

    blocks: tuple[Block, ...]
    shown: int


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], room: int) -> Table:
    """Rows of unescaped cells, as many as fit into ``room`` bytes of blocks.

    Columns that are empty in every row are left out.
    """
    cells = [
        [_cell(text, column) for text, column in zip(row, columns, strict=True)] for row in rows
    ]
    used = [index for index in range(len(columns)) if any(row[index] for row in cells)]
    kept = [columns[index] for index in used]
    grid = [[column.title for column in kept], *([row[index] for index in used] for row in cells)]
    widths = [max(width(row[index]) for row in grid) for index in range(len(kept))]
    lines = [escape(_line(row, kept, widths)) for row in grid]
    return _fitting(lines, min(room, MOST_BYTES))


def _cell(text: str, column: Column) -> str:
    """A cell as one line, without backticks, which would end the code block."""
    start = text[: MOST_CELL * column.most]
    line = one_line(start).replace("`", "'")
    if len(start) == len(text) and width(line) <= column.most:
        return line
    return clip(line, 0, column.most - 1, fillchar="") + ELLIPSIS


def _line(row: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    padded = [
        rjust(cell, wide) if column.right else ljust(cell, wide)
        for cell, column, wide in zip(row, columns, widths, strict=True)
    ]
    return GAP.join(padded).rstrip()


def _fitting(lines: Sequence[str], room: int) -> Table:
    """The heading and the first rows that fit; empty if no row fits."""
    pages = code_pages(lines)
    while len(pages) > 1 and size(_blocks(pages)) > room:
        pages.pop()
    count = sum(len(page) for page in pages)
    while count > 1 and size(_blocks(pages)) > room:
        pages[-1].pop()
        count -= 1
    return Table(_blocks(pages), count - 1) if count > 1 else Table((), 0)


def code_pages(lines: Sequence[str]) -> list[list[str]]:
    """Escaped lines in as few code blocks as possible; a line that is too long for one is cut."""
    pages: list[list[str]] = []
    room = 0
    for line in lines:
        cut = line if len(line) <= BLOCK_LENGTH else shorten_escaped(line, BLOCK_LENGTH)
        if not pages or len(cut) + 1 > room:
            pages.append([])
            room = BLOCK_LENGTH
        pages[-1].append(cut)
        room -= len(cut) + 1
    return pages


def shorten_escaped(text: str, length: int) -> str:
    """Escaped text cut to a length, never within an escape sequence."""
    kept = text[: length - 1]
    opened = kept.rfind("&")
    return (kept[:opened] if opened >= 0 and ";" not in kept[opened:] else kept) + "…"


def code_section(page: Sequence[str]) -> Block:
    """One page of escaped lines as a code block."""
    body = "\n".join(page)
    return section(f"{FENCE}\n{body}\n{FENCE}")


def _blocks(pages: Sequence[Sequence[str]]) -> tuple[Block, ...]:
    return tuple(code_section(page) for page in pages)
