"""Begins accepted commands: each under a lease, so that another replica begins a lost one's."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable

from bot.domain.errors import LeaseLostError
from bot.loops.lease import Lease
from bot.ports import Clock, Held, Jobs, Still, acts_until
from bot.runtime.tasks import cancel_all, first_error

log = logging.getLogger(__name__)


class Intake:
    """The commands that this replica begins right now."""

    def __init__(self, jobs: Jobs, clock: Clock, lease_seconds: float) -> None:
        self._jobs = jobs
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._leases: dict[str, Lease] = {}
        self._adopted: set[str] = set()
        self._attempts: dict[str, asyncio.Task[object]] = {}

    def deadline(self) -> float:
        """The end of a lease that the store gives from now on, for ``Held.until``."""
        return acts_until(time.monotonic(), self._lease_seconds)

    def still(self, pending_id: str) -> Still:
        """For how long this replica may still begin a command; asked right before a post."""
        lease = self._leases.get(pending_id)
        return lease.still if lease else lambda: math.inf

    async def held(self, pending_id: str) -> None:
        """Return once this replica certainly holds a command, if it begins it.

        After an outage another replica may have it; then this one's work is cancelled instead.
        """
        if lease := self._leases.get(pending_id):
            await lease.held()

    def adopted(self, pending_id: str) -> bool:
        """Whether a lost replica may already have posted the command's message."""
        return pending_id in self._adopted

    async def begin(
        self, held: Held, work: Callable[[], Awaitable[object]], *, adopted: bool = False
    ) -> None:
        """Do ``work`` under the lease; it is cancelled when another replica has the command.

        A replica that was paused for longer than its lease may take over a command that it is still
        beginning itself. The former attempt, whose lease has lapsed, ends first.
        """
        lease, kept, pending_id = Lease(held.until), held, held.pending.id
        if former := self._attempts.get(pending_id):
            await cancel_all([former])

        async def renew() -> None:
            nonlocal kept
            lapsed = not lease.holds()
            kept = await self._jobs.keep_command(kept)
            if lapsed and not kept.claim:
                raise LeaseLostError(f"Another replica began command {pending_id}.")

        async def done() -> None:
            await work()

        self._attempts[pending_id] = mine = _current_task()
        self._leases[pending_id] = lease
        self._adopted |= {pending_id} if adopted else set()
        try:
            async with asyncio.TaskGroup() as group:
                keeping = group.create_task(lease.keep(renew, self._lease_seconds, self._clock))
                working = group.create_task(done(), name=f"command {pending_id}")
                working.add_done_callback(lambda _: keeping.cancel())
        except BaseExceptionGroup as ended:
            error = first_error(ended)
            if not isinstance(error, LeaseLostError):
                raise error from None
            log.info("command %s: %s", pending_id, error)
        finally:
            if self._attempts.get(pending_id) is mine:
                del self._attempts[pending_id], self._leases[pending_id]
                self._adopted.discard(pending_id)


def _current_task() -> asyncio.Task[object]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("called outside of a task")
    return task
