"""``history``: the deployed versions of a stack."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.domain.commands.names import SLASH, alike
from bot.domain.commands.values import ListVersions as Command
from bot.domain.deploys.version import Version
from bot.domain.errors import RefusedError
from bot.domain.text.message import Message
from bot.jobs.context import Context
from bot.ports import Asker
from bot.views.history import history_message
from bot.views.slack.text import address


class ListVersionsHandler:
    """Lists the stored versions of a stack."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def answer(self, command: Command, asker: Asker) -> Message:
        """The versions of the channel's stack, unless another one is named."""
        own = self._ctx.stack_in(asker.channel)
        stack = command.stack or own
        versions = await self._ctx.versions.of(stack) if stack else ()
        if not versions and (not stack or command.stack):
            raise await self._unknown(stack)
        back = "rollback" if stack == own else f"rollback {stack}{SLASH}"
        links = await self._links(versions)
        typed, now = f"{self._ctx.command} {back}", self._ctx.clock.now()
        return history_message(stack, versions, now, back=typed, links=links)

    async def _links(self, versions: Sequence[Version]) -> dict[str, str]:
        """The addresses of the messages of the jobs that made the versions, by job id."""
        jobs = await asyncio.gather(*(self._ctx.jobs.outline(each.job) for each in versions))
        where = self._ctx.chat.permalink
        return {job.id: address(where, job) for job in jobs if job}

    async def _unknown(self, stack: str) -> RefusedError:
        known = await self._ctx.versions.stacks()
        said = f"The bot has not deployed stack `{stack}`." if stack else "History of which stack?"
        named = alike(stack, known) or known[:10]
        listed = ", ".join(f"`{name}`" for name in named)
        return RefusedError(said, hint=f"Stacks with versions: {listed}." if listed else "")
