"""``cancel JOB``: cancel a plan or a queued job, or stop waiting for a running one."""

from __future__ import annotations

from bot.domain.commands.values import Cancel as Command
from bot.domain.errors import RefusedError
from bot.domain.text.message import Message
from bot.jobs.confirmation import Confirming
from bot.jobs.context import Context
from bot.ports import Asker, CancelResult
from bot.views.errors import done


class CancelHandler:
    """Cancels on behalf of whoever asks."""

    def __init__(self, ctx: Context, confirming: Confirming) -> None:
        self._ctx = ctx
        self._confirming = confirming

    async def answer(self, command: Command, asker: Asker) -> Message:
        """The result of the cancellation. Raises RefusedError if there is nothing to cancel."""
        if plan := await self._confirming.cancel(command.job, asker.user):
            return plan
        result = await self._ctx.jobs.cancel(command.job, asker.user)
        if result is CancelResult.UNKNOWN:
            raise RefusedError(
                f"There is no job `{command.job}`.",
                hint=f"To list the jobs: `{self._ctx.command} jobs`",
            )
        if result is CancelResult.FINISHED:
            raise RefusedError(f"Job `{command.job}` has already ended.")
        if result is CancelResult.DEQUEUED:
            return done(f"Job `{command.job}` removed from the queue. Nothing was changed.")
        return done(f"Job `{command.job}` is being cancelled. Its message says what has been done.")
