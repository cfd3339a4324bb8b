"""``status``: an overview of the stack, or one service in detail."""

from __future__ import annotations

import asyncio

from bot.domain.commands.names import NotFound, resolve
from bot.domain.commands.values import Status as Command
from bot.domain.errors import StoreUnavailableError
from bot.domain.jobs.model import Job
from bot.domain.text.message import Message
from bot.jobs import service_lookup
from bot.jobs.context import Context
from bot.jobs.open_alerts import open_alerts
from bot.views.status.stack import MOST_JOBS, FooterFacts, service_status_message, status_message


class StatusHandler:
    """Shows what runs, and what is unhealthy since when."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def answer(self, command: Command, _user: str) -> Message:
        """The status of the stack, or of the named service."""
        look = await self._ctx.looks.stack_look(self._ctx.stack)
        if command.service is None:
            facts = await self._facts()
            return await asyncio.to_thread(status_message, look, facts)
        service = resolve(command.service, self._ctx.stack, look.services)
        if isinstance(service, NotFound):
            raise service_lookup.not_found(self._ctx, service, look.nodes)
        return service_status_message(look, service, await self._facts(service.name))

    async def _facts(self, lane: str = "") -> FooterFacts:
        """The facts of the stack, or of a service, which is the lane of its jobs."""
        jobs: tuple[Job, ...] | None
        more = 0
        try:
            jobs = await self._ctx.jobs.active(MOST_JOBS, lane=lane)
            more = await self._ctx.jobs.active_count(lane=lane) - len(jobs)
        except StoreUnavailableError:
            jobs = None
        feed = self._ctx.feed.status()
        return FooterFacts(
            jobs=jobs,
            more_jobs=max(more, 0),
            alerts=await open_alerts(self._ctx),
            feed=feed.kind,
            feed_lag=feed.lag,
            feed_trouble=feed.trouble,
            command=self._ctx.command,
        )
