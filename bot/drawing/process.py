"""The drawing process as the bot sees it: started when a picture is wanted, ended when idle."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from pathlib import Path

import bot
from bot.domain.errors import DrawingError
from bot.domain.figure import MOST_PIXELS, Figure
from bot.drawing.wire import LENGTH, MOST_BYTES, PNG, encode, frame

log = logging.getLogger(__name__)

SECONDS = 30.0
"""For how long one picture may be drawn, the start of the process included."""
IDLE_SECONDS = 60.0
MOST_WAITING = 16
ROOT = Path(bot.__file__).resolve().parents[1]
COMMAND = (sys.executable, "-m", "bot.drawing.worker")


class DrawingProcess:
    """``bot.ports.Drawing``: one picture at a time, in a process that lives as long as it is used.

    ``seconds`` bounds one picture, ``idle`` is for how long the process waits for another one.
    ``close`` it at the end.
    """

    def __init__(self, seconds: float = SECONDS, idle: float = IDLE_SECONDS) -> None:
        self._seconds = seconds
        self._idle = idle
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._process: Process | None = None
        self._ending: asyncio.Task[None] | None = None
        self._cache = ""
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The process's id, None while there is none."""
        alive = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and alive else None

    async def png(self, figure: Figure) -> bytes:
        """The picture as PNG. Raises DrawingError."""
        if figure.pixels > MOST_PIXELS:
            raise DrawingError("The picture would be too large.")
        if self._waiting >= MOST_WAITING:
            raise DrawingError("Too many pictures are being drawn.", hint="Try again in a minute.")
        self._waiting += 1
        try:
            async with self._turn:
                return await self._draw(figure)
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """End the process and leave nothing behind."""
        self._closed = True
        await self._end()
        if self._cache:
            await asyncio.to_thread(shutil.rmtree, self._cache, ignore_errors=True)

    async def _draw(self, figure: Figure) -> bytes:
        self._keep()
        try:
            async with asyncio.timeout(self._seconds):
                answer = await self._ask(await self._running(), encode(figure))
        except TimeoutError as error:
            await self._end()
            raise DrawingError("The picture took too long to draw.") from error
        except (OSError, asyncio.IncompleteReadError) as error:
            await self._end()
            raise DrawingError("The process that draws pictures ended.") from error
        except BaseException:
            # An answer that nobody took would be taken for that of the next picture.
            await self._end()
            raise
        self._ending = asyncio.create_task(self._end_when_idle(), name="idle drawing process")
        if not answer.startswith(PNG):
            raise DrawingError(f"The picture could not be drawn ({answer[1:].decode()}).")
        return answer[1:]

    async def _ask(self, process: Process, body: bytes) -> bytes:
        if process.stdin is None or process.stdout is None:
            raise OSError("the process has no pipes")
        process.stdin.write(frame(body))
        await process.stdin.drain()
        (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
        if length > MOST_BYTES:
            raise OSError("the answer is too long")
        return await process.stdout.readexactly(length)

    async def _running(self) -> Process:
        if self._closed:
            raise DrawingError("The bot is shutting down.")
        if self._process is None or self._process.returncode is not None:
            self._cache = self._cache or await asyncio.to_thread(
                tempfile.mkdtemp, prefix="drawing-"
            )
            self._process = await asyncio.create_subprocess_exec(
                *COMMAND, cwd=ROOT, env=self._environment(), stdin=PIPE, stdout=PIPE, stderr=DEVNULL
            )
            log.debug("drawing process %s started", self._process.pid)
        return self._process

    def _environment(self) -> dict[str, str]:
        """Nothing of the bot's own: that holds its tokens."""
        return {
            "PATH": os.environ.get("PATH", ""),
            "MPLCONFIGDIR": self._cache,
            "OPENBLAS_NUM_THREADS": "1",
            "LC_ALL": "C.UTF-8",
        }

    def _keep(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None

    async def _end_when_idle(self) -> None:
        await asyncio.sleep(self._idle)
        async with self._turn:
            self._ending = None
            await self._end()

    async def _end(self) -> None:
        """Killed, not asked: it has nothing to put in order."""
        self._keep()
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        _ = await process.wait()
