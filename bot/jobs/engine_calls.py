"""Calls to the engine that may be away, for a job and for who types a command."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.domain.errors import OutOfSequenceError, SwarmUnavailableError
from bot.ports import Clock
from bot.runtime.backoff import Backoff

WRITE_ATTEMPTS = 8
CHECK_SECONDS = 10.0
ENGINE_PATIENCE = 60.0
"""Seconds that a job waits for an engine that does not answer, before it changes anything."""

T = TypeVar("T")


async def in_time(look: Awaitable[T]) -> T:
    """What a look at the swarm gives; a person waits for the answer to what they typed.

    Raises SwarmUnavailableError when the engine takes too long.
    """
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await look
    except TimeoutError as error:
        raise SwarmUnavailableError("The engine does not answer.") from error


async def wait_for_engine(
    clock: Clock,
    look: Callable[[], Awaitable[T]],
    waits: Callable[[SwarmUnavailableError], None],
) -> T:
    """What a look gives. An engine that is away for a moment fails no job.

    ``waits`` is called each time that it does not answer. Raises SwarmUnavailableError when that
    goes on for ENGINE_PATIENCE.
    """
    backoff, late = Backoff(), clock.now() + ENGINE_PATIENCE
    while True:
        try:
            return await look()
        except SwarmUnavailableError as error:
            if clock.now() > late:
                raise
            waits(error)
            await clock.sleep(backoff.failed())


async def insist(clock: Clock, make: Callable[[bool], Awaitable[T]], *, doubtful: bool) -> T:
    """What a write comes to. One whose outcome is unknown is made again, WRITE_ATTEMPTS in all.

    ``make`` is told whether an earlier try may have made it: at first what ``doubtful`` says.
    """
    backoff = Backoff()
    for _ in range(1, WRITE_ATTEMPTS):
        try:
            return await make(doubtful)
        except (SwarmUnavailableError, OutOfSequenceError):
            doubtful = True
            await clock.sleep(backoff.failed())
    return await make(doubtful)
