"""File uploads: get an upload address, send the content, share the file.

https://docs.slack.dev/messaging/working-with-files#upload; the file is invisible until it is
shared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bot.ports import Upload
from bot.slack.api import SlackApi

MOST_SUMMARY = 1000


async def send_file(api: SlackApi, user: str, name: str, title: str, content: bytes) -> None:
    """Share ``content``, which must not be empty, with a user id. Raises ChatError."""
    opened = await api.call("conversations.open", users=user)
    channel = (opened.get("channel") or {}).get("id", "")
    await share_file(api, str(channel), Upload(name, title, content))


async def share_file(api: SlackApi, channel: str, file: Upload, thread: str = "") -> str:
    """Share a file in a channel or a thread; returns its permalink, "" if Slack gives none.

    Raises ChatError; CannotPostError with advice.
    """
    file = replace(file, content=_safe(file.content, api.hide), summary=api.hide(file.summary))
    place = await api.call("files.getUploadURLExternal", **_announced(file))
    await api.upload(str(place.get("upload_url", "")), file.content)
    wanted: dict[str, Any] = {
        "files": [{"id": str(place.get("file_id", "")), "title": file.title}],
        "channel_id": channel,
    }
    if thread:
        wanted["thread_ts"] = thread
    if file.said:
        wanted["initial_comment"] = file.said
    answer = await api.call("files.completeUploadExternal", **wanted)
    shared: list[dict[str, Any]] = answer.get("files") or [{}]
    return str(shared[0].get("permalink", ""))


def _safe(content: bytes, hide: Callable[[str], str]) -> bytes:
    """A text as ``hide`` makes it; anything else as it is."""
    try:
        return hide(content.decode()).encode()
    except UnicodeDecodeError:
        return content


def _announced(file: Upload) -> dict[str, Any]:
    announced: dict[str, Any] = {"filename": file.name, "length": len(file.content)}
    return announced | ({"alt_txt": file.summary[:MOST_SUMMARY]} if file.summary else {})
