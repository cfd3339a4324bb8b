"""``status``: an overview of the stack, or one service in detail."""

from __future__ import annotations

from bot.domain.commands.names import NotFound, resolve
from bot.domain.commands.values import Status as Command
from bot.domain.errors import StoreUnavailableError
from bot.domain.jobs.model import Job
from bot.domain.swarm.model import StackLook
from bot.domain.swarm.placement import eligible_nodes
from bot.domain.text.message import Message
from bot.jobs.context import Context
from bot.views.errors import unknown_service
from bot.views.status.stack import FooterFacts, service_status_message, status_message


class StatusHandler:
    """Shows what runs, and what is unhealthy since when."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def answer(self, command: Command, _user: str) -> Message:
        """The status of the stack, or of the named service."""
        look = await self._ctx.swarm.stack_look(self._ctx.stack)
        facts = await self._facts(look)
        if command.service is None:
            return status_message(look, facts)
        service = resolve(command.service, self._ctx.stack, look.services)
        if isinstance(service, NotFound):
            raise unknown_service(service, self._ctx.stack)
        return service_status_message(look, service, facts)

    async def _facts(self, look: StackLook) -> FooterFacts:
        jobs: tuple[Job, ...] | None
        try:
            jobs = await self._ctx.jobs.active()
        except StoreUnavailableError:
            jobs = None
        wanted = {
            service.id: len(eligible_nodes(service, look.nodes))
            for service in look.services
            if service.mode.is_global
        }
        feed = self._ctx.feed.status()
        return FooterFacts(
            jobs=jobs,
            wanted=wanted,
            feed=feed.kind,
            feed_lag=feed.lag,
            feed_trouble=feed.trouble,
            command=self._ctx.command,
        )
