"""``ps``: the tasks of a stack, or of one service."""

from __future__ import annotations

import asyncio

from bot.domain.commands.values import ListTasks as Command
from bot.domain.swarm.model import Service
from bot.domain.text.message import Message
from bot.jobs import service_lookup
from bot.jobs.context import Context
from bot.ports import Asker
from bot.views.status.tasks import tasks_message


class ListTasksHandler:
    """Lists all tasks that the swarm keeps, including ended ones."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def answer(self, command: Command, asker: Asker) -> Message:
        """The tasks of the channel's stack, or those of the named service or stack."""
        found = await service_lookup.scope(self._ctx, command.name, asker.channel)
        look = await self._ctx.looks.stack_look(found.stack)
        only = found if isinstance(found, Service) else None
        return await asyncio.to_thread(tasks_message, look, only)
