"""The result tables of benchmarks."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """One benchmark's result. ``workload`` describes what was done and compared."""

    title: str
    workload: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        lines = [self.columns, tuple("-" * len(column) for column in self.columns), *self.rows]
        widths = [max(len(line[index]) for line in lines) for index in range(len(self.columns))]
        body = "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )
        return f"## {self.title}\n{self.workload}\n\n{body}\n"


def quantile(values: Sequence[float], share: float) -> float:
    """The quantile ``share`` (0 to 1) of the values, with linear interpolation."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def seconds(values: Sequence[float]) -> tuple[str, str, str]:
    """Median, minimum and maximum, in seconds."""
    return (f"{statistics.median(values):.3f}", f"{min(values):.3f}", f"{max(values):.3f}")
