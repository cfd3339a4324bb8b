"""The timeline of a finished job: a picture in its thread, and a link in its message.

It is drawn only after the verdict was posted, so it never delays one. Errors here affect nothing
else.
"""

from __future__ import annotations

import logging

from bot.domain.errors import BotError
from bot.domain.jobs.model import Job
from bot.domain.operations.one_off import ACTION as ONE_OFF
from bot.jobs.context import Context
from bot.ports import Upload
from bot.views.pictures.timeline import timeline_picture
from bot.views.slack.text import line

log = logging.getLogger(__name__)


class Timelines:
    """Draws the course of jobs, as observed by the bot."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    def told(self, job: Job) -> None:
        """Draw in the background, after a job's verdict was posted in its thread."""
        if self._ctx.timelines and job.course and job.action != ONE_OFF:
            self._ctx.background.spawn(self._draw(job), f"timeline of job {job.id}")

    async def _draw(self, job: Job) -> None:
        figure = timeline_picture(job)
        if figure is None:
            return
        try:
            picture = await self._ctx.drawing.png(figure)
            name, summary = f"timeline-{job.id}.png", figure.summary
            upload = Upload(name, f"Timeline of job {job.id}", picture, summary, line(summary, 500))
            link = await self._ctx.chat.share(job.channel, upload, job.thread or job.message)
            if link:
                await self._ctx.jobs.link_timeline(job.id, link)
        except BotError as error:
            log.info("job %s has no timeline: %s", job.id, error)
