"""``jobs``: active and finished jobs."""

from __future__ import annotations

from bot.domain.commands.values import ListJobs as Command
from bot.domain.text.message import Message
from bot.jobs.context import Context
from bot.ports import Asker
from bot.views.jobs.list import MOST_ACTIVE, jobs_message

RECENT = 10


class ListJobsHandler:
    """Lists the active jobs and the last finished ones."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def answer(self, _command: Command, _asker: Asker) -> Message:
        """The list; active jobs come first."""
        active = await self._ctx.jobs.active(MOST_ACTIVE)
        more = await self._ctx.jobs.active_count() - len(active)
        recent = await self._ctx.jobs.recent(RECENT)
        now, command = self._ctx.clock.now(), self._ctx.command
        return jobs_message(active, recent, now, more=max(more, 0), command=command)
