"""Pictures before they are drawn: shapes on a sheet, in pixels from the upper left corner.

Colours are ``#rrggbb``, "" for none. Later shapes cover earlier ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

MOST_PIXELS: Final = 24_000_000
"""Maximum pixels of an image; a larger sheet is refused."""
FINE: Final = 2
SCALES: Final = (1, FINE)
"""Supported scales: image pixels per sheet pixel, in each direction."""

Hatch = Literal["", "lines", "dots"]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; ``hatch`` is drawn in the colour ``edge``."""

    x: float
    y: float
    width: float
    height: float
    fill: str = ""
    edge: str = ""
    hatch: Hatch = ""
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text, unescaped; ``middle`` is the height of its centre.

    ``left`` is its start, end or middle, depending on ``align``. ``size`` is the height of its
    letters including descenders.
    """

    left: float
    middle: float
    text: str
    size: float
    colour: str
    bold: bool = False
    align: Literal["left", "center", "right"] = "left"


@dataclass(frozen=True, slots=True)
class Stroke:
    """A horizontal or vertical line, from the left or from the top."""

    x1: float
    y1: float
    x2: float
    y2: float
    colour: str
    width: float = 1.0
    dashed: bool = False


Shape = Box | Words | Stroke


@dataclass(frozen=True, slots=True)
class Figure:
    """A whole picture; ``summary`` describes its content in a sentence, unescaped."""

    width: int
    height: int
    shapes: tuple[Shape, ...]
    summary: str

    @property
    def pixels(self) -> int:
        """The number of pixels at scale 1."""
        return self.width * self.height

    @property
    def scale(self) -> int:
        """The drawing scale: the finer one unless that makes the image too large."""
        return FINE if FINE**2 * self.pixels <= MOST_PIXELS else 1
