"""Writes to the swarm that somebody else's write may come before."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from bot.domain.errors import OutOfSequenceError

_ATTEMPTS: Final = 10
_PAUSE: Final = (0.02, 0.2)

T = TypeVar("T")


async def until_in_sequence(write: Callable[[], Awaitable[T]]) -> T:
    """What ``write`` returns. It looks first, and is made anew where that look turns out stale.

    Raises OutOfSequenceError when others go on writing in between.
    """
    for attempt in range(1, _ATTEMPTS):
        try:
            return await write()
        except OutOfSequenceError:
            await asyncio.sleep(random.uniform(*_PAUSE) * attempt)  # noqa: S311 (spreads writers)
    return await write()
