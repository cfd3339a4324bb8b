"""The whole bot as a process of its own, as it runs in production."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Mapping
from typing import Self

from tests.forking import ForkedBot

_LISTENING = re.compile(r"listening on http://[^:]+:(\d+)")
_READY = re.compile(r" ready$")


class BotProcess:
    """``python -m bot run`` with these settings and nothing else of the environment.

    ``port`` is its HTTP port; ``lines`` is its log so far. ``forked`` starts it as
    ``tests.forking`` does, which costs no imports.
    """

    def __init__(self, settings: Mapping[str, str], *, forked: bool = False) -> None:
        self._settings = dict(settings)
        self._forked = forked
        self._process: asyncio.subprocess.Process | ForkedBot | None = None
        self._reader: asyncio.Task[None] | None = None
        self._news = asyncio.Condition()
        self.lines: list[str] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.running:
            await self.kill()

    @property
    def running(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """The id of the process."""
        assert self._process is not None
        return self._process.pid

    async def start(self, *, seconds: float = 60.0) -> None:
        """Start it and wait until it is ready."""
        await self.launch()
        await self.wait_for_log(_READY, seconds)
        found = (_LISTENING.search(line) for line in self.lines)
        self.port = next(int(match[1]) for match in found if match)

    async def launch(self) -> None:
        """Start it without waiting."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        env = {**kept, "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "default", **self._settings}
        self._process = await (ForkedBot.start(env) if self._forked else _executed(env))
        self.lines = []
        self._reader = asyncio.create_task(self._read())

    async def kill(self) -> None:
        """Kill it with SIGKILL."""
        await self.end(signal.SIGKILL)

    async def stop(self, seconds: float = 30.0) -> int:
        """SIGTERM; returns the exit code."""
        return await self.end(signal.SIGTERM, seconds)

    async def end(self, how: signal.Signals, seconds: float = 30.0) -> int:
        """Send a signal and wait for the end; returns the exit code."""
        assert self._process is not None
        self._process.send_signal(how)
        return await self.ended(seconds)

    async def ended(self, seconds: float = 30.0) -> int:
        """Wait for the end; returns the exit code."""
        assert self._process is not None
        assert self._reader is not None
        async with asyncio.timeout(seconds):
            code = await self._process.wait()
            await self._reader
        return code

    async def wait_for_log(self, pattern: re.Pattern[str] | str, seconds: float = 30.0) -> str:
        """The first line of the log that matches, now or later."""
        wanted = re.compile(pattern)
        async with self._news:
            try:
                async with asyncio.timeout(seconds):
                    await self._news.wait_for(lambda: self._find(wanted) or not self._reading)
            except TimeoutError:
                pass
            if line := self._find(wanted):
                return line
        log = "\n".join(self.lines[-40:])
        raise AssertionError(f"the bot did not log {wanted.pattern!r}:\n{log}")

    @property
    def _reading(self) -> bool:
        return self._reader is not None and not self._reader.done()

    def _find(self, wanted: re.Pattern[str]) -> str:
        return next((line for line in self.lines if wanted.search(line)), "")

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        async for raw in self._process.stderr:
            async with self._news:
                self.lines.append(raw.decode(errors="replace").rstrip())
                self._news.notify_all()
        async with self._news:
            self._news.notify_all()


async def _executed(env: Mapping[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run",
        env=env, stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
