"""Draws a figure with matplotlib: the only place that knows it, and only the worker imports it."""

from __future__ import annotations

import io
import warnings

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Paper
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from bot.domain.figure import MOST_PIXELS, Box, Figure, Shape, Stroke, Words

DOTS = 72
"""At so many dots an inch a point is a pixel, and sizes mean the same everywhere."""


def png(figure: Figure) -> bytes:
    """The picture as PNG, twice as fine where it is not large already."""
    scale = 2 if 4 * figure.pixels <= MOST_PIXELS else 1
    paper = Paper(figsize=(figure.width / DOTS, figure.height / DOTS), dpi=DOTS * scale)
    _ = FigureCanvasAgg(paper)
    axes = paper.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_xlim(0, figure.width)
    axes.set_ylim(figure.height, 0)
    for number, shape in enumerate(figure.shapes):
        axes.add_artist(_artist(shape, number))
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        paper.savefig(out, format="png", metadata={"Description": figure.summary})
    return out.getvalue()


def _artist(shape: Shape, order: int) -> Rectangle | Text | Line2D:
    if isinstance(shape, Box):
        return _box(shape, order)
    return _words(shape, order) if isinstance(shape, Words) else _stroke(shape, order)


def _box(box: Box, order: int) -> Rectangle:
    return Rectangle(
        (box.x, box.y),
        box.width,
        box.height,
        facecolor=box.fill or "none",
        edgecolor=box.edge or "none",
        hatch=box.hatch or None,
        linestyle="--" if box.dashed else "-",
        linewidth=1.0,
        zorder=order,
    )


def _words(words: Words, order: int) -> Text:
    return Text(
        words.left,
        words.middle,
        words.text,
        color=words.colour,
        fontsize=words.size,
        fontfamily="DejaVu Sans",
        fontweight="bold" if words.bold else "normal",
        horizontalalignment=words.align,
        verticalalignment="center_baseline",
        parse_math=False,
        zorder=order,
    )


def _stroke(line: Stroke, order: int) -> Line2D:
    return Line2D(
        [line.x1, line.x2],
        [line.y1, line.y2],
        color=line.colour,
        linewidth=line.width,
        linestyle="--" if line.dashed else "-",
        zorder=order,
    )
