"""``python -m playground``: the whole bot on one machine, nothing else to install.

Redis, the swarm, Slack and its page are started first, then the bot itself, all in one event loop;
they end in the opposite order, whatever ends the demo.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
import sys
import webbrowser
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.app import App
from bot.domain.errors import BotError
from bot.settings import SettingsError, load
from playground.folder import temporary_folder
from playground.page import Playground
from playground.panel import Panel, Part, RedisPart, SlackPart
from playground.panel_swarm import SwarmPart
from playground.people import ALERTS, OPERATORS, furnished, welcome
from playground.place import Place, real, simulated
from playground.redis import EmbeddedRedis, forget
from playground.slack import SlackEmulator

PORT: Final = 8090
WATCHES_SECONDS: Final = 5.0
FOR_A_DEMO: Final = {
    "BOT_ALERTS_QUIET_SECONDS": "10",
    "BOT_WATCH_SECONDS": "20",
    "BOT_HTTP_PORT": "0",
    "BOT_LOG_LEVEL": "ERROR",
}
"""Defaults of the demo's settings: times short enough to wait for."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """The demo's options. ``swarm`` is ``simulated`` or ``docker``; ``opens`` opens a browser."""

    port: int = PORT
    swarm: str = "simulated"
    seed: int = 1
    opens: bool = False


class Demo:
    """The parts of the demo, started one after the other; ``parts`` ends them in reverse order."""

    def __init__(
        self, options: DemoOptions, environ: Mapping[str, str], parts: AsyncExitStack, folder: Path
    ) -> None:
        self._options = options
        self._environ = environ
        self._parts = parts
        self._folder = folder
        self._breaks: list[Part] = []

    async def start(self) -> str:
        """Start everything; returns the lines to print. Raises BotError or OSError."""
        store = await self._redis()
        place = await self._place()
        if self._environ.get("SLACK_BOT_TOKEN"):
            await self._bot(place, store | _slack_of(self._environ))
            return _told_slack(place)
        slack = await self._parts.enter_async_context(SlackEmulator(workspace=furnished()))
        welcome(slack.workspace, self._command, place.tries, broken=place.broken)
        page = await self._page(slack, place)
        await self._bot(place, store | _emulated(slack))
        if self._options.opens:
            await asyncio.to_thread(webbrowser.open, page.url)
        return _told(page.url, place, taken=self._taken(page))

    async def _redis(self) -> dict[str, str]:
        prefix = f"orochi-demo-{secrets.token_hex(4)}"
        if url := self._environ.get("REDIS_URL", ""):
            self._parts.push_async_callback(forget, url, prefix)
        else:
            own = await self._parts.enter_async_context(EmbeddedRedis(self._made("redis")))
            self._breaks.append(RedisPart(own))
            url = own.url
        return {"REDIS_URL": url, "REDIS_PREFIX": prefix}

    async def _place(self) -> Place:
        if self._options.swarm == "docker":
            return await real(self._environ)
        entered = simulated(self._made("s"), self._options.seed)
        place = await self._parts.enter_async_context(entered)
        if place.swarm:
            self._breaks.insert(0, SwarmPart(place.swarm))
        return place

    @property
    def _command(self) -> str:
        return self._environ.get("BOT_COMMAND") or "/orochi"

    async def _page(self, slack: SlackEmulator, place: Place) -> Playground:
        panel = Panel([*self._breaks, SlackPart(slack)])
        made = Playground(
            slack,
            breakables=panel,
            command=self._command,
            operators=OPERATORS,
            names=place.names,
            port=self._options.port,
        )
        return await self._parts.enter_async_context(made)

    async def _bot(self, place: Place, given: Mapping[str, str]) -> None:
        mine = {name: value for name, value in self._environ.items() if name.startswith("BOT_")}
        settings = load({**FOR_A_DEMO, **place.settings, **mine, **given}, secrets_dir=None)
        app = App(settings, reachability=place.reachability)
        self._parts.push_async_callback(app.stop)
        await app.start()
        await _watching(app)

    def _made(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir()
        return folder

    def _taken(self, page: Playground) -> int:
        """The requested port if another program uses it, else 0."""
        asked = self._options.port
        return asked if asked and not page.url.endswith(f":{asked}/") else 0


async def run(options: DemoOptions, environ: Mapping[str, str]) -> int:
    """Run the demo until SIGINT, SIGTERM or SIGHUP; returns the exit code."""
    ending = asyncio.Event()
    serving = asyncio.create_task(_serve(options, environ, ending))

    def end() -> None:
        if not ending.is_set():  # a second Ctrl-C must not interrupt the cleanup
            ending.set()
            serving.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, end)
    try:
        await serving
    except asyncio.CancelledError:
        return 0
    except SettingsError as error:
        return _sorry("these settings are wrong:\n  " + "\n  ".join(error.problems))
    except BotError as error:
        return _sorry(f"{error.sentence} {error.hint}")
    except OSError as error:
        return _sorry(str(error))
    return 0


async def _serve(options: DemoOptions, environ: Mapping[str, str], ending: asyncio.Event) -> None:
    """Start the demo, print its address and run until ``ending`` or until cancelled.

    A client library may swallow a cancellation during the start: then the event is left.
    """
    with temporary_folder() as folder:
        async with AsyncExitStack() as parts:
            said = await Demo(options, environ, parts, folder).start()
            sys.stdout.write(f"{said}\n")
            sys.stdout.flush()
            await ending.wait()


async def _watching(app: App) -> None:
    """Wait until the bot has seen the swarm: failures after that raise alerts."""
    with suppress(TimeoutError, BotError):
        async with asyncio.timeout(WATCHES_SECONDS):
            while (await app.incidents.load()).state.began is None:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.02)


def _emulated(slack: SlackEmulator) -> dict[str, str]:
    return {
        "SLACK_BOT_TOKEN": slack.tokens.bot,
        "SLACK_APP_TOKEN": slack.tokens.app,
        "SLACK_API_URL": slack.base_url,
        "BOT_OPERATORS": ",".join(sorted(OPERATORS)),
        "BOT_ALERTS_CHANNEL": ALERTS,
    }


def _slack_of(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.startswith("SLACK_")}


def _told(url: str, place: Place, *, taken: int) -> str:
    beside = f" (port {taken} is taken)" if taken else ""
    tries = (
        "type /orochi scale 5, then choose “Break things”"
        if place.swarm
        else "type /orochi status; changes are real"
    )
    return f"The demo is at {url}{beside}, with {place.sentence}: {tries}. Ctrl-C ends it."


def _told_slack(place: Place) -> str:
    return (
        f"The bot is in your Slack workspace, with {place.sentence}: type /orochi status there. "
        "No page is served. Ctrl-C ends it."
    )


def _sorry(why: str) -> int:
    sys.stderr.write(f"The demo cannot start: {why.strip()}\n")
    return 1
