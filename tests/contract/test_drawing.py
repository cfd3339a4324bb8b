"""The drawing process: its pictures, and that nothing it does harms who asks for them."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.errors import DrawingError
from bot.domain.figure import MOST_PIXELS, Box, Figure, Stroke, Words
from bot.drawing.process import MOST_WAITING, DrawingProcess
from bot.drawing.worker import MOST_MEMORY
from tests.lab.waiting import wait_until

NASTY = "$x_1$ \\frac <!channel> 名前 👩‍🚀 مرحبا \x7f"
SMALL = Figure(
    200,
    100,
    (
        Box(0, 0, 200, 100, fill="#ffffff"),
        Box(10, 10, 50, 50, "#bfe6d8", "#009e73", hatch="///", dashed=True),
        Stroke(0, 90, 200, 90, "#000000", dashed=True),
        Words(10, 70, NASTY, 12, "#000000", bold=True, align="left"),
    ),
    "A box",
)


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height by the picture's own header."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def told_of(drawing: DrawingProcess, name: str) -> bytes:
    """What the kernel tells of the process."""
    return Path(f"/proc/{drawing.pid}/{name}").read_bytes()


@pytest.fixture
async def drawing() -> AsyncIterator[DrawingProcess]:
    process = DrawingProcess(seconds=120.0)
    yield process
    await process.close()


async def test_a_figure_becomes_a_picture(drawing):
    """Twice as fine as its sheet where it is small; words of any kind are taken as they are."""
    assert drawing.pid is None
    assert size_of(await drawing.png(SMALL)) == (400, 200)
    assert drawing.pid is not None


async def test_the_process_knows_no_secret(drawing, monkeypatch):
    """Its environment has nothing of the bot's."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    await drawing.png(SMALL)
    environment = told_of(drawing, "environ")
    assert b"xoxb-secret" not in environment
    assert b"SLACK" not in environment


async def test_many_at_once_wait_for_each_other(drawing):
    """One process, one picture at a time; those beyond the queue are refused at once."""
    asked = [asyncio.create_task(drawing.png(SMALL)) for _ in range(MOST_WAITING + 3)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    refused = [each for each in answers if isinstance(each, DrawingError)]
    assert len(refused) == 3
    assert all("Too many" in str(each) for each in refused)
    assert {size_of(each) for each in answers if isinstance(each, bytes)} == {(400, 200)}


async def test_a_killed_process_fails_one_picture_and_the_next_is_drawn(drawing):
    await drawing.png(SMALL)
    first = drawing.pid
    assert first is not None
    os.kill(first, signal.SIGSTOP)
    asked = asyncio.create_task(drawing.png(SMALL))
    await asyncio.sleep(0)
    os.kill(first, signal.SIGKILL)
    with pytest.raises(DrawingError, match="ended"):
        await asked
    assert size_of(await drawing.png(SMALL)) == (400, 200)
    assert drawing.pid != first


async def test_a_picture_that_takes_too_long_is_given_up():
    """The process is ended, so that its late answer is never taken for another's."""
    process = DrawingProcess(seconds=0.001)
    with pytest.raises(DrawingError, match="too long"):
        await process.png(SMALL)
    assert process.pid is None
    await process.close()


async def test_who_stops_waiting_leaves_nothing_for_the_next(drawing):
    await drawing.png(SMALL)
    first = drawing.pid
    asked = asyncio.create_task(drawing.png(SMALL))
    await asyncio.sleep(0)
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    assert drawing.pid != first
    other = Figure(50, 50, (), "nothing")
    assert size_of(await drawing.png(other)) == (100, 100)


async def test_what_cannot_be_drawn_is_told_and_the_process_goes_on(drawing):
    wrong = Figure(50, 50, (Box(0, 0, 1, 1, fill="no colour"),), "wrong")
    with pytest.raises(DrawingError, match="no colour"):
        await drawing.png(wrong)
    first = drawing.pid
    assert size_of(await drawing.png(SMALL)) == (400, 200)
    assert drawing.pid == first


async def test_a_sheet_that_is_too_large_is_refused_before_anything_is_started(drawing):
    with pytest.raises(DrawingError, match="too large"):
        await drawing.png(Figure(MOST_PIXELS, 2, (), "a line"))
    assert drawing.pid is None


async def test_memory_is_bounded_and_the_largest_sheet_stays_below(drawing):
    """The bound is the kernel's; the largest sheet that is allowed is drawn within it."""
    large = Figure(4000, MOST_PIXELS // 4000, SMALL.shapes, "large")
    assert size_of(await drawing.png(large)) == (4000, MOST_PIXELS // 4000)
    limits = told_of(drawing, "limits").decode().splitlines()
    (bound,) = (line for line in limits if line.startswith("Max address space"))
    assert bound.split()[3] == str(MOST_MEMORY)


async def test_an_idle_process_is_ended_and_leaves_no_folder():
    """It ends by itself; the folder of its fonts goes with the bot."""
    process = DrawingProcess(seconds=120.0, idle=0.05)
    await process.png(SMALL)
    first = process.pid

    def gone() -> bool:
        return not Path(f"/proc/{first}").exists()

    await asyncio.to_thread(wait_until, gone, "the end of the idle process", seconds=20)
    assert process.pid is None
    folder = process._cache
    assert await asyncio.to_thread(os.path.isdir, folder)
    await process.close()
    assert not await asyncio.to_thread(os.path.exists, folder)
    with pytest.raises(DrawingError, match="shutting down"):
        await process.png(SMALL)


async def test_a_bot_that_is_lost_leaves_neither_process_nor_folder(drawing):
    """What the process sees of a killed bot is the end of its input."""
    await drawing.png(SMALL)
    first, folder = drawing.pid, drawing._cache
    drawing._process.stdin.close()

    def gone() -> bool:
        return not (Path(f"/proc/{first}/exe").exists() or Path(folder).exists())

    await asyncio.to_thread(wait_until, gone, "the end of process and folder", seconds=20)
