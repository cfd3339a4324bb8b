"""What the bot and its drawing process say to each other: frames of four bytes of length, then
JSON (a figure) towards the process, and a picture or a sentence back."""

from __future__ import annotations

import struct
from typing import Final

from pydantic import TypeAdapter

from bot.domain.figure import Figure

LENGTH: Final = struct.Struct(">I")
PNG, FAILED = b"P", b"F"
"""The first byte of an answer: the picture follows, or why there is none."""
MOST_BYTES: Final = 32 * 1024 * 1024

_FIGURE = TypeAdapter(Figure)


def encode(figure: Figure) -> bytes:
    """A figure as the process reads it."""
    return _FIGURE.dump_json(figure)


def decode(body: bytes) -> Figure:
    """The figure of a frame. Raises ValueError."""
    return _FIGURE.validate_json(body)


def frame(body: bytes) -> bytes:
    """A body with its length before it."""
    return LENGTH.pack(len(body)) + body
