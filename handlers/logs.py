"""``logs SERVICE``: shows a log to one person, in a message or as a file."""

from __future__ import annotations

import asyncio

from bot.domain.commands.values import ReadLogs as Command
from bot.domain.operations.log_place import tasks_at
from bot.domain.swarm.service_log import containing
from bot.domain.text.message import Message
from bot.jobs import file_answer, service_lookup
from bot.jobs.context import Context
from bot.jobs.file_answer import FileAnswer
from bot.ports import Asker
from bot.views.logs import Asked, LogTexts, end_message, whole_message


class ReadLogsHandler:
    """Shows the last lines of a service, of all its tasks or of one slot."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def answer(self, command: Command, asker: Asker) -> Message:
        """A short log completely; of a long one the end, with the whole sent as a file."""
        texts = await self._read(command, asker)
        if await asyncio.to_thread(texts.is_short):
            return whole_message(texts)
        name = texts.service.name + (f".{command.place}" if command.place else "")
        file = FileAnswer(f"{name}.log", f"Log of {name}", "The full log", texts.file)
        where = await file_answer.send(self._ctx, asker.user, file)
        return await asyncio.to_thread(end_message, texts, where)

    async def _read(self, command: Command, asker: Asker) -> LogTexts:
        service = await service_lookup.typed(self._ctx, command.service, asker.channel)
        since = self._ctx.clock.now() - command.since if command.since else 0.0
        if command.place:
            look = await self._ctx.swarm.look(service.id)
            tasks = tasks_at(service, command.place, look.tasks, look.nodes)
            read = self._ctx.logs.service_log
            log = await read(service.id, since, command.lines, tasks=tasks)
        else:
            look, log = await asyncio.gather(
                self._ctx.swarm.look(service.id),
                self._ctx.logs.service_log(service.id, since, command.lines),
            )
        asked = Asked(command.since, command.grep, len(log.lines))
        found = containing(log, command.grep) if command.grep else log
        return LogTexts(service, look, found, asked)
