"""``rollback``, and the buttons *Roll back* and *Scale back*: of a service, a stack, or numbers."""

from __future__ import annotations

from bot.domain.commands.names import SERVICE_VALUE
from bot.domain.commands.values import RollBack as Command
from bot.domain.jobs.model import Draft
from handlers.context import Context
from handlers.rollback import RollBack
from handlers.scale_back import ScaleBack
from handlers.stack_back import StackBack


class WayBack:
    """Begins the job that a button's value tells."""

    def __init__(
        self, ctx: Context, scale_back: ScaleBack, roll_back: RollBack, stack_back: StackBack
    ) -> None:
        self._ctx = ctx
        self._scale_back = scale_back
        self._roll_back = roll_back
        self._stack_back = stack_back

    async def typed(self, draft: Draft, command: Command) -> None:
        """Begin what was typed: one service, or the whole stack."""
        if command.service is not None:
            await self._roll_back.begin(draft, command.service)
        else:
            await self._stack_back.begin(draft, self._ctx.stack, asks=not command.yes)

    async def begin(self, draft: Draft, value: str) -> None:
        """``value`` is ``service:FULLNAME``, or the id of a deploy or of a job with numbers."""
        name = value.removeprefix(SERVICE_VALUE)
        if name != value:
            await self._roll_back.press(draft, name)
            return
        job = await self._ctx.jobs.load(value)
        if job is not None and job.plan is not None:
            await self._stack_back.press(draft, job)
        else:
            await self._scale_back.begin(draft, value)
