"""Ways between a bot and another process, which can be cut and mended."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

_CHUNK = 65536
_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Way:
    """Passes connections on to ``target``: a port of loopback, or the path of a socket.

    A cut way either refuses (it breaks all connections, and new ones at once) or is silent: it
    takes what is sent and delivers it when it is mended, as a network does that comes back. Until
    then nobody notices but by the lack of an answer.

    ``forgets`` is for a way to Slack: what was sent by a connection that has ended is not delivered
    later. Slack has no means to refuse a request that comes too late, so no bot could be right.

    ``withheld`` is set when a silent way has been given something.
    """

    def __init__(self, target: int | Path, *, forgets: bool = False) -> None:
        self._target = target
        self._forgets = forgets
        self._server: asyncio.Server | None = None
        self._flows = asyncio.Event()
        self._flows.set()
        self.withheld = asyncio.Event()
        self._refuses = False
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def listen(self, path: Path | None = None) -> None:
        """Listen at a path, else at a free port."""
        if path is not None:
            self._server = await asyncio.start_unix_server(self._take, path)
        else:
            self._server = await asyncio.start_server(self._take, "127.0.0.1")
            self.port = self._server.sockets[0].getsockname()[1]

    def cut(self, *, silent: bool) -> None:
        """Cut it."""
        if silent:
            self.withheld.clear()
            self._flows.clear()
        else:
            self._refuses = True
            self._break()

    def mend(self) -> None:
        """Mend it; what was sent meanwhile arrives now."""
        self._refuses = False
        self._flows.set()

    async def close(self) -> None:
        """Break all connections and listen no more."""
        if self._server is not None:
            self._server.close()
        self._refuses = True
        self._flows.set()
        self._break()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)

    def _break(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._open.add(writer)
        try:
            await self._pass_on(reader, writer)
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._flows.wait()
        if self._refuses:
            return
        with suppress(OSError):
            far_reader, far_writer = await self._connect()
            self._open.add(far_writer)
            try:
                there = self._pump(reader, far_writer)
                await asyncio.gather(there, self._pump(far_reader, writer))
            finally:
                self._open.discard(far_writer)
                far_writer.transport.abort()

    async def _connect(self) -> _Streams:
        if isinstance(self._target, Path):
            return await asyncio.open_unix_connection(self._target)
        return await asyncio.open_connection("127.0.0.1", self._target)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(_CHUNK):
                if not self._flows.is_set():
                    self.withheld.set()
                await self._flows.wait()
                if self._forgets and source.at_eof():
                    break
                sink.write(data)
                await sink.drain()
            await self._flows.wait()
        sink.close()
