"""Socket Mode: Slack's requests over a WebSocket that the bot opens.

Four problems of the SDK's client are fixed here. It requests tickets forever with an invalid token,
so the token is tested once before. It retries an expired ticket forever, so a watchdog discards the
ticket. Its ``close`` drops acks in progress, so every envelope is counted from the moment it was
read, and ``drain`` waits for all of them. And when Slack refreshes a connection, which it does
every few hours, the SDK closes the old one first and loses requests on it, so here a second client
connects before the first one is closed.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import aiohttp
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.domain.errors import ChatError, ChatUnavailableError
from bot.runtime.tasks import Background
from bot.slack.api import SlackApi
from bot.slack.requests import is_typed_message
from bot.slack.transport import proxy_for, web_client

log = logging.getLogger(__name__)

PING_INTERVAL: Final = 2.5
"""Seconds; a broken connection is noticed after about this time."""
LOOK_INTERVAL: Final = 0.5
LOOKS: Final = 2
"""After this many checks without a connection, the ticket is discarded."""
CONNECT_WITHIN: Final = 15.0
CLOSE_WITHIN: Final = 2.0
GRACE: Final = 2.0
"""Seconds for which a retired connection is still read, for requests sent before the change."""
RETIRE_WITHIN: Final = 5.0
TICKET: Final = re.compile(r"ticket=[^&'\"\s]+")

Retire = Callable[["CountingClient"], Awaitable[bool]]
"""Replaces a client that Slack told to disconnect; False if that failed."""


class CountingClient(SocketModeClient):
    """The SDK's client, with every envelope counted from its arrival to its ack."""

    def __init__(self, app_token: str, base_url: str, ping: float, retire: Retire) -> None:
        super().__init__(
            app_token=app_token,
            logger=_redacting_logger(),
            web_client=web_client(None, base_url),
            ping_interval=ping,
        )
        self.proxy = None
        self.in_flight = Background()
        self._retire = retire

    async def enqueue_message(self, message: str) -> None:
        """Handle a frame immediately in its own task, without a queue."""
        frame = json.loads(message) if message.startswith("{") else {}
        self.in_flight.spawn(self.run_message_listeners(frame, message), "a message of Slack's")

    async def run_message_listeners(self, message: dict[str, Any], raw_message: str) -> None:
        """Handle a frame; for a disconnect frame, switch to another client."""
        if message.get("type") == "disconnect" and await self._retire(self):
            return
        await super().run_message_listeners(message, raw_message)

    async def issue_new_wss_url(self) -> str:
        """A new address; the proxy for it is determined again."""
        url = await super().issue_new_wss_url()
        self.proxy = proxy_for(url)
        return url

    def stay_closed(self) -> None:
        """Do not reconnect after the connection is closed."""
        self.auto_reconnect_enabled = self.default_auto_reconnect_enabled = False

    async def close_gently(self) -> None:
        """Close the connection; if the close frame is not answered, leave it."""
        try:
            async with asyncio.timeout(CLOSE_WITHIN):
                await self.close()  # type: ignore[no-untyped-call]
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            log.info("The connection to Slack did not close cleanly: %s", error)
        finally:
            await self.aiohttp_client_session.close()


class SocketMode:
    """A connection that reconnects automatically until it is drained."""

    def __init__(
        self,
        api: SlackApi,
        app_token: str,
        ping_interval: float = PING_INTERVAL,
        look_interval: float = LOOK_INTERVAL,
        acked: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self._acked = acked
        self._api = api
        self._app_token = app_token
        self._ping_interval = ping_interval
        self._look_interval = look_interval
        self._app: AsyncApp | None = None
        self._client: CountingClient | None = None
        self._watchdog: asyncio.Task[None] | None = None
        self._retired = Background()
        self._replacing = asyncio.Lock()
        self._stopping = asyncio.Event()

    async def open(self, app: AsyncApp) -> None:
        """Connect and accept requests from now on.

        Raises:
            ChatLoginError: the app-level token does not work.
            ChatUnavailableError: there was no connection within 15 s.
        """
        self._client = await self._connected(app)
        self._app = app
        self._watchdog = asyncio.create_task(self._watch(), name="slack-watchdog")

    async def is_connected(self) -> bool:
        """Whether there is a connection."""
        return self._client is not None and bool(await self._client.is_connected())

    async def drain(self, seconds: float) -> bool:
        """Answer requests in progress, then close; False if some did not finish in time.

        Requests that Slack sends in the meantime are answered too, because no other connection gets
        them.
        """
        self._stopping.set()
        client, self._client = self._client, None
        if client is None:
            return await self._retired.drain(seconds)
        client.stay_closed()
        await self._stop_watching()
        ended = await client.in_flight.drain(seconds)
        await client.close_gently()
        return await self._retired.drain(seconds) and ended

    async def _connected(self, app: AsyncApp) -> CountingClient:
        url = await self._api.open_socket(self._app_token)
        client = CountingClient(
            self._app_token, self._api.base_url, self._ping_interval, self._replace
        )
        client.wss_uri, client.proxy = url, proxy_for(url)
        client.socket_mode_request_listeners.append(_Envelopes(app, self._acked).handle)
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                await client.connect()  # type: ignore[no-untyped-call]
        except TimeoutError as error:
            await client.close_gently()
            raise ChatUnavailableError("Slack's WebSocket does not answer.") from error
        return client

    async def _replace(self, old: CountingClient) -> bool:
        """Switch to a new connection; the old one is read for a moment longer, then closed."""
        async with self._replacing:
            if self._app is None or old is not self._client:
                return True
            try:
                client = await self._connected(self._app)
            except ChatError as error:
                log.warning("The connection to Slack was not refreshed (%s): %s", error.ref, error)
                return False
            if self._stopping.is_set():
                await client.close_gently()
                return True
            self._client = client
            self._retired.spawn(self._retire(old), "an old connection")
            return True

    async def _retire(self, old: CountingClient) -> None:
        old.stay_closed()
        await asyncio.wait([stopping := asyncio.create_task(self._stopping.wait())], timeout=GRACE)
        stopping.cancel()
        await old.in_flight.drain(RETIRE_WITHIN)
        await old.close_gently()

    async def _watch(self) -> None:
        misses = 0
        while True:
            await asyncio.sleep(self._look_interval)
            misses = 0 if await self.is_connected() else misses + 1
            if self._client is not None and misses >= LOOKS:
                self._client.wss_uri = None
                misses = 0

    async def _stop_watching(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
            await asyncio.wait([self._watchdog])


class _Envelopes:
    """Passes envelopes to Bolt and its answers back."""

    def __init__(self, app: AsyncApp, acked: Callable[[float], None]) -> None:
        self._app = app
        self._acked = acked

    async def handle(self, client: AsyncBaseSocketModeClient, envelope: SocketModeRequest) -> None:
        started = time.time()
        answer = await run_async_bolt_app(self._app, envelope)
        await send_async_response(client, envelope, answer, started)
        if envelope.type != "events_api" or is_typed_message(envelope.payload):
            self._acked(time.time() - started)


class _RedactingFilter(logging.Filter):
    """A filter for the SDK's log: no payloads, no tickets, no traceback for every retry."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = TICKET.sub("ticket=…", record.getMessage())
        record.args = record.exc_info = record.exc_text = None
        return record.levelno >= logging.INFO


def _redacting_logger() -> logging.Logger:
    logger = logging.getLogger("bot.slack.socket")
    if not any(isinstance(each, _RedactingFilter) for each in logger.filters):
        logger.addFilter(_RedactingFilter())
    return logger
