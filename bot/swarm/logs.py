"""Makes logs from the engine readable. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from typing import Final

from bot.domain.text.redaction import masked

MOST_BYTES: Final = 16 * 1024
"""How much of a log is kept, counted from its end."""

_HEADER: Final = 8
_ENGINES_OWN: Final = 3
_STREAMS: Final = frozenset({0, 1, 2, _ENGINES_OWN})
_ESCAPES: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours and cursor moves
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # window titles and links
    r"|\x1b[ -/]*[0-~]"  # the two-character kind
)
_OVERWRITTEN: Final = re.compile(r"^[^\n]*\r(?=[^\r\n])", re.MULTILINE)
"""Anchored: else a long line would be searched again from each of its characters."""


class Demultiplexer:
    """Parses the frames of a log as they arrive (Engine API, "Attach to a container").

    Each frame has a header of eight bytes: the stream, three zeros, and the length, big-endian.
    Stream 3 is not output of the task: there the engine says why a log is incomplete. The log of a
    container with a terminal has no frames and is passed on unchanged. Only the end of the data is
    kept, at most ``most`` bytes; ``cut`` says that there was more.
    """

    def __init__(self, most: int = 4 * MOST_BYTES) -> None:
        self.cut = False
        self._most = most
        self._rest = b""
        self._left = 0
        self._stream = 0
        self._raw: bool | None = None
        self._kept: deque[bytearray] = deque([bytearray()])
        self._size = 0
        self._own = bytearray()

    def feed(self, data: bytes) -> None:
        """Add the next piece of the answer's body."""
        self._rest += data
        if self._raw is None and len(self._rest) >= _HEADER:
            self._raw = not _is_header(self._rest)
        while self._rest and self._raw is not None:
            if not self._raw and not self._left:
                if len(self._rest) < _HEADER:
                    break
                self._stream = self._rest[0]
                self._left = int.from_bytes(self._rest[4:_HEADER], "big")
                self._rest = self._rest[_HEADER:]
                if self._stream != _ENGINES_OWN:
                    self._kept.append(bytearray())
            self._keep(len(self._rest) if self._raw else self._left)

    def text(self) -> bytes:
        """The log so far."""
        return b"".join(self._kept) if self._raw is not None else self._rest

    def frames(self) -> tuple[bytes, ...] | None:
        """The log's frames so far, None if it has none; the first one may lack its beginning."""
        return None if self._raw in {None, True} else tuple(map(bytes, filter(None, self._kept)))

    def own(self) -> bytes:
        """The engine's own messages so far on why the log is incomplete."""
        return bytes(self._own)

    def _keep(self, count: int) -> None:
        part, self._rest = self._rest[:count], self._rest[count:]
        self._left = max(self._left - len(part), 0)
        if self._stream == _ENGINES_OWN:
            self._own += part
            del self._own[: -self._most]
            return
        self._kept[-1] += part
        self._size += len(part)
        while self._size > self._most:
            self.cut = True
            extra = min(self._size - self._most, len(self._kept[0]))
            del self._kept[0][:extra]
            self._size -= extra
            if not self._kept[0] and len(self._kept) > 1:
                self._kept.popleft()


def readable(log: bytes, lines: int) -> str:
    """The last ``lines`` lines, at most 16 KiB, after ``clean``."""
    text = clean(log.decode("utf-8", "replace"))
    kept = [line.rstrip() for line in text.strip("\n").split("\n")][-max(lines, 0) :]
    joined = "\n".join(kept) if lines > 0 else ""
    return joined.encode()[-MOST_BYTES:].decode("utf-8", "ignore")


def clean(text: str) -> str:
    """``text`` after ``printable``, with values that look secret masked.

    Mask before cutting: a value without its name does not look secret.
    """
    return masked(printable(text))


def printable(text: str) -> str:
    """``text`` without escape sequences and control characters."""
    text = _ESCAPES.sub("", text)
    text = _OVERWRITTEN.sub("", text.replace("\r\n", "\n"))
    return "".join(char for char in text if char in "\n\t" or not _is_control(char))


def _is_header(data: bytes) -> bool:
    return data[0] in _STREAMS and data[1:4] == b"\0\0\0"


def _is_control(char: str) -> bool:
    """Whether it is a control character or changes the direction of the text."""
    return unicodedata.category(char) == "Cc" or unicodedata.bidirectional(char) in _TURNING


_TURNING: Final = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
