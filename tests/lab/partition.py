"""A manager that loses its network at the moment when a bot writes to it."""

from __future__ import annotations

import asyncio
import random
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab.node import Node

_WRITE = re.compile(rb"^POST (?:/v[0-9.]+)?/(?:services|nodes)/[^ /]+/update", re.MULTILINE)
_CHUNK = 65536


@dataclass(frozen=True)
class Partition:
    """How a manager is cut off: ``before`` its engine gets the write, or ``delay`` seconds after.

    It lasts ``seconds``. With ``deaf`` the bot hears no answer to the write.
    """

    before: bool
    delay: float
    seconds: float
    deaf: bool

    @classmethod
    def draw(cls, seed: int) -> Partition:
        """The partition of a seed."""
        chance = random.Random(seed)
        return cls(
            before=chance.random() < 0.4,
            delay=chance.choice((0.0, 0.002, 0.01, 0.05)),
            seconds=chance.uniform(1.0, 9.0),
            deaf=chance.random() < 0.5,
        )


class Gate:
    """A socket that passes a bot's calls on to a manager, until the first write cuts it off.

    ``cut`` is set once the manager is cut off, ``mended`` once it is back.
    """

    def __init__(self, node: Node, path: Path, partition: Partition) -> None:
        self._node = node
        self._path = path
        self._partition = partition
        self._armed = True
        self._task: asyncio.Task[None] | None = None
        self.cut = asyncio.Event()
        self.mended = asyncio.Event()

    @property
    def host(self) -> str:
        """The address for ``DOCKER_HOST``."""
        return f"unix://{self._path}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._take, self._path)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._server.close()
        if self._task is not None:
            await self._task

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            there, back = await asyncio.open_unix_connection(
                self._node.socket.removeprefix("unix://")
            )
            try:
                await asyncio.gather(self._ask(reader, back), self._answer(there, writer))
            finally:
                back.transport.abort()
                writer.transport.abort()

    async def _ask(self, reader: asyncio.StreamReader, engine: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            if self._armed and _WRITE.search(data):
                self._armed = False
                self._task = asyncio.create_task(self._divide())
                if self._partition.before:
                    await self.cut.wait()
            engine.write(data)
            await engine.drain()
        engine.close()

    async def _answer(self, engine: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await engine.read(_CHUNK):
            if self._partition.deaf and self.cut.is_set() and not self.mended.is_set():
                return
            writer.write(data)
            await writer.drain()
        writer.close()

    async def _divide(self) -> None:
        if not self._partition.before:
            await asyncio.sleep(self._partition.delay)
        await asyncio.to_thread(self._node.unplug)
        self.cut.set()
        try:
            await asyncio.sleep(self._partition.seconds)
        finally:
            await asyncio.to_thread(self._node.plug_in)
            self.mended.set()
