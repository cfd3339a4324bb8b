"""One bot on the stage: its process, and its own ways to Redis, Slack and an engine."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests.bot import BotProcess
from tests.chaos.schedule import Fault
from tests.chaos.ways import Way
from tests.stacks import END

SLACK = "http://slack.test"
"""The emulator's address for bots: as it is not loopback's, they use the proxy, which is a way."""
STOP_SECONDS = 15.0
START_SECONDS = 120.0
AGAIN_SECONDS = 0.5
CANNOT_START = "the bot cannot start"
CANNOT_LEAVE = ("the queue will forget this replica later", "not everything was closed within")
"""What a bot says whose way to Redis is cut while it stops, or whose machine is too busy."""


class Replica:
    """A bot that is started again whenever it was ended, always with the same settings.

    ``lines`` is the log of all its processes. ``killed`` counts the processes that had no chance to
    say goodbye.
    """

    def __init__(
        self, number: int, settings: Mapping[str, str], targets: Mapping[Fault, int | Path]
    ) -> None:
        self.number = number
        self.killed = 0
        self.exits: list[int] = []
        self._settings = settings
        self._ways = {
            fault: Way(target, forgets=fault is Fault.CUT_SLACK)
            for fault, target in targets.items()
        }
        self._control = Way(Path(str(targets[Fault.CUT_ENGINE])).with_name("control.sock"))
        self._bot: BotProcess | None = None
        self._logs: list[list[str]] = []
        self._turn = asyncio.Lock()
        self._keeper: asyncio.Task[None] | None = None

    @property
    def lines(self) -> list[str]:
        """The log so far."""
        return [line for log in self._logs for line in log]

    @property
    def unforgotten(self) -> int:
        """How many of its processes could not leave the queue: Redis forgets them after an hour."""
        return self.killed + sum(said in line for line in self.lines for said in CANNOT_LEAVE)

    async def open(self, folder: Path) -> None:
        """Open the ways; their sockets are made in ``folder``."""
        await self._ways[Fault.CUT_REDIS].listen()
        await self._ways[Fault.CUT_SLACK].listen()
        engine, control = folder / "docker.sock", folder / "control.sock"
        await self._ways[Fault.CUT_ENGINE].listen(engine)
        await self._control.listen(control)
        self._settings = {
            **self._settings,
            "REDIS_URL": f"redis://127.0.0.1:{self._ways[Fault.CUT_REDIS].port}/0",
            "SLACK_API_URL": f"{SLACK}/api/",
            "http_proxy": f"http://127.0.0.1:{self._ways[Fault.CUT_SLACK].port}",
            "grpc_proxy": "",  # gRPC would use the proxy for the control socket
            "DOCKER_HOST": f"unix://{engine}",
            "BOT_CONTROL_SOCKET": str(control),
        }

    def cut(self, fault: Fault, *, silent: bool) -> None:
        """Cut one of its ways."""
        for way in self._of(fault):
            way.cut(silent=silent)

    def mend(self, fault: Fault) -> None:
        """Mend one of its ways."""
        for way in self._of(fault):
            way.mend()

    async def launch(self) -> None:
        """Start its process, without waiting until it is ready."""
        self._bot = BotProcess(self._settings, forked=True)
        await self._bot.launch()
        self._logs.append(self._bot.lines)
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep())

    async def ready(self) -> None:
        """Wait until it has started, at its first attempt or a later one."""
        async with asyncio.timeout(START_SECONDS):
            while self._bot is not None:
                with suppress(AssertionError):
                    await self._bot.wait_for_log(" ready$", START_SECONDS)
                    return
                await asyncio.sleep(AGAIN_SECONDS)

    async def kill(self, pause: float) -> None:
        """SIGKILL; it is started again after a pause."""
        async with self._turn:
            if self._bot is not None and self._bot.running:
                self.killed += 1
                with suppress(ProcessLookupError):  # it ended by itself just now
                    await self._bot.kill()
            await asyncio.sleep(pause)
            await self.launch()

    async def write_stacks(self) -> None:
        """Have it write to its log where each of its tasks waits."""
        if self._bot is not None and self._bot.running:
            self._signal(signal.SIGUSR1)
            with suppress(AssertionError):
                await self._bot.wait_for_log(END, STOP_SECONDS)

    async def freeze(self, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after some time."""
        async with self._turn:
            self._signal(signal.SIGSTOP)
            await asyncio.sleep(seconds)
            self._signal(signal.SIGCONT)

    async def restart(self) -> None:
        """SIGTERM, and a new process as soon as the old one has ended."""
        async with self._turn:
            await self._stop()
            await self.launch()
            with suppress(AssertionError):
                await self._bot_is_ready()

    async def _bot_is_ready(self) -> None:
        if self._bot is not None:
            await self._bot.wait_for_log(" ready$", STOP_SECONDS)

    def heal(self) -> None:
        """Mend all of its ways."""
        for fault in self._ways:
            self.mend(fault)

    async def end(self) -> None:
        """SIGTERM for good."""
        async with self._turn:
            self._dismiss_keeper()
            await self._stop()

    async def close(self) -> None:
        """End everything, whatever its state."""
        self._dismiss_keeper()
        if self._bot is not None and self._bot.running:
            with suppress(ProcessLookupError):
                await self._bot.kill()
        for way in (*self._ways.values(), self._control):
            await way.close()

    async def _keep(self) -> None:
        """Start the bot again after it ended by itself, as Docker does: it could not start."""
        while True:
            await asyncio.sleep(AGAIN_SECONDS)
            async with self._turn:
                if self._bot is not None and not self._bot.running:
                    self.killed += 1
                    await self.launch()

    def _dismiss_keeper(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()

    async def _stop(self) -> None:
        if self._bot is None or not self._bot.running:
            return
        try:
            code = await self._bot.stop(STOP_SECONDS)
            if code == -signal.SIGTERM and not self._bot.lines:
                self.killed += 1  # it has not got as far as to handle signals
            elif code and any(CANNOT_START in line for line in self._bot.lines):
                self.killed += 1  # it was ending by itself
            else:
                self.exits.append(code)
        except TimeoutError:
            self.killed += 1
            self.exits.append(-signal.SIGKILL)
            await self._bot.kill()
        except ProcessLookupError:
            self.killed += 1  # it ended by itself just now

    def _of(self, fault: Fault) -> list[Way]:
        both = fault is Fault.CUT_ENGINE
        return [self._ways[fault], self._control] if both else [self._ways[fault]]

    def _signal(self, number: signal.Signals) -> None:
        if self._bot is not None and self._bot.running:
            with suppress(ProcessLookupError):
                os.kill(self._bot.pid, number)
