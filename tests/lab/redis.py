"""A real Redis server for tests, as in the bot's stack: append-only file, no eviction.

It is the machine's redis-server, or the demo's if none is installed.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from contextlib import closing
from pathlib import Path
from subprocess import Popen

import redis

from playground.redis import find_server
from tests.lab.shell import find_tool, tool
from tests.lab.waiting import LabError, wait_until

_ATTEMPTS = 5


class RedisServer:
    """One redis-server on a free port of loopback, its data in `folder`.

    It can be killed, frozen and started again on the same port with the same data. Every call
    returns within about a tenth of a second, so async tests can make it. Start it from a thread
    that stays alive: when the thread ends, the kernel ends the server.

    With `fsync` "everysec", as in the bot's stack, a write waits in memory while the disk is slow
    to sync the former ones, and a kill loses it although it was answered. With "no" a kill loses
    nothing: every write reaches the kernel before its answer.
    """

    def __init__(
        self, folder: Path, password: str | None = None, *, fsync: str = "everysec"
    ) -> None:
        self._folder = folder
        self._password = password
        self._fsync = fsync
        self._process: Popen[bytes] | None = None
        self.port = 0

    def __enter__(self) -> RedisServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Its URL as `REDIS_URL` takes it, password included."""
        login = f":{self._password}@" if self._password else ""
        return f"redis://{login}127.0.0.1:{self.port}/0"

    @property
    def running(self) -> bool:
        """Whether its process exists, frozen or not."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The pid of the server; LabError if it does not run."""
        if self._process is None or not self.running:
            raise LabError("redis-server does not run")
        return self._process.pid

    def start(self) -> None:
        """Start it, on the port it had before if any; returns when it has its data loaded.

        Raises:
            LabError: it does not come up; has the end of its log.
        """
        if self.running:
            return
        for attempt in range(1, _ATTEMPTS + 1):
            port = self.port or _free_port()
            if self._come_up(port):
                self.port = port
                return
            if self.port or attempt == _ATTEMPTS:  # unless another program took the port first
                raise LabError(f"redis-server ended: {self._log.read_text()[-1000:]}")

    def stop(self) -> None:
        """Shut it down cleanly, with its data written."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a crash does."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Freeze it: connections stay open and get no answer."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Resume a frozen server."""
        os.kill(self.pid, signal.SIGCONT)

    def flush(self) -> None:
        """Delete all data."""
        with closing(self._client(self.port)) as client:
            client.flushall()

    @property
    def _log(self) -> Path:
        return self._folder / "redis.log"

    def _come_up(self, port: int) -> bool:
        self._process = self._launch(port)
        return wait_until(lambda: self._state(port), "redis-server to answer") == "ready"

    def _launch(self, port: int) -> Popen[bytes]:
        self._folder.mkdir(parents=True, exist_ok=True)
        settings = self._folder / "redis.conf"
        settings.write_text(self._settings(port))
        with self._log.open("ab") as log:
            return Popen(
                [tool("setpriv"), "--pdeathsig", "KILL", program(), str(settings)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _settings(self, port: int) -> str:
        lines = [
            "bind 127.0.0.1",
            f"port {port}",
            f'dir "{self._folder}"',
            'save ""',
            "appendonly yes",
            f"appendfsync {self._fsync}",
            "maxmemory-policy noeviction",
            *([f'requirepass "{self._password}"'] if self._password else []),
        ]
        return "\n".join([*lines, ""])

    def _state(self, port: int) -> str:
        """`ready`, `ended`, or None while it starts."""
        if not self.running:
            return "ended"
        try:
            with closing(self._client(port)) as client:
                ours = client.config_get("dir")["dir"] == str(self._folder)
                return "ready" if ours and not client.info("persistence")["loading"] else ""
        except redis.RedisError:
            return ""  # it does not listen yet, loads its data, or another server has the port

    def _client(self, port: int) -> redis.Redis:
        return redis.Redis(port=port, password=self._password, socket_timeout=5)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        if self.running:
            self._process.send_signal(signal.SIGCONT)  # a frozen server cannot shut down cleanly
            self._process.send_signal(how)
        self._process.wait(timeout=30)
        self._process = None


def program() -> str:
    """Path of the server."""
    return find_tool("redis-server") or str(find_server())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
