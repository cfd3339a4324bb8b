"""``python -m benchmarks.relay (SOCKET TARGET)…``: unix sockets that forward and count bytes.

It prints ``ready`` when all sockets accept connections. For each line of its input it prints how
many bytes the targets have sent so far. It is a separate process, so that its CPU use is not
measured.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

CHUNK = 1 << 16


class Relay:
    """The relay process, for its parent."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def sent(self) -> int:
        """Bytes that the targets have sent so far."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        return int(await self.line())

    async def line(self) -> bytes:
        """The next line of its output."""
        assert self._process.stdout is not None
        return await self._process.stdout.readline()


@asynccontextmanager
async def relayed(*pairs: tuple[Path, Path]) -> AsyncIterator[Relay]:
    """A relay from the first socket of each pair to the second."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.relay", *(str(path) for pair in pairs for path in pair),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    relay = Relay(process)
    try:
        assert await relay.line() == b"ready\n"
        yield relay
    finally:
        process.kill()
        await process.wait()


class _Counter:
    def __init__(self) -> None:
        self.sent = 0

    async def serve(
        self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(target)
        with suppress(OSError):
            await asyncio.gather(
                self._pass_on(reader, far_writer, counts=0),
                self._pass_on(far_reader, writer, counts=1),
            )

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counts: int
    ) -> None:
        while data := await reader.read(CHUNK):
            self.sent += len(data) * counts
            writer.write(data)
            await writer.drain()
        writer.close()


async def _main(paths: Sequence[str]) -> None:
    counter = _Counter()
    for path, target in zip(paths[::2], paths[1::2], strict=True):
        await asyncio.start_unix_server(partial(counter.serve, target), path)
    print("ready", flush=True)
    asked = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(asked), sys.stdin
    )
    while await asked.readline():
        print(counter.sent, flush=True)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1:]))
