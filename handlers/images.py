"""``images``: what each service runs, and where its registry has something newer."""

from __future__ import annotations

from bot.domain.commands.values import ListImages as Command
from bot.domain.text.message import Message
from bot.jobs.context import Context
from bot.jobs.registries import compared_images
from bot.ports import Asker
from bot.views.images import images_message


class ListImagesHandler:
    """Lists the images of a stack."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def answer(self, command: Command, asker: Asker) -> Message:
        """The list. Raises RefusedError if the stack has no services."""
        stack = command.stack or self._ctx.stack_in(asker.channel)
        look = await self._ctx.looks.stack_look(stack)
        rows, _ = await compared_images(self._ctx, stack, look)
        return images_message(stack, rows, self._ctx.clock.now(), command=self._ctx.command)
