"""``remove``: remove a stack, after its name was typed to confirm it."""

from __future__ import annotations

from bot.domain.commands.values import Remove as Command
from bot.domain.jobs.model import REMOVAL, Job, PendingCommand
from bot.domain.operations.stack_removal import (
    find_stack,
    objection,
    plan_of,
    targets_of,
    unknown_stack,
)
from bot.jobs.bring_back import bring_back
from bot.jobs.confirmation import Confirming
from bot.jobs.context import Context
from bot.jobs.engine_calls import in_time


class RemoveHandler:
    """Plans removals of stacks."""

    def __init__(self, ctx: Context, confirming: Confirming) -> None:
        self._ctx = ctx
        self._confirming = confirming

    async def begin(self, pending: PendingCommand, command: Command) -> None:
        """Plan the removal and ask for a confirmation. Raises BotError to refuse it."""
        known = await in_time(self._ctx.stack_objects.names())
        stack = find_stack(command.stack, known)
        if not stack:
            before = await self._ctx.versions.of(command.stack)
            raise unknown_stack(command.stack, known, self._ctx.command, deployed=bool(before))
        contents = await in_time(self._ctx.stack_objects.of(stack))
        if error := objection(contents, self._ctx.command):
            raise error
        plan = plan_of(contents)
        job = Job(
            id=pending.id,
            action=REMOVAL,
            stack=stack,
            text=pending.text,
            user=pending.user,
            channel=pending.channel,
            thread=pending.thread,
            created=pending.received,
            targets=targets_of(plan),
            plan=plan,
            foretold=(await bring_back(self._ctx, plan))[1],
        )
        await self._confirming.ask(pending, job)
