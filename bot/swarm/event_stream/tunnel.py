"""A TLS tunnel to a control socket, with a private local endpoint for gRPC.

gRPC's own TLS requires ALPN (RFC 7301), which a manager no longer answers after its certificate was
renewed since its engine started: swarmkit (ca/transport.go) adds the protocol only to the first
configuration. So the TLS is Python's, which verifies as strictly and has better error messages, and
gRPC connects without TLS to a socket in Linux's abstract namespace. That accepts a single
connection, from this process only.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import ssl
import struct
from contextlib import suppress
from types import TracebackType
from typing import Final

from bot.domain.errors import SwarmUnavailableError
from bot.swarm.event_stream.errors import UntrustedError, from_system

SERVER_NAME: Final = "swarm-manager"

_CHUNK: Final = 65536
_CREDENTIALS: Final = struct.Struct("3i")

_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Tunnel:
    """One connection to a control socket; an async context manager.

    ``path`` is the control socket's. ``root`` are the certificates that must have signed the
    manager's. ``seconds`` is the time limit of connecting. ``target`` is for gRPC, which may
    connect once. Entering raises NoControlSocketError, UntrustedError, SwarmUnavailableError.
    """

    def __init__(self, path: str, root: bytes, seconds: float) -> None:
        self._path = path
        self._root = root
        self._seconds = seconds
        self._name = f"orochi-bot-{secrets.token_hex(16)}"
        self._manager: _Streams | None = None
        self._entrance: asyncio.Server | None = None
        self._pipes: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    @property
    def target(self) -> str:
        """The local endpoint as a gRPC target."""
        return f"unix-abstract:{self._name}"

    async def __aenter__(self) -> Tunnel:
        manager = await self._connect()
        self._manager = manager
        self._writers.append(manager[1])
        self._entrance = await asyncio.start_unix_server(self._enter, path=f"\0{self._name}")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._entrance is not None:
            self._entrance.close()
        for pipe in self._pipes:
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)
        for writer in self._writers:
            # In Python 3.11.2 a TLS transport that was closed twice cannot be aborted.
            with suppress(AttributeError):
                writer.transport.abort()

    async def _connect(self) -> _Streams:
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.open_unix_connection(
                    self._path, ssl=_trusting(self._root), server_hostname=SERVER_NAME
                )
        except ssl.SSLCertVerificationError as error:
            raise UntrustedError(
                "The server at the engine's control socket has no certificate of this swarm "
                f"({error.verify_message}).",
                hint="Mount the control socket of the engine that DOCKER_HOST points at.",
            ) from error
        except TimeoutError as error:
            raise SwarmUnavailableError(
                f"The engine did not answer in time at its control socket {self._path}."
            ) from error
        except OSError as error:
            raise from_system(error, self._path) from error

    async def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        manager, self._manager = self._manager, None
        if manager is None or not _is_own(writer):
            self._manager = manager
            writer.transport.abort()
            return
        self._writers.append(writer)
        for source, sink in ((reader, manager[1]), (manager[0], writer)):
            pipe = asyncio.create_task(_pipe(source, sink))
            self._pipes.add(pipe)


def _trusting(root: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=root.decode())
    context.set_alpn_protocols(["h2"])
    return context


def _is_own(writer: asyncio.StreamWriter) -> bool:
    door: socket.socket = writer.get_extra_info("socket")
    raw = door.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, _, _ = _CREDENTIALS.unpack(raw)
    return bool(pid == os.getpid())


async def _pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Copy all data, and then the end of file."""
    try:
        while data := await source.read(_CHUNK):
            sink.write(data)
            await sink.drain()
    except OSError:
        pass
    finally:
        sink.close()
