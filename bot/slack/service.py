"""The Slack connection: logs in, receives requests in one of two modes, and shuts down."""

from __future__ import annotations

from typing import Final

from aiohttp import web
from slack_bolt.async_app import AsyncApp

from bot.ports import Clock, Receive
from bot.runtime.tasks import Background
from bot.slack.api import BotIdentity, SlackApi
from bot.slack.app import Listeners, Opened, Reply, bolt_app, unheard
from bot.slack.http_mode import Acked, HttpMode
from bot.slack.socket_mode import SocketMode

DRAIN: Final = 5.0
"""Seconds for requests in progress to finish."""


class SlackService:
    """Receives requests from Slack: in Socket Mode if there is an app-level token, else over HTTP.

    ``command`` is the slash command with its ``/``. ``receive`` handles commands, ``press``
    buttons, ``hear`` messages to the bot; ``reply`` sends answers that come too late for the
    request itself. ``opened`` is called with people who view the Home tab, ``acked`` with the
    seconds that each acknowledgement took.
    """

    def __init__(
        self,
        api: SlackApi,
        clock: Clock,
        *,
        command: str,
        receive: Receive,
        press: Receive,
        reply: Reply,
        opened: Opened = lambda _user: None,
        hear: Receive = unheard,
        app_token: str = "",
        signing_secret: str = "",
        acked: Acked = lambda _seconds: None,
    ) -> None:
        self._api = api
        self._command = command
        self._work = Background()
        self._listeners = Listeners(receive, press, reply, self._work, opened, hear=hear)
        in_http = HttpMode(signing_secret, clock, Background(), acked)
        self._http = None if app_token else in_http
        self._socket = SocketMode(api, app_token, acked=acked) if app_token else None
        self._app: AsyncApp | None = None

    def routes(self) -> list[web.RouteDef]:
        """The route of HTTP mode, to mount before the web server starts; none in Socket Mode."""
        return self._http.routes() if self._http else []

    async def log_in(self) -> BotIdentity:
        """Ask Slack for the bot's identity. Raises ChatLoginError or ChatUnavailableError."""
        identity = await self._api.login()
        self._app = bolt_app(self._command, self._listeners, identity, self._api.base_url)
        return identity

    async def listen(self) -> None:
        """Accept requests from now on; logs in first if necessary.

        Raises ChatLoginError or ChatUnavailableError.
        """
        if self._app is None:
            await self.log_in()
        if self._app is None:
            return
        if self._http is not None:
            self._http.open(self._app)
        if self._socket is not None:
            await self._socket.open(self._app)

    async def is_connected(self) -> bool:
        """Whether requests can arrive; always True in HTTP mode."""
        return self._socket is None or await self._socket.is_connected()

    async def stop_listening(self, seconds: float = DRAIN) -> bool:
        """Answer requests in progress, accept no more, and wait for the work they started.

        Returns False if some did not finish within ``seconds``.
        """
        side = self._socket or self._http
        answered = side is None or await side.drain(seconds)
        return await self._work.drain(seconds) and answered

    async def close(self) -> None:
        """Close remaining connections, without waiting."""
        await self.stop_listening(0)
