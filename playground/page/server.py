"""The page's own server: it stays up while the emulated Slack is down."""

import asyncio
import errno
import json
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from importlib.resources import files
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

from aiohttp import web

from playground.page import seen
from playground.page.actions import PageActions, Refused
from playground.page.breakables import Breakables, CannotBreakError, Nothing
from playground.page.events import Events
from playground.page.guard import guarded, headed
from playground.page.journal import Journal
from playground.page.names import NameSource, no_names
from playground.slack import Json, SlackEmulator

HOST: Final = "127.0.0.1"
PORTS_TRIED: Final = 20
STATIC: Final = files("playground.page") / "static"
PAGES: Final = {
    "page.js": "text/javascript",
    "page.css": "text/css",
    "icon.svg": "image/svg+xml",
    "licences.txt": "text/plain",
}
PageAction = Callable[[Json], Awaitable[Json]]


class Playground:
    """Serves the page over an emulator, on loopback; an asynchronous context manager.

    `port` 0 takes a free one; where another is taken, the next free one after it is used.
    `operators` are the ids of those who may change things, so that the page can show each person's
    role. `names` are what the page suggests while somebody types.
    """

    def __init__(
        self,
        slack: SlackEmulator,
        *,
        breakables: Breakables | None = None,
        command: str = "/orochi",
        operators: frozenset[str] = frozenset(),
        names: NameSource = no_names,
        port: int = 0,
    ) -> None:
        self._slack = slack
        self._breakables: Breakables = breakables or Nothing()
        self._command = command
        self._operators = operators
        self._names = names
        self._port = port
        self._journal = Journal(slack.workspace)
        self._events = Events(slack.workspace, self._journal, self._whole)
        self._actions = PageActions(slack, command)
        self._following: asyncio.Task[None] | None = None
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=2.0)

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://{HOST}:{self._port}/"

    async def __aenter__(self) -> Self:
        self._open_directs()
        self._following = asyncio.create_task(self._journal.follow())
        await self._runner.setup()
        listening = _listen(self._port)
        self._port = listening.getsockname()[1]
        await web.SockSite(self._runner, listening).start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._journal.close()
        await self._runner.cleanup()
        if self._following is not None:
            self._following.cancel()
            with suppress(asyncio.CancelledError):
                await self._following

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[guarded])
        application.on_response_prepare.append(headed)
        application.add_routes(
            [
                web.get("/", _index),
                web.get("/events", self._events.handle),
                web.get("/api/state", self._state),
                web.get("/api/files/{file}", self._file),
                web.get("/api/breakables", self._listed),
                web.get("/api/names", self._named),
                web.post("/api/break", _action(self._break)),
                web.post("/api/type", _action(self._actions.type)),
                web.post("/api/press", _action(self._actions.press)),
                web.post("/api/submit", _action(self._actions.submit)),
                web.post("/api/close", _action(self._actions.close)),
                web.post("/api/home", _action(self._actions.home)),
                web.get("/{name}", _static),
            ]
        )
        return application

    def _open_directs(self) -> None:
        """Open a direct conversation with the bot for every person, as in Slack."""
        for user in list(self._slack.workspace.users.values()):
            if not user.is_bot:
                self._slack.workspace.open_direct([user.id])

    def _whole(self, user: str) -> Json:
        connected = bool(self._slack.request_url) or bool(self._slack.sockets.connections)
        return seen.whole(self._slack.workspace, user) | {
            "user": user,
            "bot": connected,
            "command": self._command,
            "commands": seen.commands(),
            "operators": sorted(self._operators),
            "breakables": [each.as_json() for each in self._breakables.listed()],
        }

    async def _state(self, request: web.Request) -> web.Response:
        user = seen.acting(self._slack.workspace, request.query.get("user", ""))
        return web.json_response(self._whole(user))

    async def _file(self, request: web.Request) -> web.Response:
        file = self._slack.workspace.files.get(request.match_info["file"])
        if file is None or file.content is None or not file.channels:
            raise web.HTTPNotFound(text="there is no such file\n")
        kind = seen.file_type(file.name)
        inline = kind in seen.PICTURES
        named = f"filename*=UTF-8''{quote(file.name)}"
        return web.Response(
            body=file.content,
            content_type=kind if inline else "application/octet-stream",
            headers={"Content-Disposition": f"{'inline' if inline else 'attachment'}; {named}"},
        )

    async def _listed(self, _request: web.Request) -> web.Response:
        return web.json_response([each.as_json() for each in self._breakables.listed()])

    async def _named(self, _request: web.Request) -> web.Response:
        return web.json_response((await self._names()).as_json())

    async def _break(self, asked: Json) -> Json:
        values = asked.get("values")
        given = values if isinstance(values, dict) else {}
        chosen = {str(name): str(value) for name, value in given.items()}
        try:
            return {"done": await self._breakables.do(str(asked.get("name", "")), chosen)}
        except CannotBreakError as error:
            raise Refused(str(error)) from None


def _action(do: PageAction) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler: JSON in, JSON out; a refusal is a sentence under `error`."""

    async def handle(request: web.Request) -> web.Response:
        try:
            asked = json.loads(await request.text())
        except ValueError:
            asked = None
        if not isinstance(asked, dict):
            raise web.HTTPBadRequest(text="the body has to be a JSON object\n")
        try:
            return web.json_response(await do(asked))
        except Refused as refused:
            return web.json_response({"error": str(refused)})

    return handle


async def _index(_request: web.Request) -> web.Response:
    return _page("index.html", "text/html")


async def _static(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name not in PAGES:
        raise web.HTTPNotFound(text="there is no such page\n")
    return _page(name, PAGES[name])


def _page(name: str, kind: str) -> web.Response:
    body = (STATIC / name).read_bytes()
    headers = {"Cache-Control": "no-cache"}
    return web.Response(body=body, content_type=kind, charset="utf-8", headers=headers)


def _listen(port: int) -> socket.socket:
    """A listening socket of loopback; raises OSError when no port is free."""
    for tried in range(port, port + PORTS_TRIED if port else 1):
        try:
            return socket.create_server((HOST, tried))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    raise OSError(errno.EADDRINUSE, f"the ports {port} to {port + PORTS_TRIED - 1} are taken")
