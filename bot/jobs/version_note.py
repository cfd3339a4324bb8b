"""Stores the version that a deploy or a removal leaves."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from bot.domain.deploys.version import Version
from bot.domain.errors import StoreUnavailableError
from bot.jobs.context import Context
from bot.loops.job_lease import JobLease
from bot.runtime.backoff import Backoff

log = logging.getLogger(__name__)


async def note_version(
    ctx: Context, lease: JobLease, make: Callable[[Sequence[Version]], Version]
) -> tuple[Version, ...]:
    """Store the version that ``make`` returns for the stack's earlier ones; returns all of them.

    Waits for the store, because the verdict needs it too.
    """
    stack, backoff = lease.job.stack, Backoff()
    while True:
        try:
            version = make(await ctx.versions.of(stack))
            await ctx.versions.note(version, token=lease.token)
            return await ctx.versions.of(stack)
        except StoreUnavailableError as error:
            log.warning("the version of job %s waits for the store: %s", lease.job.id, error)
            await ctx.clock.sleep(backoff.failed())
