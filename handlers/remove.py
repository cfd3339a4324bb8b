"""``remove``: remove a stack, after its name was typed to confirm it."""

from __future__ import annotations

from bot.domain.commands.values import Remove as Command
from bot.domain.errors import RefusedError
from bot.domain.jobs.model import REMOVAL, Job, PendingCommand
from bot.domain.operations.stack_removal import (
    brought_back_by,
    find_stack,
    objection,
    plan_of,
    targets_of,
    unknown_stack,
    way_back_sentence,
)
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
            raise unknown_stack(command.stack, known, self._ctx.command)
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
            created=pending.received,
            targets=targets_of(plan),
            plan=plan,
            foretold=(await self._way_back(stack),),
        )
        await self._confirming.ask(pending, job)

    async def _way_back(self, stack: str) -> str:
        version = brought_back_by(stack, await self._ctx.versions.of(stack))
        return way_back_sentence(
            stack, version, self._ctx.command, has_file=stack in await self._files()
        )

    async def _files(self) -> tuple[str, ...]:
        try:
            return await self._ctx.stacks.names()
        except RefusedError:
            return ()
