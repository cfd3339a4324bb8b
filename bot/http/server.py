"""The HTTP server: health, metrics and, in HTTP mode, Slack's requests."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from bot.domain.errors import BotError
from bot.http.metrics import Metrics

log = logging.getLogger(__name__)

HealthCheck = Callable[[], Awaitable[None]]
"""Returns if a part works; raises BotError otherwise."""


class Web:
    """Serves ``/healthz`` (the process runs), ``/readyz`` (its parts answer) and ``/metrics``.

    ``checks`` run at every request to ``/readyz``. ``port`` is the port that was actually bound.
    """

    def __init__(self, checks: Mapping[str, HealthCheck], metrics: Metrics) -> None:
        self._checks = checks
        self._metrics = metrics
        self._runner: web.AppRunner | None = None
        self.app = web.Application()
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
            self.app, access_log=None, handle_signals=False, shutdown_timeout=2.0
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
        log.info("listening on http://%s:%d", host, self.port)

    async def stop(self) -> None:
        """Close the port; requests in progress may finish."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def _readyz(self, _request: web.Request) -> web.Response:
        parts: dict[str, str] = {}
        for name, check in self._checks.items():
            try:
                await check()
            except BotError as error:
                parts[name] = error.sentence
                self._metrics.up(name, answers=False)
            else:
                parts[name] = "ok"
                self._metrics.up(name, answers=True)
        ready = all(word == "ok" for word in parts.values())
        return web.json_response({"ready": ready, "parts": parts}, status=200 if ready else 503)

    async def _scrape(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=self._metrics.text(),
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
        )
