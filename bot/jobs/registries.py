"""Look-ups of many images at once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from bot.domain.errors import RefusedError, SwarmError
from bot.domain.operations.image_list import ServiceImage, compared, tags_of
from bot.domain.swarm.image_name import read_image
from bot.domain.swarm.model import StackLook
from bot.jobs.context import Context
from bot.jobs.service_lookup import check_stack
from bot.ports import Manifest

AT_ONCE: Final = 4
"""How many images are looked up at a time in one registry."""
SECONDS: Final = 7.0
"""Time limit for all look-ups: a person waits for the answer, which may take ten seconds."""


async def compared_images(
    ctx: Context, stack: str, look: StackLook
) -> tuple[tuple[ServiceImage, ...], dict[str, Manifest]]:
    """The images of a stack's services, and what the registries have, by name.

    Raises:
        RefusedError: the stack has no services.
    """
    if not look.services:
        await check_stack(ctx, stack)
        raise RefusedError(
            f"Stack `{stack}` has no services.",
            hint=f"To see the stacks: `{ctx.command} stacks`",
        )
    found, troubles = await looked_up(ctx.registry.recent, tags_of(look.services))
    digests = {name: manifest.digest for name, manifest in found.items()}
    return compared(look.services, look.tasks, digests, troubles), found


async def looked_up(
    look: Callable[[str], Awaitable[Manifest]], names: Iterable[str]
) -> tuple[dict[str, Manifest], dict[str, str]]:
    """What the registries have, by name, and why nothing is known of others.

    ``look`` is a method of the port ``Registry``. A slow registry delays no other one.
    """
    rooms: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(AT_ONCE))
    found: dict[str, Manifest] = {}
    troubles = {name: _late(name) for name in names}

    async def look_up(name: str) -> None:
        async with rooms[read_image(name).host]:
            try:
                found[name] = await look(name)
            except SwarmError as error:
                troubles[name] = error.sentence

    looks = [asyncio.create_task(look_up(name)) for name in troubles]
    try:
        if looks:
            await asyncio.wait(looks, timeout=SECONDS)
    finally:
        for each in looks:
            each.cancel()
    return found, troubles


def _late(name: str) -> str:
    where = read_image(name).host or "Docker Hub"
    return f"The registry {where} did not answer within {SECONDS:g} s."
