"""``deploy``: update a stack to match its file, after the plan was confirmed."""

from __future__ import annotations

import asyncio

from bot.domain.commands.values import Deploy as Command
from bot.domain.deploys.replanning import targets_of
from bot.domain.errors import RefusedError
from bot.domain.jobs.deploy_plan import Plan
from bot.domain.jobs.model import Job, PendingCommand
from bot.jobs.confirmation import Confirming
from bot.jobs.context import Context
from bot.jobs.deploy import record
from bot.jobs.submit import answer_instead, queue
from bot.ports import Recording
from bot.views.errors import done
from bot.views.jobs.plan import nothing_to_do

ACTION = "deploy"
RECORD_SECONDS = 45.0
"""Less than the time after which an accepted command counts as abandoned."""


class DeployHandler:
    """Starts deploys of a stack's files, or of an earlier version's files."""

    def __init__(self, ctx: Context, confirming: Confirming) -> None:
        self._ctx = ctx
        self._confirming = confirming

    async def begin(self, pending: PendingCommand, command: Command) -> None:
        """Plan the typed deploy and ask for a confirmation, or with ``--yes`` queue it."""
        stack = command.stack or self._ctx.stack_in(pending.channel)
        await self.propose(pending, stack, asks=not command.yes)

    async def propose(
        self, pending: PendingCommand, stack: str, *, version: int = 0, asks: bool = True
    ) -> None:
        """Plan a deploy of the stack's files, or of a version's files.

        With ``asks`` the plan waits for a confirmation, otherwise its job is queued. If the plan
        changes nothing, the user is told so and nothing starts. Raises BotError to refuse it.
        """
        plan = (await self._recorded(stack, version)).plan
        if not plan.services:
            raise RefusedError(f"The file of stack `{stack}` defines no services.")
        if plan.empty:
            said = done(nothing_to_do(plan, version))
            await answer_instead(self._ctx, pending, said)
        elif asks:
            await self._confirming.ask(pending, _job(pending, plan, version))
        else:
            await queue(self._ctx, pending, _job(pending, plan, version))

    async def _recorded(self, stack: str, version: int) -> Recording:
        try:
            async with asyncio.timeout(RECORD_SECONDS):
                return await record(self._ctx, stack, version)
        except TimeoutError as error:
            raise RefusedError(
                f"Planning `{stack}` took longer than {RECORD_SECONDS:.0f} s.",
                hint="The engine or a registry may be slow. Try again.",
            ) from error


def _job(pending: PendingCommand, plan: Plan, version: int) -> Job:
    return Job(
        id=pending.id,
        action=ACTION,
        stack=plan.stack,
        text=pending.text,
        user=pending.user,
        channel=pending.channel,
        thread=pending.thread,
        created=pending.received,
        targets=targets_of(plan),
        plan=plan,
        version=version,
    )
