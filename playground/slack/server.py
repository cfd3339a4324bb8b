"""The emulator: Slack on a loopback port, and the people who use it."""

import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import web

from playground.slack import chat, conversations, files, views
from playground.slack.delivery import AppDelivery, Courier, Via
from playground.slack.events import MessageEvents
from playground.slack.faults import SlackFaults
from playground.slack.http_mode import HttpMode
from playground.slack.model import Json, Message, View, elements_within
from playground.slack.payloads import (
    action_of,
    block_actions_payload,
    command_payload,
    event_payload,
    view_actions_payload,
    view_submission_payload,
)
from playground.slack.rates import RateLimits
from playground.slack.response_urls import ResponseUrls
from playground.slack.socket_mode import SocketMode
from playground.slack.structure import no_structure_check, structure_check
from playground.slack.web_api import CallRecord, Method, Tokens, WebApi
from playground.slack.workspace import BOT_USER_ID, Workspace

LARGEST_BODY: Final = 32 * 1024 * 1024
ANN: Final = "U0ANN00001"
SWARM: Final = "C0SWARM001"

Predicate = Callable[[Message], bool]


class SlackEmulator:
    """A Slack workspace that an app can be connected to.

    Use it as an asynchronous context manager: it listens on a free port of the loopback interface
    (or on the address `host` and `port`) and stops at the end. `strict` checks blocks against
    Slack's published types too (needs `jsonschema`). Point the app at `base_url` with
    `tokens.bot`, `tokens.app` and `tokens.signing_secret`; for HTTP mode set `request_url`.
    """

    def __init__(
        self,
        *,
        workspace: Workspace | None = None,
        tokens: Tokens | None = None,
        strict: bool = False,
        enforce_rates: bool = True,
        clock: Callable[[], float] = time.time,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        structure = structure_check() if strict else no_structure_check
        self.workspace = workspace or Workspace.furnished(clock)
        self.tokens = tokens or Tokens()
        self.rates = RateLimits(self.workspace.clock, enforced=enforce_rates)
        self.faults = SlackFaults(self.rates)
        self.sockets = SocketMode(self.workspace)
        self.http = HttpMode()
        self.responses = ResponseUrls(self.workspace, self.faults, structure)
        self.web_api = WebApi(self.workspace, self.tokens, self.rates, self.faults, structure)
        self.courier = Courier(self.workspace, self.tokens, self.sockets, self.http, self.responses)
        self.events = MessageEvents(self.workspace, self.tokens, self.courier)
        self._register()
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        self._site: web.SockSite | None = None

    def _register(self) -> None:
        for module in (chat, conversations, files, views):
            self.web_api.methods |= module.METHODS

        def connect(_call: object) -> Json:
            return {"url": self.sockets.open_url()}

        self.web_api.methods["apps.connections.open"] = Method(connect, takes_app_token=True)

    async def __aenter__(self) -> Self:
        await self.http.start()
        self._runner = web.AppRunner(self._application(), handler_cancellation=True)
        await self._runner.setup()
        await self.come_back()
        self.events.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.events.close()
        self.faults.clear()
        self.sockets.abort()
        await self.http.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=LARGEST_BODY)
        application.router.add_route("*", "/api/{method}", self.web_api.handle)
        application.router.add_get("/link/", self.sockets.handle)
        application.router.add_post("/commands/{rest:.*}", self.responses.handle)
        application.router.add_post("/actions/{rest:.*}", self.responses.handle)
        application.router.add_post(f"{files.UPLOAD_PATH}{{file}}", self._receive_file)
        return application

    async def _receive_file(self, request: web.Request) -> web.Response:
        return await files.receive(self.workspace, request)

    @property
    def root_url(self) -> str:
        """The address of the emulator, without a slash at the end."""
        return f"http://{self._host}:{self._port}"

    @property
    def base_url(self) -> str:
        """The base URL for the SDK's clients, `http://127.0.0.1:PORT/api/`."""
        return f"{self.root_url}/api/"

    @property
    def request_url(self) -> str:
        """The request URL of HTTP mode; if set, people's actions go there by default."""
        return self.courier.request_url

    @request_url.setter
    def request_url(self, url: str) -> None:
        self.courier.request_url = url

    @property
    def calls(self) -> list[CallRecord]:
        """Every Web API call so far, including refused ones."""
        return self.web_api.calls

    def calls_of(self, method: str) -> list[CallRecord]:
        """The calls of one method so far."""
        return [call for call in self.calls if call.method == method]

    async def go_down(self) -> None:
        """Refuse connections and break those that are open."""
        if self._site is None or self._runner is None or self._runner.server is None:
            return
        await self._site.stop()
        self._site = None
        for handler in list(self._runner.server.connections):
            if handler.transport is not None:
                handler.transport.abort()

    async def come_back(self) -> None:
        """Listen again on the same port."""
        if self._runner is None or self._site is not None:
            return
        listening = socket.create_server((self._host, self._port))
        self._port = listening.getsockname()[1]
        self._site = web.SockSite(self._runner, listening)
        await self._site.start()
        for part in (self.web_api, self.sockets, self.responses):
            part.root_url = self.root_url

    @asynccontextmanager
    async def down(self) -> AsyncIterator[None]:
        """Keep Slack unreachable within this block."""
        await self.go_down()
        try:
            yield
        finally:
            await self.come_back()

    async def command(
        self,
        command: str,
        text: str = "",
        *,
        user: str = ANN,
        channel: str = SWARM,
        via: Via | None = None,
    ) -> AppDelivery:
        """Type a slash command as a person; returns once the app answered, or too late."""
        payload = command_payload(
            self.tokens.verification,
            command,
            text,
            self.workspace.users[user],
            self.workspace.channels[channel],
            trigger_id=self.workspace.new_trigger(user),
            response_url=self.responses.issue(channel, user),
        )
        return await self.courier.deliver("slash_commands", payload, via)

    async def press(
        self,
        message: Message,
        action_id: str,
        *,
        user: str = ANN,
        block_id: str = "",
        value: str | None = None,
        values: Mapping[str, Any] | None = None,
        via: Via | None = None,
    ) -> AppDelivery:
        """Use an element of a message as a person; `value` chooses the option of a menu.

        Without a `block_id` it is the first such element. `values` is what the person filled in
        beside it, in the form of Slack's `state.values`.
        Raises `LookupError` if the message, as it is now, does not show such an element to them.
        """
        element = self._element(message, action_id, block_id, user)
        payload = block_actions_payload(
            self.tokens.verification,
            message,
            action_of(element, self.workspace.next_ts(), value),
            self.workspace.users[user],
            self.workspace.channels[message.channel],
            trigger_id=self.workspace.new_trigger(user),
            response_url=self.responses.issue(message.channel, user, message),
            values=values or {},
        )
        return await self.courier.deliver("interactive", payload, via)

    def _element(self, message: Message, action_id: str, block_id: str, user: str) -> Json:
        if message.deleted_at is not None or message.only_for not in (None, user):
            raise LookupError(f"{user} does not see that message")
        return _named(message.elements(), action_id, block_id)

    async def submit(
        self, view: View, values: Mapping[str, Any], *, via: Via | None = None
    ) -> AppDelivery:
        """Submit a modal as the person who sees it; `values` is Slack's `state.values`."""
        user = self.workspace.users[view.user]
        trigger = self.workspace.new_trigger(view.user)
        token = self.tokens.verification
        payload = view_submission_payload(token, view, values, user, trigger_id=trigger)
        return await self.courier.deliver("interactive", payload, via)

    async def press_in_view(
        self,
        view: View,
        action_id: str,
        *,
        block_id: str = "",
        value: str | None = None,
        via: Via | None = None,
    ) -> AppDelivery:
        """Use an element of a modal or a home tab as the person who sees it, as with `press`."""
        element = _named(elements_within(view.body["blocks"]), action_id, block_id)
        payload = view_actions_payload(
            self.tokens.verification,
            view,
            action_of(element, self.workspace.next_ts(), value),
            self.workspace.users[view.user],
            trigger_id=self.workspace.new_trigger(view.user),
        )
        return await self.courier.deliver("interactive", payload, via)

    async def say(
        self,
        text: str,
        *,
        user: str = ANN,
        channel: str = SWARM,
        thread: str = "",
    ) -> Message:
        """Write a message as a person, in a channel or a thread of it.

        `text` is as Slack stores it: `<@U0BOT00001>` mentions the bot. Returns once the app has
        answered the event, if there is one.
        """
        said = self.workspace.say(user, channel, text, thread_ts=thread or None)
        direct = self.workspace.channels[channel].is_direct
        if direct or f"<@{BOT_USER_ID}" in text:
            await self.workspace.until(lambda: self._told_of(said) or None, 30.0)
        return said

    def _told_of(self, message: Message) -> list[AppDelivery]:
        """The ended deliveries of the event of a message."""
        address = (message.channel, message.ts)
        events = [each for each in self.courier.deliveries if each.kind == "events_api"]
        return [
            each
            for each in events
            if each.ended
            and (each.payload["event"].get("channel"), each.payload["event"].get("ts")) == address
        ]

    async def event(self, event: Json, *, via: Via | None = None) -> AppDelivery:
        """Send an event that the app has subscribed to (Events API)."""
        number = self.workspace.number()
        now = int(self.workspace.clock())
        payload = event_payload(self.tokens.verification, event, f"Ev0EVENT{number:03d}", now)
        return await self.courier.deliver("events_api", payload, via)

    async def replay(self, earlier: AppDelivery) -> AppDelivery:
        """Deliver the same payload once more: same envelope id, or same signed request."""
        return await self.courier.again(earlier)

    async def wait_for_message(
        self,
        predicate: Predicate = lambda _message: True,
        *,
        channel: str | None = None,
        timeout: float = 30.0,  # noqa: ASYNC109
    ) -> Message:
        """The first of the bot's messages that matches the predicate, now or after a change.

        The message can change again later: its content at the match is in its history. Raises
        `TimeoutError` that names the existing messages.
        """

        def candidates() -> list[Message]:
            own = (m for m in self.workspace.messages.values() if m.bot_id is not None)
            return [m for m in own if channel in (None, m.channel)]

        return await self._wait(candidates, predicate, timeout)

    async def wait_for_ephemeral(
        self,
        user: str = ANN,
        predicate: Predicate = lambda _message: True,
        *,
        timeout: float = 30.0,  # noqa: ASYNC109
    ) -> Message:
        """The first ephemeral message to `user` that matches the predicate."""
        return await self._wait(lambda: self.workspace.shown_to(user), predicate, timeout)

    async def _wait(
        self,
        candidates: Callable[[], list[Message]],
        predicate: Predicate,
        timeout: float,  # noqa: ASYNC109
    ) -> Message:
        def probe() -> Message | None:
            return next(filter(predicate, candidates()), None)

        try:
            return await self.workspace.until(probe, timeout)
        except TimeoutError as error:
            texts = [message.shown_text[:200] for message in candidates()]
            raise TimeoutError(f"nothing within {timeout} s among {texts}") from error

    async def wait_for_calls(
        self,
        method: str,
        count: int = 1,
        timeout: float = 30.0,  # noqa: ASYNC109
    ) -> None:
        """Wait until `count` calls of a method, or of `response_url`, have arrived in total.

        They may not have been answered yet.
        """

        def enough() -> bool | None:
            return self.workspace.arrivals[method] >= count or None

        await self.workspace.until(enough, timeout)

    async def wait_for_connections(
        self,
        count: int = 1,
        timeout: float = 30.0,  # noqa: ASYNC109
    ) -> None:
        """Wait until the app has `count` Socket Mode connections."""
        await self.sockets.wait_for_connections(count, timeout)


def _named(elements: list[Json], action_id: str, block_id: str) -> Json:
    """The element with an action id, in any block or in one."""
    for element in elements:
        if element["action_id"] == action_id and block_id in ("", element["block_id"]):
            return element
    shown = [element["action_id"] for element in elements]
    raise LookupError(f"no {action_id} is shown, only {shown}")
