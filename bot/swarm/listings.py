"""Reads the engine's lists one object at a time.

Python's own ``json.loads`` keeps all other threads waiting until it has read the whole text: a
tenth of a second for ten thousand tasks. Reading one object after the other, a thread lets the
event loop run in between, and only what is kept of each object stays in memory.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

T = TypeVar("T")
Json = dict[str, Any]

_DECODER: Final = json.JSONDecoder()
_BETWEEN: Final = re.compile(r"\s*([\[,\]])\s*")


def kept(text: str, keep: Callable[[Json], T]) -> tuple[T, ...]:
    """What ``keep`` returns for each object of a JSON array. Raises ValueError if it is broken."""
    return tuple(keep(found) for found in _objects(text))


def _objects(text: str) -> Iterator[Json]:
    place, sign = _sign(text, 0, "[")
    if text.startswith("]", place):
        place, sign = _sign(text, place, "]")
    while sign != "]":
        found, place = _DECODER.raw_decode(text, place)
        yield found
        place, sign = _sign(text, place, ",]")
    if place != len(text):
        raise json.JSONDecodeError("Extra data", text, place)


def _sign(text: str, place: int, allowed: str) -> tuple[int, str]:
    """The place after the next sign of the array, and the sign."""
    found = _BETWEEN.match(text, place)
    if found is None or found[1] not in allowed:
        raise json.JSONDecodeError(f"Expecting one of {allowed}", text, place)
    return found.end(), found[1]
