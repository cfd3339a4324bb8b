"""A service's log: the lines of all its tasks in the order of time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line. ``at`` is when its container wrote it (Unix seconds of the node's clock).

    ``text`` is fit for reading: without control characters, what looks secret is masked.
    """

    at: float
    task_id: str
    node_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ServiceLog:
    """What could be had of a log, oldest line first.

    ``trouble`` is a sentence on what is missing, "" where nothing is known to be.
    """

    lines: tuple[LogLine, ...]
    trouble: str = ""


def newest(lines: Iterable[LogLine], since: float, count: int) -> tuple[LogLine, ...]:
    """The last ``count`` lines of all tasks that were written since a Unix time, in its order.

    Lines of one task stay in the order in which it wrote them, also within one moment.
    """
    ordered = sorted((line for line in lines if line.at >= since), key=lambda line: line.at)
    return tuple(ordered[-count:]) if count > 0 else ()
