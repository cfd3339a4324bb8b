"""``python -m bot check``: reports what works and what is missing, part by part."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from bot.domain.commands.access import Operators
from bot.domain.errors import BotError, CannotPostError, SwarmError
from bot.runtime.clock import SystemClock
from bot.settings import Settings, logins_of, misspelt
from bot.slack.api import SlackApi
from bot.slack.messenger import Messenger, sharing_warning
from bot.slack.scopes import REINSTALL, explained, lacking
from bot.store.connection import RedisLink
from bot.store.jobs import RedisJobs
from bot.swarm.connection import Connection
from bot.swarm.engine import DockerSwarm
from bot.swarm.event_stream.client import StreamClient
from bot.swarm.event_stream.trust import EngineTrust
from bot.swarm.logins import SETTING
from bot.swarm.registry import DockerRegistry
from bot.swarm.stacks.folder import StackFolder

MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; ``good`` is False if the bot cannot work in this state."""

    part: str
    good: bool
    sentence: str


async def check(settings: Settings) -> int:
    """Print every finding; returns 0 if the bot can run, 1 if something is missing."""
    bad = 0
    async with aclosing(_findings(settings)) as findings:
        async for finding in findings:
            bad += not finding.good
            mark = "ok     " if finding.good else "MISSING"
            sys.stdout.write(f"{mark} {finding.part}: {finding.sentence}\n")
    return 1 if bad else 0


async def _findings(settings: Settings) -> AsyncGenerator[Finding, None]:
    if wrong := misspelt(os.environ):
        yield Finding("settings", good=False, sentence=" ".join(wrong))
    for part, look in (
        ("Slack", _slack),
        ("Slack requests", _way_in),
        ("Redis", _redis),
        ("Docker", _docker),
        ("changes", _changes),
        ("registries", _registries),
        ("operators", _operators),
        ("alerts", _alerts),
        ("stacks", _stacks),
    ):
        yield await _guarded(part, look, settings)


async def _guarded(
    part: str, look: Callable[[Settings], Awaitable[str]], settings: Settings
) -> Finding:
    try:
        return Finding(part, good=True, sentence=await look(settings))
    except BotError as error:
        return Finding(part, good=False, sentence=f"{error.sentence} {error.hint}".strip())


async def _slack(settings: Settings) -> str:
    api = _api(settings)
    try:
        identity = await api.login()
    finally:
        await api.close()
    if missing := lacking(identity.scopes):
        raise BotError(f"the bot token lacks the scopes {explained(missing)}.", hint=REINSTALL)
    scopes = "with every scope it needs" if identity.scopes else "Slack did not report its scopes"
    return f"the bot token is {identity.name} in {identity.team}, {scopes}"


async def _way_in(settings: Settings) -> str:
    if not settings.socket_mode:
        return f"HTTP mode: POST /slack/events on port {settings.bot_http_port}"
    api = _api(settings)
    try:
        await api.open_socket(settings.slack_app_token.get_secret_value())
    finally:
        await api.close()
    return "Socket Mode: the app token works"


async def _redis(settings: Settings) -> str:
    link = RedisLink(
        settings.redis_url.get_secret_value(), settings.redis_password.get_secret_value()
    )
    address = _address(settings.redis_url.get_secret_value())
    try:
        await RedisJobs(link, prefix=settings.redis_prefix).ping()
    except BotError as error:
        said = f"{address}: {error.sentence}"
        raise BotError(said, hint=why_no_redis(error) or error.hint) from error
    finally:
        await link.aclose()
    return f"answers at {address}"


def why_no_redis(error: BaseException) -> str:
    """Why there is no connection to Redis and what to check, "" if that is not known."""
    cause = error.__cause__ or error.__context__
    while cause is not None:
        known = next((why for kind, why in _NO_REDIS if isinstance(cause, kind)), "")
        if known:
            return known
        cause = cause.__cause__ or cause.__context__
    return ""


_NO_REDIS: Final = (
    (
        socket.gaierror,
        (
            "Its name cannot be resolved (DNS). Check REDIS_URL, and that the bot and Redis share "
            "a network."
        ),
    ),
    (
        ConnectionRefusedError,
        "The connection was refused. Check the port in REDIS_URL, and that Redis is running.",
    ),
    (FileNotFoundError, "There is no such socket. Check REDIS_URL."),
)
"""What a failed connection raises, and what that means."""


def _address(url: str) -> str:
    """A URL without its user and password."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}"


async def _docker(settings: Settings) -> str:
    swarm = DockerSwarm(settings.docker_host)
    try:
        engine = await swarm.engine()
        services = await swarm.services(settings.bot_stack)
    finally:
        await swarm.aclose()
    return (
        f"engine {engine.version} (API {engine.api_version}) on {engine.hostname}, a manager; "
        f"stack {settings.bot_stack} has {len(services)} services"
    )


async def _changes(settings: Settings) -> str:
    """The finding on the feed; polling is a valid fallback, so it does not count as missing."""
    path = settings.bot_control_socket
    if not path:
        return "polled: BOT_CONTROL_SOCKET is empty"
    trust = EngineTrust(settings.docker_host)
    try:
        await StreamClient(path, trust).check()
    except SwarmError as error:
        return f"polled: push is not available. {error.sentence} {error.hint}".strip()
    finally:
        await trust.aclose()
    return f"pushed by the swarm through {path}"


async def _registries(settings: Settings) -> str:
    """The finding on the logins; the engine asks each registry."""
    logins = logins_of(settings).all().values()
    if not logins:
        return f"no logins ({SETTING} is empty)"
    connection = Connection(settings.docker_host)
    try:
        registry = DockerRegistry(connection)
        said = [f"{each.host or 'Docker Hub'} as {each.user or 'a token'}" for each in logins]
        why = await asyncio.gather(*(registry.refusal(each) for each in logins))
    finally:
        connection.close()
    both = list(zip(said, why, strict=True))
    if any(why):
        raise BotError("; ".join(f"{one}: {trouble or 'ok'}" for one, trouble in both))
    return "; ".join(f"{one}: ok" for one in said)


async def _operators(settings: Settings) -> str:
    operators = Operators.parse(settings.bot_operators)
    if operators.nobody:
        raise BotError(
            "BOT_OPERATORS is empty, so nobody can make changes.",
            hint="Try: BOT_OPERATORS=U0123ABCD (a member id from the person's Slack profile)",
        )
    if operators.everyone:
        return "every member of the workspace can make changes (BOT_OPERATORS is *)"
    return f"{len(operators.users)} users and {len(operators.groups)} user groups"


async def _alerts(settings: Settings) -> str:
    channel = settings.bot_alerts_channel
    if not channel:
        return "alerts are off (BOT_ALERTS_CHANNEL is empty)"
    api = _api(settings)
    messenger = Messenger(api, SystemClock())
    try:
        await api.login()
        await messenger.see(channel)
        warning = await sharing_warning(messenger, channel)
    except CannotPostError as error:
        raise BotError(f"channel {channel}: {error.sentence}", hint=error.hint) from error
    finally:
        await messenger.close()
    stacks = settings.bot_alerts_stacks or "all stacks"
    told = f"posted in channel {channel}, for {stacks}"
    return f"{told}. Warning: {warning}" if warning else told


async def _stacks(settings: Settings) -> str:
    path = settings.bot_stacks_dir
    if not path:
        return "deploys are off (BOT_STACKS_DIR is empty)"
    names = StackFolder(path).names()
    named = ", ".join(names[:MOST_NAMED]) + (" …" if len(names) > MOST_NAMED else "")
    return f"{len(names)} can be deployed from {path}" + (f": {named}" if names else "")


def _api(settings: Settings) -> SlackApi:
    token = settings.slack_bot_token.get_secret_value()
    return SlackApi(token, SystemClock(), settings.slack_api_url)
