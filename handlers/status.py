"""``status``: an overview of a stack or of all stacks, or one service in detail."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from bot.domain.commands.values import Status as Command
from bot.domain.errors import StoreUnavailableError
from bot.domain.jobs.model import Job
from bot.domain.swarm.model import Service
from bot.domain.text.message import Message
from bot.jobs import service_lookup
from bot.jobs.bring_back import command_back
from bot.jobs.context import Context
from bot.jobs.open_alerts import open_alerts
from bot.ports import Asker
from bot.views.status.every_stack import every_stack_message
from bot.views.status.stack import MOST_JOBS, FooterFacts, service_status_message, status_message


class StatusHandler:
    """Shows what runs, and what is unhealthy since when."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def answer(self, command: Command, asker: Asker) -> Message:
        """The status of the channel's stack, of every stack, or of the named service or stack."""
        if command.all:
            return await self._everything()
        found = await service_lookup.scope(self._ctx, command.name, asker.channel)
        look = await self._ctx.looks.stack_look(found.stack)
        if isinstance(found, Service):
            return service_status_message(look, found, await self._facts(found.name))
        back = "" if look.services else await self._way_back(found.stack)
        return await asyncio.to_thread(status_message, look, await self._facts(), back)

    async def _way_back(self, stack: str) -> str:
        """The command that brings a deployed stack back, "" for any other."""
        with suppress(StoreUnavailableError):
            if stack and await self._ctx.versions.of(stack):
                return await command_back(self._ctx, stack)
        return ""

    async def _everything(self) -> Message:
        """Every stack, also one that the bot deployed and that lost all its services."""
        look, facts = await self._ctx.looks.stack_look(""), await self._facts()
        present = {each.stack for each in look.services}
        deployed = await service_lookup.deployed(self._ctx)
        lost = [each for each in deployed if each not in present and not await self._removed(each)]
        return await asyncio.to_thread(every_stack_message, look, facts, tuple(lost))

    async def _removed(self, stack: str) -> bool:
        with suppress(StoreUnavailableError):
            versions = await self._ctx.versions.of(stack)
            return bool(versions) and versions[0].removed
        return False

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
            where=self._ctx.chat.permalink,
        )
