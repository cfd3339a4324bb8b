"""``logs SERVICE``: shows a log to one person, in a message or as a file."""

from __future__ import annotations

import asyncio

from bot.domain.commands.values import ReadLogs as Command
from bot.domain.errors import ChatError
from bot.domain.swarm.model import Service
from bot.domain.swarm.service_log import ServiceLog
from bot.domain.text.message import Message
from bot.jobs import service_lookup
from bot.jobs.context import Context
from bot.ports import Asker
from bot.views.logs import LogTexts, end_message, is_short, whole_message

SEND_SECONDS = 4.0
"""Together with the engine's time limit, this is within the time limit of an answer."""


class ReadLogsHandler:
    """Shows the last lines of all tasks of a service."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def answer(self, command: Command, asker: Asker) -> Message:
        """A short log completely; of a long one the end, with the whole sent as a file."""
        service = await service_lookup.typed(self._ctx, command.service, asker.channel)
        since = self._ctx.clock.now() - command.since if command.since else 0.0
        look, log = await asyncio.gather(
            self._ctx.swarm.look(service.id),
            self._ctx.logs.service_log(service.id, since, command.lines),
        )
        texts = LogTexts(service, look)
        lines = await asyncio.to_thread(texts.lines, log)
        if await asyncio.to_thread(is_short, lines):
            return whole_message(service.name, lines, command.since, log.trouble)
        where = await self._send(asker.user, service, texts, log)
        return await asyncio.to_thread(end_message, service.name, lines, where, log.trouble)

    async def _send(self, user: str, service: Service, texts: LogTexts, log: ServiceLog) -> str:
        """Send the whole log as a file; returns a sentence that says where it is, or the error."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                file = await asyncio.to_thread(texts.file, log)
                await self._ctx.chat.send_file(
                    user, f"{service.name}.log", f"Log of {service.name}", file
                )
        except ChatError as error:
            return (
                f"The full log could not be sent as a file: {error.sentence} {error.hint}".strip()
            )
        except TimeoutError:
            return "The full log could not be sent as a file: Slack took too long."
        return "The full log is in a file in your direct messages with the bot."
