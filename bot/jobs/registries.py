"""Look-ups of many images at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from bot.domain.errors import SwarmError
from bot.ports import Manifest

AT_ONCE: Final = 8
"""How many images are looked up at a time."""
SECONDS: Final = 20.0
"""Time limit for all look-ups, because a person waits for the answer."""
_LATE: Final = "The look-ups took too long."


async def looked_up(
    look: Callable[[str], Awaitable[Manifest]], names: Iterable[str]
) -> tuple[dict[str, Manifest], dict[str, str]]:
    """What the registries have, by name, and why nothing is known of others.

    ``look`` is a method of the port ``Registry``.
    """
    room = asyncio.Semaphore(AT_ONCE)
    found: dict[str, Manifest] = {}
    troubles = dict.fromkeys(names, _LATE)

    async def look_up(name: str) -> None:
        async with room:
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
