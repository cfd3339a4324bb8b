"""Calls to an engine that may be unavailable, for jobs and for typed commands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.domain.errors import (
    LeaseLostError,
    OutOfSequenceError,
    RefusedError,
    SwarmError,
    SwarmUnavailableError,
)
from bot.loops.job_lease import JobLease
from bot.ports import Clock
from bot.runtime.backoff import Backoff

WRITE_ATTEMPTS = 8
CHECK_SECONDS = 10.0
ENGINE_PATIENCE = 60.0
"""Seconds for which a job waits for an unavailable engine before it changes anything."""

T = TypeVar("T")


async def in_time(look: Awaitable[T]) -> T:
    """The result of a look within a time limit, because a person waits for the answer.

    Raises:
        SwarmUnavailableError: the engine takes too long.
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
    """The result of a look, repeated while the engine is briefly unavailable.

    ``waits`` is called after each failed attempt.

    Raises:
        SwarmUnavailableError: the engine stays unavailable for ENGINE_PATIENCE.
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


async def insist(
    lease: JobLease, clock: Clock, make: Callable[[bool], Awaitable[T]], *, doubtful: bool
) -> T:
    """The result of a write, repeated while its outcome is unknown (at most WRITE_ATTEMPTS times).

    Each attempt waits until the lease holds; a lost lease ends the worker's turn instead. ``make``
    gets whether an earlier attempt may have succeeded; for the first attempt this is ``doubtful``.
    So do the errors that end it, except that a write of an outdated version certainly failed.
    """
    backoff, failures, unknown = Backoff(), 0, doubtful
    while True:
        await lease.authority.held()
        try:
            return await make(doubtful)
        except LeaseLostError:
            doubtful = True
        except (SwarmUnavailableError, OutOfSequenceError) as error:
            unknown = unknown or isinstance(error, SwarmUnavailableError)
            doubtful, failures = True, failures + 1
            if failures == WRITE_ATTEMPTS:
                error.doubtful = unknown
                raise
            await clock.sleep(backoff.failed())
        except (RefusedError, SwarmError) as error:
            error.doubtful = unknown
            raise
