"""``ps``: the tasks of the stack, or of one service."""

from __future__ import annotations

import asyncio

from bot.domain.commands.names import NotFound, resolve
from bot.domain.commands.values import ListTasks as Command
from bot.domain.text.message import Message
from bot.jobs import service_lookup
from bot.jobs.context import Context
from bot.views.status.tasks import tasks_message


class ListTasksHandler:
    """Lists all tasks that the swarm keeps, including ended ones."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def answer(self, command: Command, _user: str) -> Message:
        """The stack's tasks, or those of the named service."""
        look = await self._ctx.looks.stack_look(self._ctx.stack)
        if command.service is None:
            return await asyncio.to_thread(tasks_message, look)
        service = resolve(command.service, self._ctx.stack, look.services)
        if isinstance(service, NotFound):
            raise service_lookup.not_found(self._ctx, service, look.nodes)
        return tasks_message(look, service)
