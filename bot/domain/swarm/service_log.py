"""A service's log: the lines of all its tasks in order of time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line. ``at`` is when the container wrote it (Unix seconds of the node's clock).

    ``text`` is ready to be shown: no control characters, and values that look secret are masked.
    """

    at: float
    task_id: str
    node_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ServiceLog:
    """The available lines of a log, oldest first.

    ``trouble`` is a sentence on missing lines, "" if none are known to be missing.
    """

    lines: tuple[LogLine, ...]
    trouble: str = ""


def newest(lines: Iterable[LogLine], since: float, count: int) -> tuple[LogLine, ...]:
    """The last ``count`` lines of all tasks written since a Unix time, in order of time.

    Lines of one task keep their order, even with equal times.
    """
    ordered = sorted((line for line in lines if line.at >= since), key=lambda line: line.at)
    return tuple(ordered[-count:]) if count > 0 else ()


def continued(log: ServiceLog, later: ServiceLog) -> ServiceLog:
    """A log with the lines of a later reading that come after its own."""
    end = log.lines[-1].at if log.lines else 0.0
    newer = tuple(line for line in later.lines if line.at > end)
    return ServiceLog((*log.lines, *newer), log.trouble or later.trouble)


def containing(log: ServiceLog, text: str) -> ServiceLog:
    """The lines that contain a text, in capital or small letters.

    Masked values are not found: the lines are as they are shown.
    """
    wanted = text.casefold()
    return ServiceLog(
        tuple(line for line in log.lines if wanted in line.text.casefold()), log.trouble
    )
