"""Files for one person: asked for a place, sent there, then shared in the direct conversation.

https://docs.slack.dev/messaging/working-with-files#upload; until the last step nobody sees it.
"""

from __future__ import annotations

from bot.slack.api import Api


async def send_file(api: Api, user: str, name: str, title: str, content: bytes) -> None:
    """Share ``content``, not empty, with a user id. Raises ChatError."""
    opened = await api.call("conversations.open", users=user)
    channel = (opened.get("channel") or {}).get("id", "")
    place = await api.call("files.getUploadURLExternal", filename=name, length=len(content))
    await api.upload(str(place.get("upload_url", "")), content)
    files = [{"id": str(place.get("file_id", "")), "title": title}]
    await api.call("files.completeUploadExternal", files=files, channel_id=str(channel))
