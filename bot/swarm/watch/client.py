"""The stream of the swarm's changes from a manager's control socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bot.domain.errors import NotAManagerError, SwarmUnavailableError
from bot.domain.stream import Batch
from bot.swarm.watch.errors import NoControlSocketError, UntrustedError, from_system

if TYPE_CHECKING:
    from bot.swarm.watch.channel import Channel

CONTROL_SOCKET: Final = Path("/var/run/docker/swarm/control.sock")
CHECK_SECONDS: Final = 5.0


class WatchClient:
    """Streams of one manager's control socket; made without any I/O.

    ``trust_root`` gives the swarm's root certificates (``EngineTrust``): asked at the first
    connection, and again when the manager's certificate does not fit them any more.
    ``check_seconds`` is how long a stream may be silent before the manager is asked whether it
    and the swarm's leader are there, and the time limit of each call.
    """

    def __init__(
        self,
        socket_path: str | Path,
        trust_root: Callable[[], Awaitable[bytes]],
        *,
        check_seconds: float = CHECK_SECONDS,
    ) -> None:
        self._path = str(socket_path)
        self._trust_root = trust_root
        self._check_seconds = check_seconds
        self._root: bytes | None = None

    async def watch(self, resume_from: int | None = None) -> AsyncGenerator[Batch, None]:
        """The changes after a version, or from now on, until the stream breaks.

        The first batch has no events: the stream is up. So has one after each ``check_seconds``
        without changes: all is told that happened so far. Close the iterator after use
        (``contextlib.aclosing``).

        Raises CursorLostError when it cannot be resumed from there; NoControlSocketError,
        UntrustedError; SwarmUnavailableError at the end of a stream, which has no other end.
        """
        async with self._connected() as channel:
            # Before the stream: what happens meanwhile is told again rather than never.
            version = resume_from or (await channel.listing()).version
            stream = channel.watch(resume_from or None, version)
            try:
                if await stream.next(self._check_seconds) is None:
                    raise SwarmUnavailableError("The engine did not begin the stream of changes.")
                stream.learn(await channel.listing())
                yield Batch((), version)
                while True:
                    batch = await stream.next(self._check_seconds)
                    if batch is None:
                        await channel.check()
                        yield Batch((), stream.version)
                    elif batch.events:
                        yield batch
            finally:
                await stream.close()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Channel]:
        """A connection to a manager of this swarm that answers."""
        await self._reach()
        known = self._root is not None
        try:
            channel = await self._open()
        except UntrustedError:
            self._root = None
            if not known:
                raise
            channel = await self._open()
        async with channel:
            yield channel

    async def _open(self) -> Channel:
        from bot.swarm.watch.channel import Channel  # noqa: PLC0415 - see that module

        channel = Channel(self._path, await self._roots(), self._check_seconds)
        try:
            await channel.check()
        except BaseException:
            await channel.__aexit__(None, None, None)
            raise
        return channel

    async def _roots(self) -> bytes:
        if self._root is None:
            try:
                self._root = await self._trust_root()
            except NotAManagerError as error:
                raise NoControlSocketError(error.sentence, hint=error.hint) from error
        return self._root

    async def _reach(self) -> None:
        """Connect once without gRPC, whose errors do not tell the reasons apart."""
        try:
            async with asyncio.timeout(self._check_seconds):
                _, writer = await asyncio.open_unix_connection(self._path)
        except TimeoutError as error:
            raise SwarmUnavailableError(
                f"The engine does not take connections at its control socket {self._path}."
            ) from error
        except OSError as error:
            raise from_system(error, self._path) from error
        writer.close()
