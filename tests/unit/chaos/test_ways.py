"""Ways that are cut and mended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.chaos.ways import Way

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Echo:
    """A server that answers what it gets; ``got`` is all of it."""

    def __init__(self) -> None:
        self.got = b""
        self.heard = asyncio.Event()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            self.got += data
            self.heard.set()
            writer.write(data)
        writer.close()


@pytest.fixture
async def echo(tmp_path: Path) -> AsyncIterator[Echo]:
    """An echo at ``echo.sock``."""
    echo = Echo()
    server = await asyncio.start_unix_server(echo.take, tmp_path / "echo.sock")
    yield echo
    server.close()


@pytest.fixture
async def way(echo: Echo, tmp_path: Path) -> AsyncIterator[Way]:
    """A way to the echo."""
    way = Way(tmp_path / "echo.sock")
    await way.listen()
    yield way
    await way.close()


async def connected(way: Way) -> Streams:
    return await asyncio.open_connection("127.0.0.1", way.port)


async def test_an_open_way_passes_everything_on(way: Way) -> None:
    reader, writer = await connected(way)
    writer.write(b"hello")

    assert await reader.readexactly(5) == b"hello"
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()


async def test_a_way_that_refuses_breaks_old_and_new_connections(way: Way) -> None:
    reader, writer = await connected(way)
    writer.write(b"hello")
    await reader.readexactly(5)

    way.cut(silent=False)
    assert await ended(reader)
    newer, newer_writer = await connected(way)
    assert await ended(newer)
    for each in (writer, newer_writer):
        each.close()


async def test_a_silent_way_delivers_everything_when_it_is_mended(way: Way, echo: Echo) -> None:
    reader, writer = await connected(way)
    writer.write(b"before ")
    await reader.readexactly(7)

    way.cut(silent=True)
    writer.write(b"after")
    waiting = asyncio.create_task(reader.readexactly(5))
    newer, newer_writer = await connected(way)
    newer_writer.write(b" new")
    done, _ = await asyncio.wait({waiting}, timeout=0.05)
    assert (done, echo.got) == (set(), b"before ")

    way.mend()
    assert await waiting == b"after"
    assert await newer.readexactly(4) == b" new"
    for each in (writer, newer_writer):
        each.close()


async def test_what_was_sent_before_its_sender_left_arrives_late(way: Way, echo: Echo) -> None:
    way.cut(silent=True)
    _reader, writer = await connected(way)
    writer.write(b"late")
    writer.close()
    await writer.wait_closed()

    way.mend()
    await asyncio.wait_for(echo.heard.wait(), 30)
    assert echo.got == b"late"


async def ended(reader: asyncio.StreamReader) -> bool:
    """Whether the other side ends the connection, in either way."""
    try:
        return await reader.read() == b""
    except ConnectionError:
        return True


async def test_a_way_that_forgets_does_not_deliver_for_a_sender_that_left(
    tmp_path: Path, echo: Echo
) -> None:
    way = Way(tmp_path / "echo.sock", forgets=True)
    await way.listen()
    way.cut(silent=True)
    _reader, writer = await connected(way)
    writer.write(b"late")
    writer.close()
    await writer.wait_closed()
    reader, waiting = await connected(way)
    waiting.write(b"patient")

    way.mend()
    assert await reader.readexactly(7) == b"patient"
    assert echo.got == b"patient"
    waiting.close()
    await way.close()
