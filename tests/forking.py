"""Bots that start fast: forked from a process that has already loaded all modules.

``python -m bot run`` spends a second of CPU on its imports. One process for each run of the tests
(a worker of pytest-xdist) loads them once; every bot is a child of it, with an environment,
a process id and an exit code of its own. ``tests/contract/test_start.py`` and
``tests/swarm/test_image.py`` start the bot as users do.

Run as a program, with the number of a socket, this module is that process. When the other end of
the socket closes, because the tests have ended or were killed, it ends with all of its bots.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NoReturn, Self

from tests.stacks import write_stacks

_PROJECT = Path(__file__).resolve().parents[1]
_LONGEST = 1 << 20


class ForkedBot:
    """A bot that was forked, with the part of ``asyncio.subprocess.Process`` that tests use."""

    def __init__(self, pid: int, stderr: asyncio.StreamReader, end: asyncio.Task[int]) -> None:
        self.pid = pid
        self.stderr = stderr
        self._end = end

    @classmethod
    async def start(cls, environ: Mapping[str, str]) -> Self:
        """Start ``python -m bot run`` with this environment and nothing else."""
        log, log_end = os.pipe()
        status, status_end = os.pipe()
        socket.send_fds(_loader(), [json.dumps(dict(environ)).encode()], [log_end, status_end])
        os.close(log_end)
        os.close(status_end)
        stderr, news = await _reader(log), await _reader(status)
        pid = int(await news.readline())
        return cls(pid, stderr, asyncio.create_task(_exit_code(news)))

    @property
    def returncode(self) -> int | None:
        """The exit code, minus the signal's number if one ended it; None while it runs."""
        return self._end.result() if self._end.done() else None

    def send_signal(self, how: signal.Signals) -> None:
        """Send a signal. Raises ProcessLookupError if it has ended."""
        if self._end.done():
            raise ProcessLookupError(self.pid)
        os.kill(self.pid, how)

    async def wait(self) -> int:
        """Wait for the end; returns the exit code."""
        return await asyncio.shield(self._end)


async def _exit_code(news: asyncio.StreamReader) -> int:
    return int(await news.read())  # read to its end, where the pipe closes itself


async def _reader(end: int) -> asyncio.StreamReader:
    """The data of a pipe, which closes itself at its end."""
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    pipe = os.fdopen(end, "rb", 0)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, pipe)
    return reader


@cache
def _loader() -> socket.socket:
    """The connection to the process that has loaded the modules, which starts at the first use."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(
        [sys.executable, "-W", "default", "-m", "tests.forking", str(theirs.fileno())],
        cwd=_PROJECT,
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait(10)  # it kills itself with SIGKILL, with its whole group

    atexit.register(end)
    return ours


def _serve(door: socket.socket) -> None:
    """Fork a keeper for each message; a keeper forks the bot, waits for it and reports its end."""
    os.setpgrp()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        said, ends, _flags, _address = socket.recv_fds(door, _LONGEST, 2)
        if not said:
            os.killpg(0, signal.SIGKILL)
        if os.fork() == 0:
            door.close()
            _keep(json.loads(said), *ends)
        for end in ends:
            os.close(end)


def _keep(environ: dict[str, str], log: int, status: int) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        os.close(status)
        _become(environ, log)
    os.close(log)
    os.write(status, f"{pid}\n".encode())
    _pid, ended = os.waitpid(pid, 0)
    os.write(status, f"{os.waitstatus_to_exitcode(ended)}\n".encode())
    os._exit(0)


def _become(environ: dict[str, str], log: int) -> NoReturn:
    from bot.__main__ import main

    signal.signal(signal.SIGUSR1, write_stacks)
    os.environ.clear()
    os.environ.update(environ)
    os.dup2(log, 2)
    os.close(log)
    code = 1
    try:
        code = main(["run"])
    except BaseException:  # noqa: BLE001 - told as the interpreter would
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


def _load() -> None:
    import bot.__main__
    import bot.swarm.event_stream.channel  # noqa: F401 - loaded by the bot when it first watches

    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    _load()
    with socket.socket(fileno=int(sys.argv[1])) as way:
        _serve(way)
