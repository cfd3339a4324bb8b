"""Look-ups of many images at once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from bot.domain.errors import SwarmError
from bot.domain.swarm.image_name import read_image
from bot.ports import Manifest

AT_ONCE: Final = 4
"""How many images are looked up at a time in one registry."""
SECONDS: Final = 7.0
"""Time limit for all look-ups: a person waits for the answer, which may take ten seconds."""


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
