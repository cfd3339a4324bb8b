"""What one person sees of a workspace, as JSON for the page."""

import mimetypes
from typing import Final

from bot.domain.commands.table import COMMANDS
from playground.slack import (
    BOT_USER_ID,
    Channel,
    File,
    Json,
    Message,
    User,
    View,
    Workspace,
)

PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""Types shown inline. SVG is not, because it can contain scripts."""
TRY: Final = "demo.try"
"""The beginning of the id of an action whose value the page types and sends as a command."""


def commands() -> list[Json]:
    """The bot's own table of commands, for completion."""
    return [
        {
            "name": row.name,
            "usage": row.usage,
            "summary": row.summary,
            "changes": row.changes,
            "examples": [{"text": text, "does": does} for text, does in row.examples],
            "also": list(row.also),
        }
        for row in COMMANDS
    ]


def acting(workspace: Workspace, user: str) -> str:
    """The id of the person for whom a page acts: the requested one, or the first."""
    people = [each.id for each in workspace.users.values() if not each.is_bot]
    return user if user in people else people[0]


def sees_channel(channel: Channel, user: str) -> bool:
    """Whether a channel is in a person's list: a member of it, and not archived."""
    return user in channel.members and not channel.is_archived


def sees_message(workspace: Workspace, message: Message, user: str) -> bool:
    """Whether a message is shown to a person."""
    channel = workspace.channels.get(message.channel)
    return channel is not None and sees_channel(channel, user) and message.only_for in (None, user)


def person(user: User) -> Json:
    """A member of the workspace; `is_app` is the app of this demo, other bots are not."""
    return {
        "id": user.id,
        "name": user.name,
        "real_name": user.real_name,
        "is_bot": user.is_bot,
        "is_app": user.id == BOT_USER_ID,
        "is_guest": user.is_guest,
    }


def conversation(channel: Channel, user: str) -> Json:
    """A channel as its member `user` sees it; a direct one is named after its other members."""
    return {
        "id": channel.id,
        "name": channel.name,
        "is_private": channel.is_private,
        "is_direct": channel.is_direct,
        "has_app": BOT_USER_ID in channel.members,
        "with": sorted(channel.members - {user}) if channel.is_direct else [],
    }


def file_type(name: str) -> str:
    """The media type of a file by its name."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def attachment(file: File) -> Json:
    """An uploaded file; a picture is shown inline."""
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title or file.name,
        "alt": file.alt_text or file.title or file.name,
        "size": file.length,
        "picture": file_type(file.name) in PICTURES,
        "text": file_type(file.name).startswith("text/"),
    }


def message(said: Message) -> Json:
    """A message. `revision` counts its states: a higher one is newer."""
    return {
        "channel": said.channel,
        "ts": said.ts,
        "user": said.user,
        "text": said.text,
        "blocks": list(said.blocks),
        "attachments": list(said.content.attachments),
        "metadata": said.metadata,
        "thread_ts": said.thread_ts,
        "broadcast": said.broadcast,
        "only_for": said.only_for,
        "edited": said.edits[-1].at if said.edits else None,
        "revision": len(said.history),
        "files": [attachment(file) for file in said.files],
    }


def view(shown: View) -> Json:
    """A modal or a home tab. `version` changes whenever the app changes it."""
    return {"id": shown.id, "user": shown.user, "version": shown.version, "body": shown.body}


def whole(workspace: Workspace, user: str) -> Json:
    """Everything that a person sees."""
    said = [*workspace.messages.values(), *workspace.ephemerals]
    return {
        "users": [person(each) for each in workspace.users.values()],
        "channels": [
            conversation(each, user)
            for each in workspace.channels.values()
            if sees_channel(each, user)
        ],
        "messages": [
            message(each)
            for each in sorted(said, key=lambda each: each.ts)
            if sees_message(workspace, each, user)
        ],
        "views": [view(each) for each in workspace.views.values() if each.user == user],
    }
