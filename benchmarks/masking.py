"""Masking long log lines: CPU time of ordinary ones and of lines made to be slow."""

from __future__ import annotations

import time

from benchmarks.table import Table, seconds
from bot.domain.text.redaction import masked

ROUNDS = 15
LENGTH = 50_000
LINES = {
    "one word": "x",
    "JSON without secrets": '{"level":"info","msg":"GET /items?page=2","took":0.031,"host":"web"} ',
    "a password in each word": "password=a ",
    "a login in each word": "http://ann:sesame@db/ ",
    "unfinished addresses": "://a:",
    "unfinished options": "--password ",
}


async def run() -> list[Table]:
    """Each line repeatedly, in this thread."""
    rows = []
    for name, part in LINES.items():
        line = part * (LENGTH // len(part))
        rows.append((name, *seconds([_took(line) for _ in range(ROUNDS)])))
    return [
        Table(
            "masking: CPU seconds for one log line",
            f"{ROUNDS} rounds each, lines of {LENGTH} characters",
            ("", "median s", "least", "most"),
            tuple(rows),
        )
    ]


def _took(line: str) -> float:
    began = time.thread_time()
    masked(line)
    return time.thread_time() - began
