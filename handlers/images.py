"""``images``: what each service runs, and where its registry has something newer."""

from __future__ import annotations

from bot.domain.commands.values import ListImages as Command
from bot.domain.errors import RefusedError
from bot.domain.operations.image_list import compared, tags_of
from bot.domain.text.message import Message
from bot.jobs.context import Context
from bot.jobs.registries import looked_up
from bot.views.images import images_message


class ListImagesHandler:
    """Lists the images of a stack."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def answer(self, command: Command, _user: str) -> Message:
        """The list. Raises RefusedError if the stack has no services."""
        stack = command.stack or self._ctx.stack
        look = await self._ctx.looks.stack_look(stack)
        if not look.services:
            raise RefusedError(
                f"Stack `{stack}` has no services.",
                hint=f"To see the stacks: `{self._ctx.command} stacks`",
            )
        found, troubles = await looked_up(self._ctx.registry.recent, tags_of(look.services))
        digests = {name: manifest.digest for name, manifest in found.items()}
        rows = compared(look.services, look.tasks, digests, troubles)
        return images_message(stack, rows, self._ctx.clock.now(), command=self._ctx.command)
