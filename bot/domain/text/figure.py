"""A picture before it is drawn: shapes on a sheet, in pixels from the upper left corner.

Colours are ``#rrggbb``, "" for none. What stands later in the list lies above what stands before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

MOST_PIXELS: Final = 24_000_000
"""What an image may have: a sheet of more is refused rather than drawn."""
FINE: Final = 2
SCALES: Final = (1, FINE)
"""How many pixels of the image a pixel of the sheet may become, in each direction."""

Hatch = Literal["", "lines", "dots"]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; ``hatch`` is drawn in the colour of its ``edge``."""

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
    """A line of text, unescaped; ``middle`` is the height at which it is centred.

    ``left`` is where it begins, ends or has its middle, as ``align`` says. ``size`` is the height
    of its letters with their descenders.
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
    """A level or upright line, from the left or from the top."""

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
    """A whole picture; ``summary`` says in a sentence what there is to see, unescaped."""

    width: int
    height: int
    shapes: tuple[Shape, ...]
    summary: str

    @property
    def pixels(self) -> int:
        """How many pixels it has at its own size."""
        return self.width * self.height

    @property
    def scale(self) -> int:
        """Drawn twice as fine unless that makes an image too large."""
        return FINE if FINE**2 * self.pixels <= MOST_PIXELS else 1
