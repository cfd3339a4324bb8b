"""Socket Mode: Slack's requests over a WebSocket that the bot opens.

Three things of the SDK's client are mended here. It asks for ever for a ticket with a token that
does not work, so the token is tried once before. It retries an expired ticket for ever, so a
watchdog takes the ticket away. And its ``close`` drops acks in flight, so every envelope is
counted from the moment it was read, and ``drain`` waits for all of them.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import Final

import aiohttp
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.domain.errors import ChatUnavailableError
from bot.slack.api import Api
from bot.slack.in_flight import InFlight
from bot.slack.transport import proxy_for, web_client

log = logging.getLogger(__name__)

PING_INTERVAL: Final = 2.5
"""Seconds; a broken connection is noticed after about this time."""
LOOK_INTERVAL: Final = 0.5
LOOKS: Final = 2
"""So many looks without a connection take the ticket away."""
CONNECT_WITHIN: Final = 15.0
CLOSE_WITHIN: Final = 2.0


class CountingClient(SocketModeClient):
    """The SDK's client with every envelope counted from its reading to its ack."""

    def __init__(self, app_token: str, base_url: str, in_flight: InFlight, ping: float) -> None:
        super().__init__(
            app_token=app_token,
            logger=logging.getLogger("bot.slack.socket"),
            web_client=web_client(None, base_url),
            ping_interval=ping,
        )
        self.proxy = None
        self._in_flight = in_flight

    async def enqueue_message(self, message: str) -> None:
        """Handle a frame at once in a task of its own, without the queue in between."""
        frame = json.loads(message) if message.startswith("{") else {}
        self._in_flight.spawn(self.run_message_listeners(frame, message))

    async def issue_new_wss_url(self) -> str:
        """A fresh address; the proxy to it is looked up anew."""
        url = await super().issue_new_wss_url()
        self.proxy = proxy_for(url)
        return url


class SocketMode:
    """One connection that comes back by itself until it is drained."""

    def __init__(
        self,
        api: Api,
        app_token: str,
        in_flight: InFlight,
        ping_interval: float = PING_INTERVAL,
        look_interval: float = LOOK_INTERVAL,
    ) -> None:
        self._api = api
        self._app_token = app_token
        self._in_flight = in_flight
        self._ping_interval = ping_interval
        self._look_interval = look_interval
        self._client: CountingClient | None = None
        self._watchdog: asyncio.Task[None] | None = None

    async def open(self, app: AsyncApp) -> None:
        """Connect and take requests from now on.

        Raises ChatLoginError when the app-level token does not work, ChatUnavailableError when
        there is no connection within 15 s.
        """
        url = await self._api.open_socket(self._app_token)
        client = CountingClient(
            self._app_token, self._api.base_url, self._in_flight, self._ping_interval
        )
        client.wss_uri, client.proxy = url, proxy_for(url)
        client.socket_mode_request_listeners.append(_Envelopes(app).handle)
        self._client = client
        self._watchdog = asyncio.create_task(self._watch(client), name="slack-watchdog")
        await self._connect(client)

    async def is_connected(self) -> bool:
        """Whether the connection stands."""
        return self._client is not None and bool(await self._client.is_connected())

    async def drain(self, seconds: float) -> bool:
        """Answer what is in flight, then close; False when some did not end in time.

        What Slack still sends while others are being answered is answered too: a request that
        came here goes nowhere else.
        """
        if self._client is None:
            return True
        self._client.auto_reconnect_enabled = False
        self._client.default_auto_reconnect_enabled = False
        await self._stop_watching()
        ended = await self._in_flight.drain(seconds)
        client, self._client = self._client, None
        await _close(client)
        return ended

    async def _connect(self, client: CountingClient) -> None:
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                await client.connect()  # type: ignore[no-untyped-call]
        except TimeoutError as error:
            await self.drain(0)
            raise ChatUnavailableError("Slack's WebSocket does not answer.") from error

    async def _watch(self, client: CountingClient) -> None:
        misses = 0
        while True:
            await asyncio.sleep(self._look_interval)
            misses = 0 if await client.is_connected() else misses + 1
            if misses >= LOOKS:
                client.wss_uri = None
                misses = 0

    async def _stop_watching(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
            await asyncio.wait([self._watchdog])


class _Envelopes:
    """Brings envelopes to Bolt and its answers back."""

    def __init__(self, app: AsyncApp) -> None:
        self._app = app

    async def handle(self, client: AsyncBaseSocketModeClient, envelope: SocketModeRequest) -> None:
        started = time.time()
        answer = await run_async_bolt_app(self._app, envelope)
        await send_async_response(client, envelope, answer, started)


async def _close(client: CountingClient) -> None:
    """Close the connection; one that does not answer the close frame is left."""
    try:
        async with asyncio.timeout(CLOSE_WITHIN):
            await client.close()  # type: ignore[no-untyped-call]
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        log.info("The connection to Slack did not close in good order: %s", error)
    finally:
        await client.aiohttp_client_session.close()
