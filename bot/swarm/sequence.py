"""Writes to the swarm that may conflict with other writers."""

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
    """The result of ``write``, which reads first; repeated when its read turns out to be outdated.

    Raises:
        OutOfSequenceError: there was another conflict at every attempt.
    """
    for attempt in range(1, _ATTEMPTS):
        try:
            return await write()
        except OutOfSequenceError:
            await asyncio.sleep(random.uniform(*_PAUSE) * attempt)  # noqa: S311 (spreads writers)
    return await write()
