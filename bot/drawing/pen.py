"""Draws figures; the only module that uses Pillow."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from bot.domain.text.figure import Box, Figure, Stroke, Words

FONTS: Final = Path(__file__).parent / "fonts"
ANCHORS: Final = {"left": "ls", "center": "ms", "right": "rs"}
CAPITAL: Final = 0.729
"""Height of a capital letter above the baseline, as a share of the font's size."""
DASH, SPACE = 4, 2
"""Lengths in sheet pixels, for a line of one pixel."""
HATCH: Final = {"lines": 8, "dots": 10}
"""The period of each hatch in sheet pixels."""
SMOOTH: Final = 8
"""A hatch is drawn larger by this factor and scaled down, which smooths it."""

Line = tuple[float, float, float, float]
Pixels = tuple[int, int, int, int]


def png(figure: Figure) -> bytes:
    """The picture as PNG."""
    size = (figure.width * figure.scale, figure.height * figure.scale)
    image = Image.new("RGB", size, "#ffffff")
    pen = _Pen(image, figure.scale)
    for shape in figure.shapes:
        if isinstance(shape, Box):
            pen.box(shape)
        elif isinstance(shape, Words):
            pen.words(shape)
        else:
            pen.stroke(shape)
    out = io.BytesIO()
    image.save(out, "PNG", pnginfo=_info(figure))
    return out.getvalue()


def font_file(*, bold: bool) -> Path:
    """The font's file."""
    return FONTS / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")


class _Pen:
    """Draws shapes on an image with ``scale`` pixels per sheet pixel."""

    def __init__(self, image: Image.Image, scale: int) -> None:
        self._image = image
        self._draw = ImageDraw.Draw(image)
        self._scale = scale

    def box(self, box: Box) -> None:
        area = self._area(box)
        if box.fill:
            self._draw.rectangle(area, box.fill)
        if box.hatch:
            left, top, right, bottom = area
            mask = _hatched(box.hatch, (right - left + 1, bottom - top + 1), self._scale)
            self._image.paste(box.edge, (left, top), mask)
        if box.edge and box.dashed:
            self._dashed_outline(box)
        elif box.edge:
            self._draw.rectangle(self._outline(area), outline=box.edge, width=self._scale)

    def words(self, words: Words) -> None:
        baseline = round((words.middle + words.size * CAPITAL / 2) * self._scale)
        self._draw.text(
            (words.left * self._scale, baseline),
            words.text,
            words.colour,
            _font(words.size * self._scale, words.bold),
            ANCHORS[words.align],
        )

    def stroke(self, stroke: Stroke) -> None:
        line = (stroke.x1, stroke.y1, stroke.x2, stroke.y2)
        self._line(line, stroke.colour, stroke.width, dashed=stroke.dashed)

    def _area(self, box: Box) -> Pixels:
        """The first and last pixels that the box fills."""
        left, top = round(box.x * self._scale), round(box.y * self._scale)
        right = round((box.x + box.width) * self._scale) - 1
        bottom = round((box.y + box.height) * self._scale) - 1
        return left, top, max(left, right), max(top, bottom)

    def _outline(self, area: Pixels) -> Pixels:
        """The pixels of the outline; half of its width is outside the box, as in ``_line``."""
        left, top, right, bottom = area
        before, after = self._scale // 2, self._scale - self._scale // 2
        return left - before, top - before, right + after, bottom + after

    def _dashed_outline(self, box: Box) -> None:
        right, bottom = box.x + box.width, box.y + box.height
        sides = (
            (box.x, box.y, right, box.y),
            (box.x, bottom, right, bottom),
            (box.x, box.y, box.x, bottom),
            (right, box.y, right, bottom),
        )
        for side in sides:
            self._line(side, box.edge, 1, dashed=True)

    def _line(self, line: Line, colour: str, width: float, *, dashed: bool) -> None:
        """Draw a line as rectangles: the pixels of Pillow's own lines depend on the direction."""
        thick = max(round(width * self._scale), 1)
        for piece in _dashes(line, width) if dashed else [line]:
            x1, y1, x2, y2 = (round(each * self._scale) for each in piece)
            if y1 == y2:
                top = y1 - thick // 2
                area = (x1, top, max(x2 - 1, x1), top + thick - 1)
            else:
                left = x1 - thick // 2
                area = (left, y1, left + thick - 1, max(y2 - 1, y1))
            self._draw.rectangle(area, colour)


def _dashes(line: Line, width: float) -> Iterator[Line]:
    """The dashes of a line; wider lines have longer ones."""
    x1, y1, x2, y2 = line
    across, length = x2 > x1, max(x2 - x1, y2 - y1)
    unit = max(width, 1.0)
    for number in range(math.ceil(length / ((DASH + SPACE) * unit))):
        at = number * (DASH + SPACE) * unit
        end = min(at + DASH * unit, length)
        yield (x1 + at, y1, x1 + end, y1) if across else (x1, y1 + at, x1, y1 + end)


@lru_cache(maxsize=32)
def _font(size: float, bold: bool) -> ImageFont.FreeTypeFont:  # noqa: FBT001 - the cache's key
    """The font with the basic layout, which every build of Pillow has.

    Its widths match those in ``bot.views.pictures.lettering``.
    """
    return ImageFont.truetype(font_file(bold=bold), size, layout_engine=ImageFont.Layout.BASIC)


def _hatched(hatch: str, size: tuple[int, int], scale: int) -> Image.Image:
    """A hatch mask of this size: first a row of tiles, then copies of the row."""
    tile = _tile(hatch, scale)
    row = Image.new("L", (size[0], tile.height))
    for left in range(0, size[0], tile.width):
        row.paste(tile, (left, 0))
    mask = Image.new("L", size)
    for top in range(0, size[1], row.height):
        mask.paste(row, (0, top))
    return mask


@lru_cache
def _tile(hatch: str, scale: int) -> Image.Image:
    """One period of a hatch."""
    period = HATCH[hatch]
    unit = SMOOTH * scale
    large = Image.new("L", (period * unit, period * unit))
    draw = ImageDraw.Draw(large)
    if hatch == "lines":
        for shift in (-period, 0, period):
            line = (shift * unit, period * unit, (shift + period) * unit, 0)
            draw.line(line, 255, round(1.2 * unit))
    else:
        for middle in (period / 4, period * 3 / 4):
            draw.circle((middle * unit, middle * unit), 1.1 * unit, 255)
    return large.resize((period * scale, period * scale), Image.Resampling.BOX)


def _info(figure: Figure) -> PngInfo:
    """The metadata of the picture: the same summary as in the message."""
    info = PngInfo()
    info.add_itxt("Description", figure.summary.encode(errors="replace").decode())
    return info
