"""Streams the swarm's changes from a manager's control socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bot.domain.errors import NotAManagerError, SwarmUnavailableError
from bot.domain.swarm.events import Batch
from bot.swarm.event_stream.errors import NoControlSocketError, UntrustedError, from_system
from bot.swarm.event_stream.tunnel import Tunnel

if TYPE_CHECKING:
    from bot.swarm.event_stream.channel import GrpcChannel

CHECK_SECONDS: Final = 5.0


class StreamClient:
    """Streams of one manager's control socket. Creating it does no I/O.

    ``trust_root`` returns the swarm's root certificates (``EngineTrust``). It is called at the
    first connection, and again if the manager's certificate no longer matches them.
    ``check_seconds`` is how long a stream may be silent before the manager and the swarm's leader
    are checked, and also the time limit of each call.
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

    async def stream(self, resume_from: int | None = None) -> AsyncGenerator[Batch, None]:
        """The changes after a version, or from now on, until the stream breaks.

        The first batch has no events: the stream is connected. A batch without events also comes
        after each ``check_seconds`` without changes: everything so far has been reported. Close the
        iterator after use (``contextlib.aclosing``).

        Raises:
            CursorLostError: the stream cannot be resumed from this version.
            NoControlSocketError, UntrustedError: the socket cannot be used.
            SwarmUnavailableError: the stream ended, or could not start.
        """
        async with self._connected() as channel:
            # Read first, so that a change before the stream starts is repeated and not missed.
            version = resume_from or (await channel.listing()).version
            stream = channel.stream(resume_from or None, version)
            try:
                if await stream.next(self._check_seconds) is None:
                    raise SwarmUnavailableError("The engine did not begin the stream of changes.")
                await asyncio.to_thread(stream.learn, await channel.listing())
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

    async def check(self) -> None:
        """Return if a stream can be opened; raises like ``stream``."""
        async with aclosing(self.stream()) as batches:
            await anext(batches)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[GrpcChannel]:
        """A connection to a manager of this swarm that answers."""
        async with AsyncExitStack() as stack:
            tunnel = await self._tunnel(stack)
            from bot.swarm.event_stream.channel import GrpcChannel  # noqa: PLC0415 - see that module

            channel = await stack.enter_async_context(GrpcChannel(tunnel, self._check_seconds))
            await channel.check()
            yield channel

    async def _tunnel(self, stack: AsyncExitStack) -> Tunnel:
        """An open tunnel; the root certificate is read again if the known one no longer matches."""
        self._reach()
        known = self._root is not None
        try:
            return await stack.enter_async_context(self._through(await self._roots()))
        except UntrustedError:
            self._root = None
            if not known:
                raise
        return await stack.enter_async_context(self._through(await self._roots()))

    def _through(self, root: bytes) -> Tunnel:
        return Tunnel(self._path, root, self._check_seconds)

    async def _roots(self) -> bytes:
        if self._root is None:
            try:
                self._root = await self._trust_root()
            except NotAManagerError as error:
                raise NoControlSocketError(error.sentence, hint=error.hint) from error
        return self._root

    def _reach(self) -> None:
        """Check that there is a socket, before asking the engine for the root certificate."""
        try:
            Path(self._path).stat()
        except OSError as error:
            raise from_system(error, self._path) from error
