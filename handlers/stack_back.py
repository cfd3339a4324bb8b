"""A whole stack goes back to its last version that was well: a deploy of that one's files."""

from __future__ import annotations

from bot.domain.deploys.history import way_back
from bot.domain.errors import RefusedError
from bot.domain.jobs.model import Draft, Job
from handlers.context import Context
from handlers.deploy import Deploy


class StackBack:
    """Begins such deploys."""

    def __init__(self, ctx: Context, deploy: Deploy) -> None:
        self._ctx = ctx
        self._deploy = deploy

    async def begin(self, draft: Draft, stack: str, *, asks: bool = True) -> None:
        """Plan it and ask, unless that was answered before. Raises BotError to refuse it."""
        if not stack:
            raise RefusedError(
                "The bot is for no stack in particular, so it cannot tell which one goes back.",
                hint="Name a service, or set `BOT_STACK`.",
            )
        version = way_back(stack, await self._ctx.versions.of(stack))
        await self._deploy.propose(draft, stack, version=version.number, asks=asks)

    async def press(self, draft: Draft, job: Job) -> None:
        """The button *Roll back* of a deploy: as long as no other came after that one."""
        versions = await self._ctx.versions.of(job.stack)
        if versions and versions[0].job != job.id:
            raise RefusedError(
                f"The stack `{job.stack}` was deployed again since: now it has version "
                f"{versions[0].number}.",
            )
        await self.begin(draft, job.stack)
