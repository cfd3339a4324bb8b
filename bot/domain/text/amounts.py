"""Numbers and durations as people read them."""

from __future__ import annotations

MOST_TIME = 32503680000.0
"""The year 3000: a later time is a mistake."""


def duration(seconds: float) -> str:
    """A duration in its two largest units: ``0.6 s``, ``1 min 20 s``, ``3 h 5 min``."""
    if not 0 <= seconds < MOST_TIME:
        return "an unknown time"
    if seconds < 9.95:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    whole = round(seconds)
    for size, unit, smaller, small_unit in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {small_unit}" if rest else "")
    return f"{whole} s"


def age(seconds: float) -> str:
    """A duration in its largest unit, for lists: ``40 s``, ``3 min``, ``5 h``, ``12 d``."""
    if not 0 <= seconds < MOST_TIME:
        return "an unknown time"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(int(seconds), 1)} s"


def plural(count: int, one: str, many: str = "") -> str:
    """``1 replica``, ``2 replicas``; ``many`` if the plural does not end in s: ``2 tasks wait``."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"
