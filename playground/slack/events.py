"""Tells the app of messages, as Slack's Events API does, and tries again if it does not answer.

A bot gets `app_mention` for messages that mention it where it is a member, also when such a message
is edited (then with `edited`), and `message` for everything in its direct conversations: what
people and the bot itself say there, with edits (`message_changed`) and deletions. See
https://docs.slack.dev/reference/events/app_mention and https://docs.slack.dev/apis/events-api.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Final

from bot.runtime.tasks import Background
from playground.slack.delivery import Courier
from playground.slack.model import Channel, Json, Message, WorkspaceChange
from playground.slack.payloads import event_payload
from playground.slack.web_api import Tokens
from playground.slack.workspace import BOT_USER_ID, TEAM_ID, Workspace

RETRIES: Final = (0.0, 60.0, 300.0)
"""Seconds before each further attempt: nearly immediately, after one minute, after five."""
SCOPES: Final = {"app_mention": "app_mentions:read", "message.im": "im:history"}
"""The events of messages that the app may subscribe to, with the scope that each one needs."""
MENTION: Final = f"<@{BOT_USER_ID}"


class MessageEvents:
    """Sends the events that the app has subscribed to and has the scope for."""

    def __init__(self, workspace: Workspace, tokens: Tokens, courier: Courier) -> None:
        self.subscribed = set(SCOPES)
        self.retries: tuple[float, ...] = RETRIES
        self._workspace = workspace
        self._tokens = tokens
        self._courier = courier
        self._sending = Background()
        self._subscription = ExitStack()
        self._following: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Follow the workspace from now on."""
        changes = self._subscription.enter_context(self._workspace.subscribe())
        self._following = asyncio.create_task(self._follow(changes), name="events of messages")

    async def close(self) -> None:
        """Send nothing more."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])
        self._subscription.close()
        await self._sending.cancel()

    async def _follow(self, changes: AsyncIterator[WorkspaceChange]) -> None:
        async for change in changes:
            channel = change.message and self._workspace.channels.get(change.message.channel)
            if channel and (event := self._event(change, channel)):
                self._sending.spawn(self._send(event, channel), "an event")

    def _event(self, change: WorkspaceChange, channel: Channel) -> Json | None:
        message = change.message
        if message is None or BOT_USER_ID not in channel.members:
            return None
        if channel.is_direct and len(channel.members) == 2:
            return self._in_direct(change, message) if self._may("message.im") else None
        mentioned = message.user != BOT_USER_ID and MENTION in message.text
        if change.kind in {"posted", "edited"} and mentioned and self._may("app_mention"):
            return self._said(message) | {"type": "app_mention"}
        return None

    def _may(self, event: str) -> bool:
        return event in self.subscribed and SCOPES[event] in self._tokens.scopes

    def _in_direct(self, change: WorkspaceChange, message: Message) -> Json | None:
        base: Json = {"channel_type": "im"}
        if change.kind == "posted":
            shared = {"subtype": "file_share"} if message.files else {}
            return self._said(message) | base | shared
        subtypes = {"edited": "message_changed", "deleted": "message_deleted"}
        if change.kind not in subtypes:
            return None
        now = self._workspace.next_ts()
        base |= {"type": "message", "subtype": subtypes[change.kind], "hidden": True}
        base |= {"channel": message.channel, "ts": now, "event_ts": now}
        part = "message" if change.kind == "edited" else "previous_message"
        return base | {part: message.as_json(TEAM_ID)}

    def _said(self, message: Message) -> Json:
        """A message with its author's workspace, if that is another one."""
        shown = message.as_json(TEAM_ID, with_metadata=False)
        team = self._workspace.users[message.user].team
        elsewhere = {"user_team": team, "source_team": team} if team else {}
        return shown | elsewhere | {"channel": message.channel, "event_ts": message.ts}

    async def _send(self, event: Json, channel: Channel) -> None:
        payload = event_payload(
            self._tokens.verification,
            event,
            f"Ev0EVENT{self._workspace.number():03d}",
            int(self._workspace.clock()),
            shared=channel.is_ext_shared,
        )
        delivery = await self._courier.deliver("events_api", payload)
        for pause in self.retries:
            if delivery.ok:
                return
            await asyncio.sleep(pause)
            delivery = await self._courier.retry(delivery)
