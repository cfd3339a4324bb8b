"""The HTTP server: health, metrics and, in HTTP mode, Slack's requests.

Nobody can keep it busy: a connection on which no request arrives is closed after some seconds, a
body has a limit, and the parts are checked once for everybody who asks at the same time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from bot.domain.errors import BotError
from bot.http.metrics import Metrics

log = logging.getLogger(__name__)

LARGEST_BODY: Final = 1_000_000
"""Bytes. Slack's largest payload holds a view of 250 kB."""
IDLE_SECONDS: Final = 5.0
"""How long a connection may be open without a complete request, and between two requests."""
LINGER_SECONDS: Final = 1.0
"""How long an answered request's body is still read."""
CHECK_SECONDS: Final = 3.0
"""How long a part may take to answer."""
READY_SECONDS: Final = 2.0
"""How long the result of the checks is used for further requests."""


class _Requests(logging.LoggerAdapter[logging.Logger]):
    """Logs a request that is not HTTP in one line, as anybody can send those; errors in full."""

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:  # noqa: ANN401
        """As in ``logging.Logger``."""
        error = kwargs.get("exc_info")
        if isinstance(error, HttpProcessingError):
            reason = (error.message or type(error).__name__).partition("\n")[0]
            self.logger.debug("A request that is not valid HTTP: %s", reason.rstrip(":"))
        else:
            self.logger.log(level, msg, *args, **kwargs)


HealthCheck = Callable[[], Awaitable[None]]
"""Returns if a part works; raises BotError otherwise."""


class Web:
    """Serves ``/healthz`` (the process runs), ``/readyz`` (its parts answer) and ``/metrics``.

    ``checks`` run for ``/readyz`` and ``/metrics``, at most once within ``READY_SECONDS``. ``port``
    is the port that was actually bound. ``idle`` is the time limit for connections without a
    request.
    """

    def __init__(
        self,
        checks: Mapping[str, HealthCheck],
        metrics: Metrics,
        *,
        idle: float = IDLE_SECONDS,
        check_within: float = CHECK_SECONDS,
    ) -> None:
        self._checks = checks
        self._metrics = metrics
        self._idle = idle
        self._check_within = check_within
        self._checking = asyncio.Lock()
        self._parts: dict[str, str] = {}
        self._checked = float("-inf")
        self._runner: web.AppRunner | None = None
        self._closing: asyncio.Task[None] | None = None
        self._busy: set[object] = set()
        self._seen: dict[object, float] = {}
        self.app = web.Application(client_max_size=LARGEST_BODY, middlewares=[self._in_progress])
        self.app.add_routes(
            [
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._scrape),
            ]
        )
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Bind and serve. Raises BotError if the port cannot be opened."""
        self._runner = web.AppRunner(
            self.app,
            access_log=None,
            logger=_Requests(log),
            handle_signals=False,
            shutdown_timeout=2.0,
            lingering_time=LINGER_SECONDS,
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise BotError(
                f"The HTTP port {port} of {host} cannot be opened ({error.strerror or error}): "
                "see BOT_HTTP_HOST and BOT_HTTP_PORT."
            ) from error
        address = self._runner.addresses[0]
        self.port = int(address[1])
        self._closing = asyncio.create_task(self._close_idle(), name="idle connections")
        log.info("listening on http://%s:%d", host, self.port)

    async def stop(self) -> None:
        """Close the port; requests in progress may finish."""
        if self._closing is not None:
            self._closing.cancel()
            await asyncio.wait([self._closing])
        if self._runner is not None:
            await self._runner.cleanup()

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def _readyz(self, _request: web.Request) -> web.Response:
        parts = await self._look()
        ready = all(word == "ok" for word in parts.values())
        return web.json_response({"ready": ready, "parts": parts}, status=200 if ready else 503)

    async def _look(self) -> dict[str, str]:
        """What each part says: "ok", or what is wrong. Parts are checked side by side."""
        async with self._checking:
            if time.monotonic() - self._checked >= READY_SECONDS:
                names = list(self._checks)
                words = await asyncio.gather(*(self._word(name) for name in names))
                self._parts = dict(zip(names, words, strict=True))
                self._checked = time.monotonic()
            return self._parts

    async def _word(self, name: str) -> str:
        word = "ok"
        try:
            async with asyncio.timeout(self._check_within):
                await self._checks[name]()
        except BotError as error:
            word = error.sentence
        except TimeoutError:
            word = f"No answer within {self._check_within:g} s."
        self._metrics.up(name, answers=word == "ok")
        return word

    async def _scrape(self, _request: web.Request) -> web.Response:
        await self._look()
        return web.Response(
            body=self._metrics.text(),
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
        )

    @web.middleware
    async def _in_progress(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Note that a request is being answered on its connection."""
        self._busy.add(request.protocol)
        try:
            return await handler(request)
        finally:
            self._busy.discard(request.protocol)
            self._seen[request.protocol] = time.monotonic()

    async def _close_idle(self) -> None:
        """Close connections that have had no complete request for too long."""
        while self._runner is not None and self._runner.server is not None:
            now = time.monotonic()
            connections = list(self._runner.server.connections)
            self._seen = {each: self._seen.get(each, now) for each in connections}
            for connection in connections:
                since = self._seen[connection]
                if connection not in self._busy and now - since >= self._idle:
                    connection.force_close()
                    if connection.transport is not None:
                        connection.transport.abort()
            await asyncio.sleep(self._idle / 5)
