"""The length of messages: how many lines of a phone, before and after."""

from __future__ import annotations

import asyncio
import statistics
from collections import defaultdict
from dataclasses import dataclass

from benchmarks.table import Table
from tests.lab.shell import run as run_tool
from tests.messages.limits import TROUBLE, WELL, exceeding
from tests.messages.lines import COLUMNS, lines_of, rows_of, sections_of
from tests.messages.page import PAGE, topics

BASE = "8fcae41"
"""The commit before messages had a limit."""
COLUMN_NAMES = (
    "",
    "messages",
    "lines, median",
    "most",
    "characters, median",
    "most",
    f"more rows than {WELL} or {TROUBLE}",
)


@dataclass(frozen=True)
class Length:
    """Lines of a phone and characters of one message."""

    lines: int
    characters: int


async def run(base: str = BASE) -> list[Table]:
    """Every kind of message on the page of the commit ``base``, and on the present page."""
    path = PAGE.relative_to(PAGE.parents[1])
    before = lengths(run_tool(["git", "-C", str(PAGE.parents[1]), "show", f"{base}:{path}"]))
    after = lengths(PAGE.read_text(encoding="utf-8"))
    over = exceeding(await asyncio.to_thread(topics))
    rows = [
        (*_row(topic, before.get(topic, []), found), _share(*over.get(topic, (0, 0))))
        for topic, found in after.items()
    ]
    total = _share(*(sum(numbers) for numbers in zip(*over.values(), strict=True)))
    rows.append(("all", "", "", "", "", "", total))
    return [
        Table(
            "messages: their length",
            f"every sample of {path}, wrapped at {COLUMNS} characters; {base} → now",
            COLUMN_NAMES,
            tuple(rows),
        )
    ]


def lengths(page: str) -> dict[str, list[Length]]:
    """The lengths of a page's messages by their topic."""
    found = defaultdict(list)
    for topic, _, message in sections_of(page):
        lines = lines_of(message)
        found[topic].append(Length(rows_of(lines), sum(map(len, lines))))
    return found


def _share(over: int, limited: int) -> str:
    return f"{over} of {limited}" if limited else "no limit"


def _row(topic: str, before: list[Length], after: list[Length]) -> tuple[str, ...]:
    pairs = [
        ([each.lines for each in before], [each.lines for each in after]),
        ([each.characters for each in before], [each.characters for each in after]),
    ]
    count = f"{len(before)} → {len(after)}" if len(before) != len(after) else str(len(after))
    cells = [
        f"{fold(old):.0f} → {fold(new):.0f}" if old else f"{fold(new):.0f}"
        for old, new in pairs
        for fold in (statistics.median, max)
    ]
    return (topic, count, *cells)
