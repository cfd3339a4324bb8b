"""Answers that are too large for a message: files in the direct conversation with the bot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from bot.domain.errors import ChatError
from bot.domain.text.message import Message
from bot.jobs.context import Context
from bot.views.slack.blocks import fits, packed
from bot.views.slack.table import WideTable
from bot.views.slack.text import line

SEND_SECONDS = 4.0
"""Together with the engine's time limit, this is within the time limit of an answer."""
SAYS_LENGTH = 600


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """A file for a person. ``what`` names it in a sentence: ``The full log``."""

    name: str
    title: str
    what: str
    content: Callable[[], bytes]


async def send(ctx: Context, user: str, file: FileAnswer) -> str:
    """Send it; returns a sentence that says where it is, or why it could not be sent."""
    failed = f"{file.what} could not be sent as a file:"
    try:
        async with asyncio.timeout(SEND_SECONDS):
            content = await asyncio.to_thread(file.content)
            await ctx.chat.send_file(user, file.name, file.title, content)
    except ChatError as error:
        return f"{failed} {error.sentence} {error.hint}".strip()
    except TimeoutError:
        return f"{failed} Slack took too long."
    return f"{file.what} is in a file in your direct messages with the bot."


async def table_message(ctx: Context, user: str, table: WideTable, name: str) -> Message:
    """A table as Slack's block; as a file if it is too large for one, or if Slack refuses it."""

    async def as_file() -> Message:
        file = FileAnswer(f"{name}.txt", f"Table of {name}", "The table", table.file)
        said = line(await send(ctx, user, file), SAYS_LENGTH)
        return Message(f"{table.title}\n{said}", tuple(packed([table.title, said])))

    block = await asyncio.to_thread(table.block)
    blocks = [*packed([table.title]), *([block] if block else [])]
    if block is None or not fits(blocks):
        return await as_file()
    return Message(table.title, tuple(blocks), otherwise=as_file)
