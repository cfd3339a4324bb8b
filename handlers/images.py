"""``images``: what each service runs, and where its registry has something newer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from bot.domain.commands.values import ListImages as Command
from bot.domain.errors import RefusedError, SwarmError
from bot.domain.operations.image_list import compared, tags_of
from bot.domain.text.message import Message
from bot.jobs.context import Context
from bot.views.images import images_message

AT_ONCE = 8
"""How many images are looked up at a time."""
SECONDS = 20.0
"""Time limit for all look-ups, because a person waits for the answer."""
_LATE = "The look-ups took too long."


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
        found, troubles = await self._looked_up(tags_of(look.services))
        rows = compared(look.services, look.tasks, found, troubles)
        return images_message(stack, rows, self._ctx.clock.now(), command=self._ctx.command)

    async def _looked_up(self, names: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
        """The registries' digests by name, and why others are not known."""
        room = asyncio.Semaphore(AT_ONCE)
        found: dict[str, str] = {}
        troubles = dict.fromkeys(names, _LATE)

        async def look_up(name: str) -> None:
            async with room:
                try:
                    found[name] = (await self._ctx.registry.look_up(name)).digest
                except SwarmError as error:
                    troubles[name] = error.sentence

        looks = [asyncio.create_task(look_up(name)) for name in troubles]
        if looks:
            _, late = await asyncio.wait(looks, timeout=SECONDS)
            for each in late:
                each.cancel()
        return found, troubles
