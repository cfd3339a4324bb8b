"""The Bolt app: the same listeners for Socket Mode and HTTP mode.

With ``process_before_response`` Bolt answers Slack when the listener returns, without the polling
of its default mode and without losing the ack of a listener that raises. A listener therefore acks
first, waits a limited time for the bot's answer, and never raises.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult

from bot.domain.errors import BotError
from bot.domain.text.message import Message
from bot.ports import Receive, Request
from bot.runtime.tasks import Background
from bot.slack.api import BotIdentity
from bot.slack.requests import (
    Payload,
    command_request,
    home_viewer,
    press_request,
    spoken_request,
)
from bot.slack.transport import SLACK_API_URL, web_client
from bot.slack.wording import ephemeral_body, internal_error, unknown_command
from bot.views.errors import failed

log = logging.getLogger(__name__)

ACK_PATIENCE: Final = 2.5
"""Slack waits three seconds for an answer; the rest is for the network."""
BOLT_LOG: Final = "bot.slack.bolt"
"""Bolt's logger. It is also the app's name, because Bolt sets the level of the logger so named."""
Reply = Callable[..., Awaitable[None]]
"""``Chat.reply``: user, channel, reply URL, message; and ``thread``."""
Opened = Callable[[str], None]
"""Called with the id of a person who opened the bot's Home tab."""
Listener = Callable[[AsyncAck, Payload], Awaitable[None]]


async def unheard(_request: Request) -> Message | None:
    """Answers no message."""


class Listeners:
    """Handles payloads from Slack, in both modes.

    ``receive`` handles commands, ``press`` buttons and ``hear`` messages to the bot.
    ``reply`` sends answers that come too late for the request itself. All of it is counted in
    ``in_flight``.
    """

    def __init__(
        self,
        receive: Receive,
        press: Receive,
        reply: Reply,
        in_flight: Background,
        opened: Opened = lambda _user: None,
        *,
        hear: Receive = unheard,
    ) -> None:
        self._hear = hear
        self._receive = receive
        self._press = press
        self._reply = reply
        self._in_flight = in_flight
        self._opened = opened

    async def command(self, ack: AsyncAck, body: Payload) -> None:
        """A slash command: the answer is part of the response."""
        await ack()
        request = command_request(body)
        task = self._in_flight.start(
            self._answer_to(self._receive, request, "command"), "a command"
        )
        if await self._in_time(task):
            message = task.result()
            if message is not None:
                await ack(ephemeral_body(message))
        else:
            self._in_flight.spawn(self._say_later(task, request), "a late answer")

    async def press(self, ack: AsyncAck, body: Payload) -> None:
        """A button press: its response has no body, so the answer is sent separately."""
        await ack()
        request = press_request(body)
        task = self._in_flight.start(self._answer_to(self._press, request, "button"), "a button")
        await self._in_time(task)
        self._in_flight.spawn(self._say_later(task, request), "a late answer")

    async def said(self, request: Request | None) -> None:
        """A message, None for one that is not to the bot; acked when it is stored or answered.

        Slack sends it again if this replica is lost before.
        """
        if request is None:
            return
        task = self._in_flight.start(self._answer_to(self._hear, request, "message"), "a message")
        await self._in_time(task)
        self._in_flight.spawn(self._say_later(task, request), "a late answer")

    async def home(self, ack: AsyncAck, body: Payload) -> None:
        """A person opened the app's Home tab, or another tab of the app, which is ignored."""
        await ack()
        user = home_viewer(body)
        if user:
            self._opened(user)

    async def _in_time(self, task: asyncio.Task[Message | None]) -> bool:
        done, _ = await asyncio.wait([task], timeout=ACK_PATIENCE)
        return bool(done)

    async def _answer_to(self, take: Receive, request: Request, word: str) -> Message | None:
        """The answer from ``take``; an error becomes a sentence and is logged with its id."""
        try:
            return await take(request)
        except BotError as error:
            log.warning("A %s was not accepted (%s): %s", word, error.ref, error)
            return failed(error, unchanged=False)
        except Exception:
            failure = internal_error(word)
            log.exception("A %s failed (%s)", word, failure.ref)
            return failed(failure, unchanged=False)

    async def _say_later(self, task: asyncio.Task[Message | None], request: Request) -> None:
        message = await task
        if message is None:
            return
        try:
            await self._reply(
                request.user, request.channel, request.reply_url, message, thread=request.thread
            )
        except BotError as error:
            log.warning("Could not notify a person (%s): %s", error.ref, error)


def bolt_app(
    command: str, listeners: Listeners, identity: BotIdentity, base_url: str = SLACK_API_URL
) -> AsyncApp:
    """A Bolt app that handles the slash command ``command`` (with its ``/``) and all buttons.

    It checks no signatures: ``bot.slack.http_mode`` does so before requests get here, and Socket
    Mode has none. It makes no calls to Slack, so it needs no token.
    """
    app = AsyncApp(
        name=BOLT_LOG,
        logger=_quiet_logger(),
        client=web_client(None, base_url),
        authorize=_authorize_as(identity),
        process_before_response=True,
        request_verification_enabled=False,
        ssl_check_enabled=False,
    )

    async def other_command(ack: AsyncAck, body: Payload) -> None:
        wrong = unknown_command(str(body.get("command", "")), command)
        await ack(ephemeral_body(failed(wrong)))

    async def said(ack: AsyncAck, body: Payload) -> None:
        await ack()
        await listeners.said(spoken_request(body, identity.user_id, identity.name))

    app.command(command)(_guarded(listeners.command))
    app.command(re.compile(""))(_guarded(other_command))
    app.action(re.compile(""))(_guarded(listeners.press))
    app.event("app_home_opened")(_guarded(listeners.home))
    app.event("app_mention")(_guarded(said))
    app.event("message")(_guarded(said))
    return app


def _guarded(listener: Listener) -> Listener:
    """A listener that never raises, because Bolt would discard its ack."""

    async def guarded(ack: AsyncAck, body: Payload) -> None:
        try:
            await listener(ack, body)
        except Exception:
            failure = internal_error()
            log.exception("A listener failed (%s)", failure.ref)
            await ack(ephemeral_body(failed(failure, unchanged=False)))

    return guarded


def _authorize_as(identity: BotIdentity) -> Callable[..., Awaitable[AuthorizeResult]]:
    """The same identity for every request, instead of an ``auth.test`` for each."""

    async def authorize(**_: Any) -> AuthorizeResult:  # noqa: ANN401 - Bolt passes many arguments
        return AuthorizeResult(
            enterprise_id=None,
            team_id=identity.team_id,
            bot_id=identity.bot_id,
            bot_user_id=identity.user_id,
        )

    return authorize


def _quiet_logger() -> logging.Logger:
    """A logger without Bolt's warnings.

    They concern tokens in the environment that it does not use, and the bodies of requests without
    a listener: neither belongs in the log.
    """
    logger = logging.getLogger(BOLT_LOG)
    logger.setLevel(logging.ERROR)
    return logger
