"""The Web API: one entry for all methods, with authentication, scopes, rates and faults.

The methods themselves are functions of a `Call`, registered by name in the modules beside this one;
each returns the body of its answer without `ok`, or raises `Refusal`.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from bot.slack.error_words import METHODS, reaction_to
from playground.slack.arguments import Arguments, arguments_of
from playground.slack.faults import SlackFaults
from playground.slack.model import Json
from playground.slack.rates import RateLimits
from playground.slack.refusals import RateLimited, Refusal
from playground.slack.workspace import Workspace

BOT_SCOPES: Final = frozenset(
    {
        "app_mentions:read",
        "channels:history",
        "channels:read",
        "chat:write",
        "commands",
        "files:read",
        "files:write",
        "groups:history",
        "groups:read",
        "im:history",
        "im:read",
        "im:write",
        "usergroups:read",
        "users:read",
    }
)
APP_SCOPES: Final = frozenset({"connections:write"})

StructureCheck = Callable[[list[Json]], list[str]]


@dataclass
class Tokens:
    """The app's tokens, and the scopes of its bot token."""

    bot: str = "xoxb-emulator-bot-token"
    app: str = "xapp-1-emulator-app-token"
    signing_secret: str = "emulator-signing-secret"  # noqa: S105 - of an emulator on loopback
    verification: str = "emulator-verification-token"
    scopes: frozenset[str] = BOT_SCOPES


@dataclass(frozen=True)
class Call:
    """One call of a method and the objects that it works on."""

    method: str
    arguments: Arguments
    workspace: Workspace
    root_url: str
    structure: StructureCheck


@dataclass(frozen=True)
class CallRecord:
    """The result of a call that ended at `at`, `seconds` after it arrived.

    `error` is empty on success; a fault that lost the answer does not show here.
    """

    method: str
    arguments: Json
    at: float
    error: str
    seconds: float


Answer = Callable[[Call], Json | Awaitable[Json]]


@dataclass(frozen=True)
class Method:
    """A method: its function, the scopes that allow it (any of them), and the token it takes."""

    answer: Answer
    scopes: frozenset[str] = frozenset()
    takes_app_token: bool = False
    anonymous: bool = False


class WebApi:
    """Answers `/api/<method>`, and keeps a record of every call in `calls`."""

    def __init__(
        self,
        workspace: Workspace,
        tokens: Tokens,
        rates: RateLimits,
        faults: SlackFaults,
        structure: StructureCheck,
    ) -> None:
        self.workspace = workspace
        self.tokens = tokens
        self.rates = rates
        self.faults = faults
        self.structure = structure
        self.methods: dict[str, Method] = {}
        self.calls: list[CallRecord] = []
        self.root_url = ""

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        name = request.match_info["method"]
        started = time.perf_counter()
        self.workspace.emit("call", method=name)
        arguments, error = Arguments({}), ""
        try:
            arguments = await arguments_of(request)
            return await self._call(name, arguments, request)
        except Refusal as refusal:
            error = refusal.code
            return refused(refusal)
        finally:
            spent = time.perf_counter() - started
            at = self.workspace.clock()
            self.calls.append(CallRecord(name, dict(arguments), at, error, spent))
            self.workspace.emit("answered", method=name, error=error)

    async def _call(self, name: str, arguments: Arguments, request: web.Request) -> web.Response:
        method = self.methods.get(name)
        if method is None:
            raise Refusal("unknown_method", req_method=name)
        if not method.anonymous:
            self._authorise(method, arguments.token)
        channel = self._channel_id(arguments.text("channel"))
        self.rates.take(name, channel)

        async def effect() -> web.Response:
            return await self._effect(name, method, arguments)

        return await self.faults.around(name, channel, request, effect)

    def _channel_id(self, reference: str) -> str:
        """One key for a channel, whether the app uses its id or its name."""
        channel = self.workspace.channel_named(reference)
        return reference if channel is None else channel.id

    async def _effect(self, name: str, method: Method, arguments: Arguments) -> web.Response:
        call = Call(name, arguments, self.workspace, self.root_url, self.structure)
        try:
            body = method.answer(call)
            if not isinstance(body, dict):
                body = await body
        except Refusal as refusal:
            check_listed(name, refusal.code)
            raise
        return web.json_response({"ok": True} | body, headers=self._scope_headers(method))

    def _authorise(self, method: Method, token: str | None) -> None:
        if not token:
            raise Refusal("not_authed")
        if token not in (self.tokens.bot, self.tokens.app):
            raise Refusal("invalid_auth")
        if method.takes_app_token != (token == self.tokens.app):
            raise Refusal("not_allowed_token_type")
        if method.takes_app_token or not method.scopes or method.scopes & self.tokens.scopes:
            return
        raise Refusal(
            "missing_scope",
            needed=",".join(sorted(method.scopes)),
            provided=",".join(sorted(self.tokens.scopes)),
        )

    def _scope_headers(self, method: Method) -> dict[str, str]:
        held = APP_SCOPES if method.takes_app_token else self.tokens.scopes
        return {
            "X-OAuth-Scopes": ",".join(sorted(held)),
            "X-Accepted-OAuth-Scopes": ",".join(sorted(method.scopes)),
        }


def check_listed(method: str, word: str) -> None:
    """Raise ValueError for a word that Slack does not answer to this method.

    Methods that the bot does not call have no table.
    """
    if method in METHODS and reaction_to(method, word) is None:
        raise ValueError(f"{word} is not in the table of {method} (bot/slack/error_words.py)")


def refused(refusal: Refusal) -> web.Response:
    """The HTTP answer for a refusal."""
    if isinstance(refusal, RateLimited):
        headers = {"Retry-After": str(refusal.retry_after)}
        return web.json_response(refusal.as_json(), status=429, headers=headers)
    return web.json_response(refusal.as_json())
