"""Wide tables, as Slack's own table block or as a text file; and pages of code blocks.

Limits of the block (https://docs.slack.dev/reference/block-kit/blocks/table-block): one table in a
message, 100 rows, 20 columns, 10,000 characters in all cells. Widths in the file are those of a
fixed-width font: an emoji or a Chinese character is as wide as two letters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wcwidth import ljust, rjust, width

from bot.domain.text.escaping import one_line
from bot.domain.text.message import Block
from bot.views.slack.blocks import SECTION_LENGTH, section
from bot.views.slack.text import FENCE, plain, shorten

BLOCK_LENGTH = SECTION_LENGTH - 2 * len(FENCE) - 2
GAP = "  "
MOST_ROWS = 100
MOST_COLUMNS = 20
MOST_CHARACTERS = 10_000
MOST_CELL = 4000
"""A table with a longer cell has no block; the cell is cut in the file."""
EMPTY = "-"
"""A cell of the block has at least one character."""


@dataclass(frozen=True, slots=True)
class Column:
    """``title`` is the heading."""

    title: str
    right: bool = False


@dataclass(frozen=True, slots=True)
class WideTable:
    """Rows of unescaped cells; ``title`` is mrkdwn. Columns without any text are left out."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]

    def block(self) -> Block | None:
        """The table as a block with whole cells, None if it exceeds the block's limits."""
        kept = self._kept()
        columns = [self.columns[index] for index in kept]
        rows = [[column.title for column in columns]]
        rows += [
            [plain(row[index], MOST_CELL) or EMPTY for index in kept]
            for row in self.rows[:MOST_ROWS]
        ]
        if (
            len(self.rows) >= MOST_ROWS
            or not 0 < len(columns) <= MOST_COLUMNS
            or any(len(cell) > MOST_CELL for row in self.rows for cell in row)
            or sum(len(cell) for row in rows for cell in row) > MOST_CHARACTERS
        ):
            return None
        return {
            "type": "table",
            "rows": [[{"type": "raw_text", "text": cell} for cell in row] for row in rows],
            "column_settings": [{"align": "right" if each.right else "left"} for each in columns],
        }

    def file(self) -> bytes:
        """The whole table as a text, with aligned columns."""
        kept = self._kept()
        grid = [[self.columns[index].title for index in kept]]
        grid += [[one_line(shorten(row[index], MOST_CELL)) for index in kept] for row in self.rows]
        widths = [max(width(row[at]) for row in grid) for at in range(len(kept))]
        lines = (_line(row, [self.columns[index] for index in kept], widths) for row in grid)
        return "".join(f"{each}\n" for each in lines).encode("utf-8", "replace")

    def _kept(self) -> list[int]:
        """The columns that have any text."""
        return [i for i in range(len(self.columns)) if any(row[i].strip() for row in self.rows)]


def _line(row: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    return GAP.join(_padded(row, columns, widths)).rstrip()


def _padded(row: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> Iterator[str]:
    for cell, column, wide in zip(row, columns, widths, strict=True):
        yield rjust(cell, wide) if column.right else ljust(cell, wide)


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
