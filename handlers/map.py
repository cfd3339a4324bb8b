"""``map``: a picture of the swarm, for everyone in the channel."""

from __future__ import annotations

import asyncio

from bot.domain.commands.values import ShowMap as Command
from bot.jobs.context import Context
from bot.jobs.open_alerts import open_alerts
from bot.ports import Request, Upload
from bot.views.pictures.map import map_picture
from bot.views.slack.text import line, mention


class ShowMapHandler:
    """Shares the picture in the channel and names the user who requested it."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def show(self, _command: Command, request: Request) -> None:
        """Look, draw, share. Raises DrawingError and ChatError; then nothing was shared."""
        look, alerts = await self._ctx.looks.stack_look(""), await open_alerts(self._ctx)
        figure = await asyncio.to_thread(map_picture, look, alerts)
        picture = await self._ctx.drawing.png(figure)
        said = f"The swarm for {mention(request.user)}: {line(figure.summary, 1000)}"
        upload = Upload("swarm.png", "The swarm", picture, figure.summary, said)
        await self._ctx.chat.share(request.channel, upload, request.answers_in)
