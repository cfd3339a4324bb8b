"""Reads the engine's lists one object at a time, as they arrive.

Python's own ``json.loads`` keeps all other threads waiting until it has read the whole text: a
tenth of a second for ten thousand tasks. Reading one object after the other, a thread lets the
event loop run in between. In memory are only a piece of the text and what is kept of each object:
the text of ten thousand tasks has ten megabytes, and up to four lists are read at a time.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeVar

T = TypeVar("T")
Json = dict[str, Any]

PIECE: Final = 2**16
"""Minimum number of bytes that are added to the text at once, unless it ends."""

_DECODER: Final = json.JSONDecoder()
_SPACE: Final = re.compile(r"\s*")


def kept(parts: Iterable[bytes], keep: Callable[[Json], T]) -> tuple[T, ...]:
    """What ``keep`` returns for each object of a JSON array, which comes in parts of any size.

    Raises ValueError if it is broken.
    """
    return tuple(keep(found) for found in _objects(_Text(parts)))


class _Text:
    """The text from the next sign on, as far as it is needed."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = iter(parts)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._place = 0

    def ahead(self) -> str:
        """The next sign that is no space; "" at the end."""
        while True:
            space = _SPACE.match(self._text, self._place)
            self._place = space.end() if space else self._place
            if self._place < len(self._text) or not self._more():
                return self._text[self._place : self._place + 1]

    def take(self, *allowed: str) -> str:
        """The next sign, which must be one of these."""
        sign = self.ahead()
        if sign not in allowed:
            raise json.JSONDecodeError(f"Expecting one of {allowed}", self._text, self._place)
        self._place += 1
        return sign

    def object(self) -> Json:
        """The next object."""
        self.ahead()
        while True:
            try:
                found: Json
                found, self._place = _DECODER.raw_decode(self._text, self._place)
            except json.JSONDecodeError:
                if not self._more():
                    raise
            else:
                return found

    def _more(self) -> bool:
        """Replace what was read by the next piece; False at the end.

        An object that is longer than a piece needs few more tries, as each doubles the text.
        """
        rest = self._text[self._place :]
        found, missing = [], max(PIECE, len(rest))
        while missing > 0 and (part := next(self._parts, None)) is not None:
            found.append(part)
            missing -= len(part)
        self._text = rest + self._decoder.decode(b"".join(found), final=not found)
        self._place = 0
        return bool(found)


def _objects(text: _Text) -> Iterator[Json]:
    text.take("[")
    sign = text.take("]") if text.ahead() == "]" else ","
    while sign == ",":
        yield text.object()
        sign = text.take(",", "]")
    if left := text.ahead():
        raise json.JSONDecodeError("Extra data", left, 0)
