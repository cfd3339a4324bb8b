"""The Slack adapter connected to the emulator, in both modes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from bot.domain.text.message import Message, Metadata
from bot.ports import Receive, Request
from bot.runtime.clock import SystemClock
from bot.slack.api import SlackApi
from bot.slack.messenger import Messenger
from bot.slack.service import SlackService
from playground.slack import SlackEmulator

COMMAND = "/orochi"
SWARM = "C0SWARM001"
ANN = "U0ANN00001"
MODES = ("socket", "http")


class FastClock:
    """Real time, ``factor`` times as fast."""

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._start = time.monotonic()

    def now(self) -> float:
        return 1_700_000_000.0 + (time.monotonic() - self._start) * self._factor

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._factor)


@dataclass
class Recorder:
    """Receives requests: records each, then runs ``then``."""

    then: Receive | None = None
    requests: list[Request] = field(default_factory=list)

    async def __call__(self, request: Request) -> Message | None:
        self.requests.append(request)
        return await self.then(request) if self.then else None


@dataclass
class Side:
    """The emulator and the adapter connected to it."""

    slack: SlackEmulator
    service: SlackService
    messenger: Messenger
    received: Recorder
    pressed: Recorder
    opened: list[Callable[[str], None]] = field(default_factory=list)
    heard: Recorder = field(default_factory=Recorder)


def a_message(text: str = "hello", job_id: str = "") -> Message:
    metadata = Metadata("swarm_job", {"job_id": job_id}) if job_id else None
    block = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
    return Message(text, (block,), metadata)


def a_button(action_id: str = "job.cancel", value: str = "abc") -> Message:
    label = {"type": "plain_text", "text": "Cancel"}
    element = {"type": "button", "action_id": action_id, "value": value, "text": label}
    return Message("a button", ({"type": "actions", "elements": [element]},))


async def eventually(probe: Callable[[], bool], seconds: float = 5.0) -> None:
    """Poll for a condition that has no event."""
    async with asyncio.timeout(seconds):
        while not probe():  # noqa: ASYNC110 - the emulator has no event for it
            await asyncio.sleep(0.005)


def texts(slack: SlackEmulator, ts: str, channel: str = SWARM) -> list[str]:
    """All states of a message."""
    return [edit.content.text for edit in slack.workspace.messages[channel, ts].history]


def error_of(slack: SlackEmulator, method: str) -> list[str]:
    """The error code of each call of a method, "" for successful calls."""
    return [call.error for call in slack.calls_of(method)]


@asynccontextmanager
async def a_messenger(
    slack: SlackEmulator,
    clock: FastClock | SystemClock | None = None,
    patience: float = 20.0,
    base_url: str = "",
    call_seconds: float = 5.0,
) -> AsyncIterator[Messenger]:
    """A messenger that is started, and stopped at the end of the block."""
    clock = clock or SystemClock()
    api = SlackApi(slack.tokens.bot, clock, base_url or slack.base_url, timeout=call_seconds)
    messenger = Messenger(api, clock, patience=patience)
    messenger.start()
    try:
        yield messenger
    finally:
        await messenger.close()


@asynccontextmanager
async def connected(
    mode: str,
    receive: Receive | None = None,
    press: Receive | None = None,
    acked: Callable[[float], None] = lambda _seconds: None,
    hear: Receive | None = None,
) -> AsyncIterator[Side]:
    """The adapter listening in one of the modes; drained and closed at the end."""
    received, pressed, heard = Recorder(receive), Recorder(press), Recorder(hear)
    opened: list[Callable[[str], None]] = []

    def tell(user: str) -> None:
        for each in opened:
            each(user)

    async with SlackEmulator(strict=True) as slack:
        clock = SystemClock()
        api = SlackApi(slack.tokens.bot, clock, slack.base_url)
        messenger = Messenger(api, clock)
        service = SlackService(
            api,
            clock,
            command=COMMAND,
            receive=received,
            press=pressed,
            reply=messenger.reply,
            opened=tell,
            hear=heard,
            app_token=slack.tokens.app if mode == "socket" else "",
            signing_secret=slack.tokens.signing_secret,
            acked=acked,
        )
        messenger.start()
        async with served(service) as url:
            if mode == "http":
                slack.request_url = url
            await service.listen()
            yield Side(slack, service, messenger, received, pressed, opened, heard)
            await service.close()
        await messenger.close()


@asynccontextmanager
async def served(service: SlackService) -> AsyncIterator[str]:
    """HTTP mode's route on a free port; gives its address."""
    application = web.Application()
    application.add_routes(service.routes())
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    finally:
        await runner.cleanup()
