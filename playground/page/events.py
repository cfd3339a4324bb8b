"""Server-sent events: one stream per page, resumed where it was interrupted."""

import json
from collections.abc import Callable
from contextlib import suppress

from aiohttp import web

from playground.page import seen
from playground.page.journal import Entry, Journal
from playground.slack import Json, Workspace

Whole = Callable[[str], Json]
"""Everything that a person sees, by their user id."""
RETRY = 500
"""Milliseconds until a disconnected page reconnects."""


class Events:
    """Answers `/events?user=…`."""

    def __init__(self, workspace: Workspace, journal: Journal, whole: Whole) -> None:
        self._workspace = workspace
        self._journal = journal
        self._whole = whole

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Send the whole state, or what came after `Last-Event-ID`; then each change."""
        user = seen.acting(self._workspace, request.query.get("user", ""))
        answer = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        with self._journal.listen() as entries:
            missed = self._journal.since(request.headers.get("Last-Event-ID", ""))
            begin = self._all(user) if missed is None else self._told(missed, user)
            with suppress(ConnectionResetError):  # the page was closed
                await answer.prepare(request)
                await answer.write(f"retry: {RETRY}\n\n{begin}".encode())
                async for entry in entries:
                    if told := self._told([entry], user):
                        await answer.write(told.encode())
        return answer

    def _all(self, user: str) -> str:
        return _event(self._journal.mark(self._journal.last), "state", self._whole(user))

    def _told(self, entries: list[Entry], user: str) -> str:
        events = []
        for entry in entries:
            for name, data in self._seen(entry, user):
                events.append(_event(self._journal.mark(entry.number), name, data))
        return "".join(events)

    def _seen(self, entry: Entry, user: str) -> list[tuple[str, Json]]:
        """An entry as a person sees it: the event's name and data, or None."""
        change = entry.change
        if change.kind == "connection":
            return [("connection", {"bot": self._whole(user)["bot"]})]
        if change.kind == "view":
            return self._view(str(change.detail["id"]), str(change.detail["user"]), user)
        said = change.message
        if said is None or not seen.sees_message(self._workspace, said, user):
            return []
        if change.kind == "deleted":
            return [("gone", {"channel": said.channel, "ts": said.ts})]
        channel = self._workspace.channels[said.channel]
        told = {"message": seen.message(said), "channel": seen.conversation(channel, user)}
        return [("message", told)]

    def _view(self, view: str, owner: str, user: str) -> list[tuple[str, Json]]:
        if owner != user:
            return []
        shown = self._workspace.views.get(view)
        return [("closed", {"id": view}) if shown is None else ("view", seen.view(shown))]


def _event(mark: str, name: str, data: Json) -> str:
    return f"id: {mark}\nevent: {name}\ndata: {json.dumps(data)}\n\n"
