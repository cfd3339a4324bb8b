"""``run``: a command once, in a container like those of a service."""

from __future__ import annotations

from bot.domain.commands.values import Run as Command
from bot.domain.jobs.model import Job, PendingCommand, Target
from bot.domain.operations.one_off import ACTION, check_runnable, name_of, shown_command
from bot.jobs import service_lookup
from bot.jobs.context import Context
from bot.jobs.submit import queue


class RunHandler:
    """Starts one-off tasks."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def begin(self, pending: PendingCommand, command: Command) -> None:
        """Find the service and queue the job. Raises BotError to refuse it.

        Until its own service is made, the target has the id of the service that it is like.
        """
        service = await service_lookup.to_change(self._ctx, command.service, pending.channel)
        check_runnable(service)
        job = Job(
            id=pending.id,
            action=ACTION,
            stack=service.stack,
            text=f"run {service.short_name} -- {shown_command(command.arguments)}",
            user=pending.user,
            channel=pending.channel,
            thread=pending.thread,
            created=pending.received,
            targets=(Target(name_of(service, pending.id), service.id, 1),),
            arguments=command.arguments,
        )
        await queue(self._ctx, pending, job)
