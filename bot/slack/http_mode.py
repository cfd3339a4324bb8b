"""HTTP mode: Slack's signed requests, verified before any other processing.

The check follows "Verifying requests from Slack"
(https://docs.slack.dev/authentication/verifying-requests-from-slack). A request that fails it is
answered with 401, and its body is not logged.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import Clock as SdkClock
from slack_sdk.signature import SignatureVerifier

from bot.ports import Clock
from bot.runtime.tasks import Background
from bot.slack.requests import Payload, is_typed_message

log = logging.getLogger(__name__)

PATH: Final = "/slack/events"
OLDEST: Final = 300.0
"""A request older than this many seconds counts as a replay."""
BODY_SECONDS: Final = 2.0
"""Slack waits three seconds for the answer."""
TIMESTAMP: Final = "X-Slack-Request-Timestamp"
SIGNATURE: Final = "X-Slack-Signature"
SSL_CHECK: Final = b"ssl_check=1"


Acked = Callable[[float], None]
"""Called with the seconds from a command's or button's arrival to its acknowledgement."""


def rejection(headers: Mapping[str, str], body: bytes, secret: str, now: float) -> str:
    """Why a request is not from Slack, "" if it is. ``now`` is in Unix seconds."""
    timestamp, signature = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return "no usable timestamp"
    if abs(now - int(timestamp)) > OLDEST:
        return "too old or from the future"
    try:
        right = SignatureVerifier(secret, _FixedClock(now)).is_valid(body, timestamp, signature)
    except (TypeError, UnicodeDecodeError):
        right = False  # a non-ASCII signature, or a body that is not text
    return "" if right else "wrong signature"


class _FixedClock(SdkClock):
    """A clock for the SDK that is set to a given time."""

    def __init__(self, now: float) -> None:
        self._now = now

    def now(self) -> float:
        """Unix seconds."""
        return self._now


class HttpMode:
    """Answers ``POST /slack/events``; with 503 before ``open`` and after ``drain``."""

    def __init__(
        self,
        signing_secret: str,
        clock: Clock,
        in_flight: Background,
        acked: Acked = lambda _seconds: None,
    ) -> None:
        self._secret = signing_secret
        self._acked = acked
        self._clock = clock
        self._in_flight = in_flight
        self._app: AsyncApp | None = None

    def routes(self) -> list[web.RouteDef]:
        """The routes to mount in the web application."""
        return [web.post(PATH, self.handle)]

    def open(self, app: AsyncApp) -> None:
        """Accept requests from now on."""
        self._app = app

    async def drain(self, seconds: float) -> bool:
        """Reject new requests and wait for those in progress; False if some did not finish."""
        self._app = None
        return await self._in_flight.drain(seconds)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await request.read()
        except TimeoutError:
            return web.json_response({"error": "the body took too long"}, status=408)
        reason = rejection(request.headers, body, self._secret, self._clock.now())
        if reason and _is_ssl_check(body):
            return web.Response()
        if reason:
            log.warning("A request was rejected: %s", reason)
            return web.json_response({"error": "invalid request"}, status=401)
        if self._app is None:
            return web.json_response({"error": "not listening"}, status=503)
        with self._in_flight.one():
            answer = await _dispatch(self._app, request, body)
        if request.content_type != "application/json" or is_typed_message(_event(body)):
            self._acked(time.perf_counter() - began)
        return answer


def _is_ssl_check(body: bytes) -> bool:
    """Whether it is Slack's occasional, unsigned certificate check, which expects a plain 200."""
    return SSL_CHECK in body.split(b"&")


def _event(body: bytes) -> Payload:
    """The payload of an event, {} if the body is none."""
    try:
        event = json.loads(body)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


async def _dispatch(app: AsyncApp, request: web.Request, body: bytes) -> web.Response:
    headers: dict[str, str | Sequence[str]] = {**request.headers}
    text = body.decode("utf-8", "replace")
    asked = AsyncBoltRequest(body=text, query=request.query_string, headers=headers)
    return await to_aiohttp_response(await app.async_dispatch(asked))
