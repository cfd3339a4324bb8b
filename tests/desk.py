"""An operator's desk: Slack, a swarm, Redis and the bot, all of them real processes.

Only Slack is emulated, by the shipped emulator in its strictest setting.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from playground.slack import AppDelivery, Message, SlackEmulator
from playground.slack.server import ANN
from tests.bot import BotProcess
from tests.lab import images
from tests.lab.redis import RedisServer
from tests.lab.swarm import Lab
from tests.lab.waiting import wait_until

STACK = "orochi"
OPERATOR = ANN
SOON = ("--update-monitor=1s", "--restart-delay=1s")


def settings_for(
    slack: SlackEmulator, redis_url: str, docker_host: str, control_socket: str = ""
) -> dict[str, str]:
    """Settings of a bot in Socket Mode whose only operator is Ann.

    It polls by default and draws no timelines, because most tests do not need push or timelines.
    """
    return {
        "SLACK_BOT_TOKEN": slack.tokens.bot,
        "SLACK_APP_TOKEN": slack.tokens.app,
        "SLACK_API_URL": slack.base_url,
        "REDIS_URL": redis_url,
        "DOCKER_HOST": docker_host,
        "BOT_CONTROL_SOCKET": control_socket,
        "BOT_OPERATORS": OPERATOR,
        "BOT_HTTP_PORT": "0",
        "BOT_WATCH_SECONDS": "3",
        "BOT_POLL_SECONDS": "0.5",
        "BOT_LEASE_SECONDS": "2",
        "BOT_TIMELINES": "false",
    }


class Desk:
    """What a person at the desk does and sees.

    Its bots are ``forked`` (see ``tests.forking``), unless a measurement needs real processes.
    """

    def __init__(
        self, slack: SlackEmulator, lab: Lab, redis: RedisServer, *, forked: bool = True
    ) -> None:
        self.slack = slack
        self.lab = lab
        self.redis = redis
        self.bots: list[BotProcess] = []
        self._forked = forked
        manager = lab.manager
        self.settings = settings_for(slack, redis.url, manager.socket, str(manager.control_socket))

    async def start_bot(self, **changed: str) -> BotProcess:
        """One more replica of the bot, with some settings changed."""
        bot = BotProcess({**self.settings, **changed}, forked=self._forked)
        self.bots.append(bot)
        await bot.start()
        return bot

    async def close(self) -> None:
        """Stop all bots."""
        for bot in self.bots:
            if bot.running:
                await bot.kill()

    async def docker(self, *args: str) -> str:
        """Run the real docker CLI against a manager in a thread."""
        return await asyncio.to_thread(self.lab.docker, *args)

    async def service(
        self, name: str, *command: str, replicas: int = 1, running: int | None = None, **more: Any
    ) -> str:
        """A service of the stack; waits for ``running`` of its replicas (default: all of them).

        Its monitor period and its restart delay are 1 s, not Docker's 5 s, unless ``options`` say
        otherwise: if an option is given twice, the docker CLI takes the last one.
        """
        options = (*SOON, f"--label=com.docker.stack.namespace={STACK}", *more.pop("options", ()))
        full = f"{STACK}_{name}"
        made = await asyncio.to_thread(
            lambda: self.lab.create_service(
                full, *(command or ("serve",)), replicas=replicas, options=options, **more
            )
        )
        count = replicas if running is None else running
        if count:
            await asyncio.to_thread(self.lab.wait_running, full, count)
        return made

    async def pending(self, name: str) -> None:
        """Wait until the scheduler has said why a task of the service finds no node."""

        def waits() -> bool:
            tasks = self.lab.client().tasks(filters={"service": [f"{STACK}_{name}"]})
            return any("no suitable node" in task["Status"].get("Err", "") for task in tasks)

        await asyncio.to_thread(wait_until, waits, f"the scheduler's word on {name}", seconds=20)

    async def lab_settled(self, name: str) -> None:
        """Wait until a task of the service has failed."""

        def failed() -> bool:
            tasks = self.lab.client().tasks(filters={"service": [f"{STACK}_{name}"]})
            return any(task["Status"]["State"] in {"failed", "rejected"} for task in tasks)

        await asyncio.to_thread(wait_until, failed, f"a failed task of {name}", seconds=20)

    async def inspect(self, name: str) -> dict[str, Any]:
        """A service of the stack as the engine returns it."""
        raw = json.loads(await self.docker("service", "inspect", f"{STACK}_{name}"))
        found: dict[str, Any] = raw[0]
        return found

    async def type(self, text: str, user: str = OPERATOR) -> AppDelivery:
        """Type ``/orochi TEXT``; the bot must have acknowledged it."""
        delivery = await self.slack.command("/orochi", text, user=user)
        assert delivery.ok, delivery.error
        return delivery

    async def job(self, text: str, seconds: float = 60.0) -> Message:
        """Type a command and wait for its job's verdict; returns the job's message."""
        known = {message.ts for message in self.slack.workspace.messages.values()}
        await self.type(text)
        return await self.slack.wait_for_message(
            lambda m: m.ts not in known and finished(m), timeout=seconds
        )

    async def told(
        self, predicate: Callable[[Message], bool], user: str = OPERATOR, seconds: float = 30.0
    ) -> Message:
        """Wait for an ephemeral message to one person."""
        return await self.slack.wait_for_ephemeral(user, predicate, timeout=seconds)

    async def answer(self, text: str, user: str = OPERATOR, seconds: float = 30.0) -> str:
        """Type a command and wait for the ephemeral answer."""
        known = {id(message) for message in self.slack.workspace.shown_to(user)}
        await self.type(text, user)
        message = await self.told(lambda m: id(m) not in known, user, seconds)
        return message.shown_text


def is_job(message: Message) -> bool:
    """Whether this is a job's message."""
    return (message.metadata or {}).get("event_type") == "swarm_job"


def finished(message: Message) -> bool:
    """Whether this is the message of a job with a verdict."""
    return is_job(message) and message.payload.get("state") == "finished"


def states(message: Message) -> list[str]:
    """The states that a job's message had, each once."""
    seen = [
        (edit.content.metadata or {}).get("event_payload", {}).get("state", "")
        for edit in message.history
    ]
    return list(dict.fromkeys(seen))


__all__ = ["OPERATOR", "STACK", "Desk", "finished", "images", "is_job", "settings_for", "states"]
