"""Pictures are drawn correctly, and drawing does not block anything else."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from threading import active_count

import pytest
from PIL import Image

from bot.domain.errors import DrawingError
from bot.domain.text.figure import MOST_PIXELS, Box, Figure, Hatch, Stroke, Words
from bot.drawing.pen import png
from bot.drawing.pictures import MOST_WAITING, Pictures
from bot.views.pictures.lettering import room

NASTY = "$x_1$ \\frac <!channel> 名前 👩‍🚀 مرحبا \x7f \ud800"
GREEN, DARK, WHITE = (191, 230, 216), (0, 158, 115), (255, 255, 255)
BOX = Box(10, 10, 50, 50, "#bfe6d8", "#009e73")
SMALL = Figure(
    200,
    100,
    (
        Box(0, 0, 200, 100, fill="#ffffff"),
        Box(10, 10, 50, 50, "#bfe6d8", "#009e73", hatch="lines", dashed=True),
        Box(70, 10, 50, 50, "#bfe6d8", "#009e73", hatch="dots"),
        Box(130, 10, 0, 0, "#bfe6d8", "#009e73"),
        Stroke(0, 90, 200, 90, "#000000", dashed=True),
        Stroke(150, 0, 150, 90, "#000000", 1.5),
        Words(10, 70, NASTY, 12, "#000000", bold=True, align="left"),
    ),
    f"A box: {NASTY}",
)
LARGE = Figure(4000, MOST_PIXELS // 4000, SMALL.shapes, "large")


def image_of(content: bytes) -> Image.Image:
    """The picture, decoded."""
    image = Image.open(io.BytesIO(content), formats=["PNG"])
    image.load()
    return image


def sheet(*shapes: Box | Words | Stroke) -> Image.Image:
    """A picture of the shapes, 100 by 100 at double resolution."""
    return image_of(png(Figure(100, 100, shapes, "")))


def colours(image: Image.Image) -> set[tuple[int, int, int]]:
    found = image.getcolors(maxcolors=100_000)
    assert found is not None
    return {colour for _, colour in found if isinstance(colour, tuple)}  # type: ignore[misc]


def ink(image: Image.Image) -> tuple[float, float, float, float]:
    """The bounds of the drawn pixels in sheet pixels: left, top, right and bottom."""
    dark = image.convert("L").point(lambda grey: 255 if grey < 128 else 0)
    found = dark.getbbox()
    assert found is not None
    return found[0] / 2, found[1] / 2, found[2] / 2, found[3] / 2


async def test_a_figure_becomes_a_picture():
    """A small sheet has double resolution; words of any script are accepted."""
    image = image_of(await Pictures().png(SMALL))
    assert image.size == (400, 200)
    assert image.mode == "RGB"


async def test_a_picture_has_its_alt_text():
    image = image_of(await Pictures().png(Figure(50, 50, (), "3 nodes, Łódź")))
    assert image.info["Description"] == "3 nodes, Łódź"


def test_a_box_has_its_colours_and_half_of_its_line_outside():
    image = sheet(BOX)
    assert colours(image) == {GREEN, DARK, WHITE}
    row = [image.getpixel((x, 70)) for x in (18, 19, 20, 21, 118, 119, 120, 121)]
    assert row == [WHITE, DARK, DARK, GREEN, GREEN, DARK, DARK, WHITE]


@pytest.mark.parametrize(("size", "scale"), [(100, 2), (4000, 1)])
def test_a_dashed_box_has_gaps_in_its_line(size, scale):
    """Nothing is drawn beside it at any resolution."""
    dashes = replace(BOX, dashed=True)
    whole, dashed = (
        image_of(png(Figure(size, size, (each,), ""))).crop((0, 0, 200, 200))
        for each in (BOX, dashes)
    )
    across = range(15 * scale, 55 * scale)
    assert {dashed.getpixel((x, 10 * scale)) for x in across} == {DARK, GREEN}
    assert {whole.getpixel((x, 10 * scale)) for x in across} == {DARK}
    assert ink(dashed) == ink(whole)


def test_hatches_differ_by_kind():
    """They have the edge's colour, are smoothed, lie over the fill, and differ for each kind."""
    hatches: tuple[Hatch, ...] = ("", "dots", "lines")
    shares = [
        share_hatched(sheet(Box(10, 10, 80, 80, "#bfe6d8", "#009e73", hatch=each)))
        for each in hatches
    ]
    assert shares[0] == 0.0
    assert 0.05 < shares[1] < shares[2] < 0.5


def share_hatched(image: Image.Image) -> float:
    """The share of the middle of a green box that is not green."""
    inner = image.crop((25, 25, 175, 175))
    return sum(inner.getpixel((x, y)) != GREEN for x in range(150) for y in range(150)) / 150**2


@pytest.mark.parametrize(("align", "left"), [("left", 10), ("center", 30), ("right", 90)])
def test_words_are_drawn_at_their_position(align, left):
    """Capital letters are centred, and as wide as the layout calculates."""
    text = "HEM"
    wide = room(text, 18, bold=True)
    start = {"left": left, "center": left - wide / 2, "right": left - wide}[align]
    x1, y1, x2, y2 = ink(sheet(Words(left, 50, text, 18, "#000000", bold=True, align=align)))
    assert start <= x1 <= start + 3
    assert start + wide - 3 <= x2 <= start + wide
    assert (y1 + y2) / 2 == pytest.approx(50, abs=1)


async def test_concurrent_pictures_wait_in_a_queue():
    """One picture is drawn at a time; those beyond the queue are refused at once."""
    drawing = Pictures()
    asked = [asyncio.create_task(drawing.png(SMALL)) for _ in range(MOST_WAITING + 3)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    refused = [each for each in answers if isinstance(each, DrawingError)]
    assert len(refused) == 3
    assert all("Too many" in str(each) for each in refused)
    assert {image_of(each).size for each in answers if isinstance(each, bytes)} == {(400, 200)}
    assert image_of(await drawing.png(SMALL)).size == (400, 200)


async def test_drawing_does_not_block_the_event_loop():
    """Three of the largest pictures are drawn at once, and other tasks of the loop keep running.

    One is drawn at a time; the thread before may still be ending.
    """
    drawing, before = Pictures(), active_count()
    asked = asyncio.gather(*(drawing.png(LARGE) for _ in range(3)))
    turns, most = 0, 0
    while not asked.done():
        await asyncio.sleep(0.001)
        turns, most = turns + 1, max(most, active_count())
    assert {image_of(each).size for each in await asked} == {(4000, MOST_PIXELS // 4000)}
    assert turns > 20
    assert most <= before + 2


async def test_a_picture_that_takes_too_long_times_out():
    """The next picture waits until its thread has ended."""
    drawing = Pictures(seconds=0.0)
    with pytest.raises(DrawingError, match="too long"):
        await drawing.png(LARGE)
    drawing = Pictures()
    asked = asyncio.create_task(drawing.png(LARGE))
    await asyncio.sleep(0)
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    assert image_of(await drawing.png(Figure(50, 50, (), "nothing"))).size == (100, 100)


async def test_a_drawing_error_is_reported_and_the_next_picture_is_drawn():
    drawing = Pictures()
    wrong = Figure(50, 50, (Box(0, 0, 1, 1, fill="no colour"),), "wrong")
    with pytest.raises(DrawingError, match="no colour"):
        await drawing.png(wrong)
    assert image_of(await drawing.png(SMALL)).size == (400, 200)


@pytest.mark.parametrize("x", [float("nan"), float("inf")])
async def test_a_shape_with_an_invalid_position_is_an_error(x):
    with pytest.raises(DrawingError, match="could not be drawn"):
        await Pictures().png(Figure(50, 50, (Box(x, 0, 1, 1, fill="#000000"),), "wrong"))


async def test_a_sheet_that_is_too_large_is_refused():
    """A sheet one pixel too large is refused; the largest allowed one is drawn at its own size."""
    with pytest.raises(DrawingError, match="too large"):
        await Pictures().png(Figure(MOST_PIXELS + 1, 1, (), "a line"))
    assert LARGE.scale == 1
    assert Figure(1000, MOST_PIXELS // 4000, (), "").scale == 2
