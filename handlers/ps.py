"""``ps``: the tasks of a stack, or of one service."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bot.domain.commands.values import ListTasks as Command
from bot.domain.commands.values import as_text
from bot.domain.swarm.model import Service
from bot.domain.text.message import Message
from bot.jobs import file_answer, service_lookup
from bot.jobs.context import Context
from bot.ports import Asker
from bot.views.status.tasks import tasks_message
from bot.views.status.wide import task_table


class ListTasksHandler:
    """Lists all tasks that the swarm keeps, including ended ones."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def answer(self, command: Command, asker: Asker) -> Message:
        """The tasks of the channel's stack, or those of the named service or stack."""
        found = await service_lookup.scope(self._ctx, command.name, asker.channel)
        look = await self._ctx.looks.stack_look(found.stack)
        only = found if isinstance(found, Service) else None
        if command.wide:
            table = await asyncio.to_thread(task_table, look, only)
            name = f"tasks-{(only.name if only else look.stack) or 'all'}"
            return await file_answer.table_message(self._ctx, asker.user, table, name)
        wide = f"{self._ctx.command} {as_text(replace(command, wide=True))}"
        return await asyncio.to_thread(tasks_message, look, only, wide=wide)
