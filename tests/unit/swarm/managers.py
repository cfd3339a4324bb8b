"""A control socket whose stream the test writes, and its environment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

from bot.domain.errors import SwarmError, SwarmUnavailableError
from bot.domain.swarm.events import Batch, CursorLostError
from bot.swarm.event_stream.errors import MOUNT_HINT, NoControlSocketError

MISSING = NoControlSocketError("There is no control socket.", hint=MOUNT_HINT)
GONE = SwarmUnavailableError("The engine closed the stream.")
LAGS = CursorLostError("It lags.", ahead=True)
COMPACTED = CursorLostError("The log was compacted.", ahead=False)
UP = Batch((), 7)
Said = Batch | SwarmError


class Manager:
    """A control socket: the test gives the streams; ``asked`` is where each began."""

    def __init__(self) -> None:
        self.asked: list[int | None] = []
        self.may_end = asyncio.Event()
        self.may_end.set()
        self._said: asyncio.Queue[Said] = asyncio.Queue()

    def says(self, *said: Said) -> None:
        for one in said:
            self._said.put_nowait(one)

    async def stream(self, resume_from: int | None = None) -> AsyncGenerator[Batch, None]:
        self.asked.append(resume_from)
        try:
            while True:
                said = await self._said.get()
                if isinstance(said, SwarmError):
                    raise said
                yield said
        finally:
            await self.may_end.wait()


class Hands:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def eventually(condition: Callable[[], bool]) -> None:
    """Return when the condition holds."""
    async with asyncio.timeout(5):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)
