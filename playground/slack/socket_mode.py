"""Socket Mode: WebSocket connections with single-use tickets, envelopes and their acks.

With several connections each payload goes to exactly one of them, in turn; a connection that was
asked to disconnect gets no more payloads while another one exists.
"""

import asyncio
import itertools
import json
import secrets
from dataclasses import dataclass
from typing import Final

from aiohttp import WSMsgType, web

from playground.slack.model import Json
from playground.slack.refusals import Refusal
from playground.slack.workspace import APP_ID, Workspace

MOST_CONNECTIONS: Final = 10
TICKET_LIFETIME: Final = 30.0
APPROXIMATE_CONNECTION_TIME: Final = 18_060
HEARTBEAT: Final = 10.0


@dataclass(eq=False)
class SocketConnection:
    """One WebSocket of the app; `retiring` once it was asked to disconnect."""

    number: int
    socket: web.WebSocketResponse
    request: web.Request
    delivered: int = 0
    retiring: bool = False


class SocketMode:
    """The WebSocket side of Slack."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.connections: list[SocketConnection] = []
        self.root_url = ""
        self.refusals = 0
        self._tickets: dict[str, float] = {}
        self._refused_tickets = 0
        self._turns = itertools.count()
        self._awaited: dict[str, asyncio.Future[Json]] = {}

    def open_url(self) -> str:
        """The answer of `apps.connections.open`: an address with a fresh ticket."""
        ticket = secrets.token_urlsafe(24)
        self._tickets[ticket] = self.workspace.clock() + TICKET_LIFETIME
        root = self.root_url.replace("http", "ws", 1)
        return f"{root}/link/?ticket={ticket}&app_id={APP_ID}"

    def expire_tickets(self, times: int = 1) -> None:
        """Let the tickets issued so far expire, and those of the next `times` connections."""
        self._tickets.clear()
        self._refused_tickets += times

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until it ends."""
        if not self._admit(request.query.get("ticket", "")):
            self.refusals += 1
            return web.json_response({"ok": False, "error": "invalid_ticket"}, status=404)
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT)
        await socket.prepare(request)
        if len(self.connections) >= MOST_CONNECTIONS:
            await socket.send_json(_disconnect("too_many_websockets"))
            await socket.close()
            return socket
        await self._serve(SocketConnection(self.workspace.number(), socket, request))
        return socket

    def _admit(self, ticket: str) -> bool:
        expires = self._tickets.pop(ticket, None)
        if self._refused_tickets > 0:
            self._refused_tickets -= 1
            return False
        return expires is not None and self.workspace.clock() <= expires

    async def _serve(self, connection: SocketConnection) -> None:
        self.connections.append(connection)
        try:
            await connection.socket.send_json(self._hello())
            self.workspace.emit("connection", number=connection.number, open=True)
            async for frame in connection.socket:
                if frame.type is WSMsgType.TEXT:
                    self._take_ack(frame.data)
        finally:
            self.connections.remove(connection)
            self.workspace.emit("connection", number=connection.number, open=False)

    def _hello(self) -> Json:
        debug = {
            "host": "applink-emulator",
            "build_number": 1,
            "approximate_connection_time": APPROXIMATE_CONNECTION_TIME,
        }
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "connection_info": {"app_id": APP_ID},
            "debug_info": debug,
        }

    def _take_ack(self, text: str) -> None:
        try:
            ack = json.loads(text)
        except ValueError:
            return
        awaited = self._awaited.get(ack.get("envelope_id", "")) if isinstance(ack, dict) else None
        if awaited is not None and not awaited.done():
            awaited.set_result(ack)

    async def deliver(self, envelope: Json, timeout: float) -> Json:  # noqa: ASYNC109
        """Send an envelope over one connection, and wait for its ack.

        Raises `Refusal` with `dispatch_failed` when nobody is connected, `TimeoutError` when the
        ack did not come in time.
        """
        acked: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._awaited[envelope["envelope_id"]] = acked
        try:
            async with asyncio.timeout(timeout):
                await self._send(envelope)
                return await acked
        finally:
            self._awaited.pop(envelope["envelope_id"], None)

    async def _send(self, envelope: Json) -> None:
        for connection in self._in_turn():
            try:
                await connection.socket.send_json(envelope)
            except ConnectionError:
                continue
            connection.delivered += 1
            return
        raise Refusal("dispatch_failed")

    def _in_turn(self) -> list[SocketConnection]:
        usable = [each for each in self.connections if not each.socket.closed]
        usable = [each for each in usable if not each.retiring] or usable
        if not usable:
            return []
        first = next(self._turns) % len(usable)
        return usable[first:] + usable[:first]

    async def disconnect(self, reason: str = "refresh_requested", *, close: bool = False) -> None:
        """Ask every connection to disconnect (`warning` or `refresh_requested`).

        With `close` they are closed at once as well; otherwise the app is expected to leave.
        """
        for connection in list(self.connections):
            connection.retiring = True
            await connection.socket.send_json(_disconnect(reason))
            if close:
                await connection.socket.close()

    def abort(self) -> None:
        """Break every connection without a close frame."""
        for connection in list(self.connections):
            if connection.request.transport is not None:
                connection.request.transport.abort()

    async def wait_for_connections(self, count: int = 1, timeout: float = 30.0) -> None:  # noqa: ASYNC109
        """Wait until exactly `count` connections are open."""

        def enough() -> bool | None:
            return True if len(self.connections) == count else None

        await self.workspace.until(enough, timeout)


def _disconnect(reason: str) -> Json:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-emulator"}}
