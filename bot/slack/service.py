"""Slack as one part of the bot: logs in, listens in one of two modes, and drains."""

from __future__ import annotations

from typing import Final

from aiohttp import web
from slack_bolt.async_app import AsyncApp

from bot.ports import Clock, Receive
from bot.runtime.tasks import Background
from bot.slack.api import BotIdentity, SlackApi
from bot.slack.app import Listeners, Opened, Reply, bolt_app
from bot.slack.http_mode import HttpMode
from bot.slack.socket_mode import SocketMode

DRAIN: Final = 5.0
"""Seconds that requests under way get to end."""


class SlackService:
    """Requests from Slack: through Socket Mode with an app-level token, else over HTTP.

    ``command`` is the slash command with its ``/``. ``receive`` takes commands in, ``press``
    buttons; ``reply`` tells a person what comes too late for the answer itself. ``opened`` hears of
    who looks at the Home tab.
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
        app_token: str = "",
        signing_secret: str = "",
    ) -> None:
        self._api = api
        self._command = command
        self._work = Background()
        self._listeners = Listeners(receive, press, reply, self._work, opened)
        self._http = None if app_token else HttpMode(signing_secret, clock, Background())
        self._socket = SocketMode(api, app_token) if app_token else None
        self._app: AsyncApp | None = None

    def routes(self) -> list[web.RouteDef]:
        """HTTP mode's route, to be mounted before the web server starts; none in Socket Mode."""
        return self._http.routes() if self._http else []

    async def log_in(self) -> BotIdentity:
        """Ask Slack who the bot is. Raises ChatLoginError or ChatUnavailableError."""
        identity = await self._api.login()
        self._app = bolt_app(self._command, self._listeners, identity, self._api.base_url)
        return identity

    async def listen(self) -> None:
        """Take requests from now on; logs in first if that was not done.

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
        """Whether requests can come in; in HTTP mode they always can."""
        return self._socket is None or await self._socket.is_connected()

    async def stop_listening(self, seconds: float = DRAIN) -> bool:
        """Answer what is in flight, take no more, and let what it began end.

        Returns False when some did not end within ``seconds``.
        """
        side = self._socket or self._http
        answered = side is None or await side.drain(seconds)
        return await self._work.drain(seconds) and answered

    async def close(self) -> None:
        """Close what is still open, without waiting."""
        await self.stop_listening(0)
