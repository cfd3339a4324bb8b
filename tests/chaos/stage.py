"""The stage: Redis, Slack, the swarm and the bots, and everything that can go wrong with them."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from redis.exceptions import RedisError

from bot.domain.errors import BotError
from playground.slack import BOT_USER_ID, SlackEmulator, Workspace
from tests.chaos.books import Books
from tests.chaos.people import People, users
from tests.chaos.replica import SLACK, Replica
from tests.chaos.schedule import CHANNELS, LEASE_SECONDS, Event, Fault
from tests.chaos.swarm import MANAGERS, ChaosSwarm
from tests.lab.redis import RedisServer

ALERTS = "C0ALERTS01"
WATCH_SECONDS = 1.0
LOOK_SECONDS = 0.5
QUIET_SECONDS = 2.0
"""For so long nothing may change any more before a run counts as settled."""
SETTLE_SECONDS = 110.0
"""A lost command is told after a minute, by a task that runs every ten seconds."""
START_SECONDS = 60.0
START_LOOK_SECONDS = 0.05
SETTINGS = {
    "SLACK_BOT_TOKEN": "",
    "BOT_OPERATORS": "*",
    "BOT_HTTP_PORT": "0",
    "BOT_ALERTS_CHANNEL": ALERTS,
    "BOT_ALERTS_QUIET_SECONDS": "1",
    "BOT_LEASE_SECONDS": str(LEASE_SECONDS),
    "BOT_WATCH_SECONDS": str(WATCH_SECONDS),
    "BOT_PLAN_SECONDS": "8",
    "BOT_JOB_SECONDS": "30",
    "BOT_TIMELINES": "false",
    "BOT_LOG_LEVEL": "INFO",
}


class Stage:
    """Everything of one run. ``replicas`` are the bots."""

    def __init__(self, folder: Path, seed: int, replicas: int) -> None:
        self.folder = folder
        self.redis = RedisServer(folder / "redis")
        self.slack = SlackEmulator(workspace=_workspace())
        self.stacks = folder / "stacks"
        self.stacks.mkdir()
        sockets = folder / "s"
        sockets.mkdir()
        self.swarm = ChaosSwarm(sockets, seed=seed, now=time.time())
        self.people = People(self.slack, self.stacks, seed)
        self.replicas: list[Replica] = []
        self._count = replicas
        self._mends: list[asyncio.Task[None]] = []
        self._full = self._down = 0

    async def open(self, parts: AsyncExitStack) -> None:
        """Start everything; ``parts`` ends it."""
        self.redis.start()
        parts.callback(self.redis.stop)
        self.books = Books(self.redis.url)
        parts.push_async_callback(self.books.close)
        await parts.enter_async_context(self.slack)
        for part in (self.slack.web_api, self.slack.sockets, self.slack.responses):
            part.root_url = SLACK
        await parts.enter_async_context(self.swarm.engine)
        await self._furnish()
        for number in range(self._count):
            self.replicas.append(await self._replica(number))
            parts.push_async_callback(self.replicas[-1].close)
        await asyncio.gather(*(each.launch() for each in self.replicas))
        await asyncio.gather(*(each.ready() for each in self.replicas))
        await _until(self._watches, START_SECONDS)
        self.swarm.begin()

    async def disturb(self, event: Event) -> None:
        """One fault, until it is over."""
        replica = self.replicas[event.replica % len(self.replicas)]
        match event.what:
            case Fault.KILL:
                await replica.kill(event.seconds)
            case Fault.FREEZE:
                await replica.freeze(event.seconds)
            case Fault.CUT_REDIS | Fault.CUT_SLACK | Fault.CUT_ENGINE:
                replica.cut(event.what, silent=event.silent)
                await asyncio.sleep(event.seconds)
                replica.mend(event.what)
            case Fault.REDIS_KILLED | Fault.REDIS_FULL:
                await self._break_redis(event)
            case Fault.ROLLING_RESTART:
                for each in self.replicas:
                    await each.restart()
            case _:
                self._break_slack(event)

    def fail(self, event: Event) -> None:
        """One failure of a service."""
        self.swarm.fail(event.service, killed=event.number % 2 == 0)

    def heal(self) -> None:
        """Mend everything that can be mended."""
        self.slack.faults.clear()
        for replica in self.replicas:
            replica.heal()

    async def settled(self) -> tuple[str, ...]:
        """Wait until nothing is to be done any more; returns what is, if that takes too long."""
        quiet, seen = 0.0, self._changes()
        pending: tuple[str, ...] = ("everything",)
        for _ in range(round(SETTLE_SECONDS / LOOK_SECONDS)):  # more time on a busy machine
            await asyncio.sleep(LOOK_SECONDS)
            with suppress(BotError, RedisError):
                pending = await self.books.pending(self.swarm.failures)
            now = self._changes()
            quiet = 0.0 if pending or now != seen else quiet + LOOK_SECONDS
            seen = now
            if quiet > QUIET_SECONDS:
                return ()
        return pending or ("messages are still changing",)

    async def end_bots(self) -> None:
        """SIGTERM to all bots at once."""
        await asyncio.gather(*(each.end() for each in self.replicas))

    def _changes(self) -> tuple[int, int]:
        workspace = self.slack.workspace
        said = sum(each.kind in {"posted", "edited", "ephemeral"} for each in workspace.changes)
        return said, len(self.swarm.requests.updates)

    async def _furnish(self) -> None:
        self.people.release()
        self.swarm.furnish()
        host = {"DOCKER_HOST": self.swarm.engine.host(), "DOCKER_CLI_HINTS": "false"}
        file = str(self.stacks / "orochi.yml")
        docker = await asyncio.create_subprocess_exec(
            "docker", "stack", "deploy", "--compose-file", file, "orochi",
            env={**os.environ, **host},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await docker.communicate()
        if docker.returncode:
            raise RuntimeError(f"the stack was not deployed: {said.decode()}")
        await _until(self._runs, START_SECONDS)

    async def _runs(self) -> bool:
        return self.swarm.running()

    async def _watches(self) -> bool:
        return await self.books.watching()

    async def _replica(self, number: int) -> Replica:
        manager = self.swarm.engine.managers[number % MANAGERS]
        targets: dict[Fault, int | Path] = {
            Fault.CUT_REDIS: self.redis.port,
            Fault.CUT_SLACK: int(self.slack.root_url.rpartition(":")[2]),
            Fault.CUT_ENGINE: Path(self.swarm.engine.host(manager).removeprefix("unix://")),
        }
        tokens = self.slack.tokens
        own = {"SLACK_BOT_TOKEN": tokens.bot, "SLACK_APP_TOKEN": tokens.app}
        settings = {**SETTINGS, **own, "BOT_STACKS_DIR": str(self.stacks)}
        replica = Replica(number, settings, targets)
        folder = self.folder / f"r{number}"
        folder.mkdir()
        await replica.open(folder)
        return replica

    async def _break_redis(self, event: Event) -> None:
        """Kill or fill Redis for a while; of overlapping faults the last one mends it."""
        if event.what is Fault.REDIS_KILLED:
            self._down += 1
            await asyncio.to_thread(self.redis.kill)
            await asyncio.sleep(event.seconds)
            self._down -= 1
            if not self._down:
                await asyncio.to_thread(self.redis.start)
            return
        self._full += 1
        with suppress(RedisError, OSError):
            await self.books.fill()
        await asyncio.sleep(event.seconds)
        self._full -= 1
        if not self._full:
            with suppress(RedisError, OSError):  # a new process has room anyway
                await self.books.empty()

    def _break_slack(self, event: Event) -> None:
        faults, workspace = self.slack.faults, self.slack.workspace
        match event.what:
            case Fault.RATE_LIMIT:
                faults.rate_limit(event.method, retry_after=round(event.seconds))
            case Fault.SERVER_ERROR:
                times, after = event.times, event.after_effect
                faults.status(event.method, 503, times=times, after_effect=after)
            case Fault.LOST_ANSWER:
                faults.drop(event.method, times=event.times, after_effect=True)
            case Fault.ARCHIVE:
                workspace.channels[event.channel].is_archived = True
            case Fault.DELETE:
                messages = workspace.messages.values()
                posted = [each for each in messages if each.payload and not each.is_reply]
                if posted:
                    workspace.delete(posted[event.replica % len(posted)])


@asynccontextmanager
async def a_stage(seed: int, replicas: int) -> AsyncIterator[Stage]:
    """A stage that is ready; everything ends with the block."""
    with tempfile.TemporaryDirectory(prefix="chaos", ignore_cleanup_errors=True) as folder:
        async with AsyncExitStack() as parts:
            stage = Stage(Path(folder), seed, replicas)
            await stage.open(parts)
            yield stage


def _workspace() -> Workspace:
    """The emulator's workspace with one more channel, and people in the channels for commands."""
    workspace = Workspace.furnished()
    people = [workspace.add_user(user.lower(), id=user).id for user in users()]
    workspace.add_channel("ops", id="C0OPS00001", members=[BOT_USER_ID])
    for channel in CHANNELS:
        workspace.channels[channel].members.update(people)
    return workspace


async def _until(probe: Callable[[], Awaitable[bool]], seconds: float) -> None:
    """Wait for something, on a busy machine longer than ``seconds``."""
    for _ in range(round(seconds / START_LOOK_SECONDS)):
        with suppress(BotError):
            if await probe():
                return
        await asyncio.sleep(START_LOOK_SECONDS)
    raise TimeoutError("the stage could not be set")
