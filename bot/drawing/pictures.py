"""Draws pictures in a thread beside the event loop, one at a time."""

from __future__ import annotations

import asyncio
from functools import partial

from bot.domain.errors import DrawingError
from bot.domain.text.figure import MOST_PIXELS, Figure
from bot.drawing.pen import png
from bot.runtime.threads import Threads

SECONDS = 30.0
"""Maximum wait for a picture, including the pictures before it."""
MOST_WAITING = 16
FAILURES = (ArithmeticError, MemoryError, OSError, RuntimeError, SystemError, ValueError)
"""The exceptions that Pillow raises for unusable numbers, colours and files."""


class Pictures:
    """Implements ``bot.ports.Drawing``. One picture at a time, to limit memory and CPU use."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._threads = Threads(most=1)
        self._waiting = 0

    async def png(self, figure: Figure) -> bytes:
        """The picture as PNG. Raises DrawingError."""
        if figure.pixels > MOST_PIXELS:
            raise DrawingError("The picture would be too large.")
        if self._waiting >= MOST_WAITING:
            raise DrawingError("Too many pictures are being drawn.", hint="Try again in a minute.")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._seconds):
                return await self._threads.run(partial(png, figure))
        except TimeoutError as error:
            raise DrawingError("The picture took too long to draw.") from error
        except FAILURES as error:
            said = f"{type(error).__name__}: {error}"[:500]
            raise DrawingError(f"The picture could not be drawn ({said}).") from error
        finally:
            self._waiting -= 1
