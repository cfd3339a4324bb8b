"""``map``: a picture of the swarm, for everyone in the channel.

In a channel that is shared with another organization, it is for the person who asked.
"""

from __future__ import annotations

import asyncio
from typing import Final

from bot.domain.commands.values import ShowMap as Command
from bot.domain.text.message import Message
from bot.jobs.context import Context
from bot.jobs.open_alerts import open_alerts
from bot.ports import Request, Upload
from bot.views.pictures.map import map_picture
from bot.views.slack.text import line, mention

NAME: Final = "swarm.png"
TITLE: Final = "The swarm"
IN_PERSON: Final = "The picture is in your direct messages with the bot."


class ShowMapHandler:
    """Shares the picture in the channel and names the user who requested it."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def show(self, _command: Command, request: Request) -> Message | None:
        """Look, draw, share. Raises DrawingError and ChatError; then nothing was shared."""
        look, alerts = await self._ctx.looks.stack_look(""), await open_alerts(self._ctx)
        figure = await asyncio.to_thread(map_picture, look, alerts)
        picture = await self._ctx.drawing.png(figure)
        if request.spoken and request.spoken.shared:
            await self._ctx.chat.send_file(request.user, NAME, TITLE, picture)
            return Message(f"{line(figure.summary, 1000)}\n{IN_PERSON}")
        said = f"The swarm for {mention(request.user)}: {line(figure.summary, 1000)}"
        upload = Upload(NAME, TITLE, picture, figure.summary, said)
        await self._ctx.chat.share(request.channel, upload, request.answers_in)
        return None
