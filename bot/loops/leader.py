"""Leader election: one replica has a lease in the store, and works while it has it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from bot.domain.errors import LeaseLostError, StoreUnavailableError, SwarmError
from bot.loops.lease import RENEWALS_A_LEASE, Lease
from bot.ports import Clock, Incidents, acts_until

log = logging.getLogger(__name__)

CAMPAIGNS_A_LEASE = 5
"""Attempts per lease time of a replica that wants to lead."""
GOODBYE_SECONDS = 1.0
RESIGNED_LEASES = 2
"""Lease times for which a replica that could not do the work leaves it to the others."""


class LeaderLease(Lease):
    """The right to lead; ``token`` is compared in the store."""

    def __init__(self, token: str, until: float, elapsed: Callable[[], float]) -> None:
        super().__init__(until, elapsed)
        self.token = token


class Leader:
    """Tries to get the lease, again whenever it was lost.

    ``work`` gets the lease. It is cancelled as soon as the lease is lost or may be. When it
    returns, the lease is released; after a SwarmError (this replica cannot do the work) the others
    get time to lead. ``lease_seconds`` is how long a lease is valid without renewal; ``elapsed``
    counts seconds and never goes back.
    """

    def __init__(
        self,
        incidents: Incidents,
        clock: Clock,
        work: Callable[[LeaderLease], Awaitable[None]],
        *,
        lease_seconds: float,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._incidents = incidents
        self._clock = clock
        self._work = work
        self._lease_seconds = lease_seconds
        self._elapsed = elapsed
        self._lease: LeaderLease | None = None
        self._away = False

    @property
    def leads(self) -> bool:
        """Whether this replica leads, or may lead again after an outage of the store."""
        return self._lease is not None

    def still(self) -> float:
        """Seconds for which this replica certainly leads."""
        return self._lease.still() if self._lease else 0.0

    async def run(self) -> None:
        """Lead whenever no other replica does, until cancelled."""
        while True:
            asked = self._elapsed()
            token = await self._campaign()
            if token:
                until = acts_until(asked, self._lease_seconds)
                if not await self._lead_once(LeaderLease(token, until, self._elapsed)):
                    await self._clock.sleep(self._lease_seconds * RESIGNED_LEASES)
            await self._clock.sleep(self._lease_seconds / CAMPAIGNS_A_LEASE)

    async def _campaign(self) -> str:
        try:
            token = await self._incidents.lead()
        except StoreUnavailableError as error:
            if not self._away:
                log.warning("no replica can watch the swarm: %s", error)
            self._away = True
            return ""
        self._away = False
        return token

    async def _lead_once(self, lease: LeaderLease) -> bool:
        """Lead once; False if the work cannot be done here."""
        log.info("this replica watches the swarm")
        self._lease = lease
        work = asyncio.ensure_future(self._work(lease))
        renewal = asyncio.create_task(self._renew(lease), name="leader's lease")
        try:
            await asyncio.wait({work, renewal}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._lease = None
            work.cancel()
            renewal.cancel()
            ends = await asyncio.gather(work, renewal, return_exceptions=True)
            await self._release_lease(lease.token)
        log.info("this replica no longer watches the swarm")
        for end in ends:
            if isinstance(end, SwarmError):
                log.warning("leaving the watcher to other replicas: %s", end)
                return False
            if isinstance(end, Exception) and not isinstance(end, LeaseLostError):
                log.error("the watcher was interrupted, restarting it", exc_info=end)
        return True

    async def _renew(self, lease: LeaderLease) -> None:
        """Keep the lease; returns when it is lost or may be."""
        while lease.holds():
            await self._clock.sleep(min(lease.still(), self._lease_seconds / RENEWALS_A_LEASE))
            asked = self._elapsed()
            try:
                async with asyncio.timeout(lease.still()):
                    await self._incidents.go_on_leading(lease.token)
            except (StoreUnavailableError, TimeoutError) as error:
                log.info("the watcher's lease could not be renewed: %s", error)
            except LeaseLostError:
                return
            else:
                lease.extend(acts_until(asked, self._lease_seconds))

    async def _release_lease(self, token: str) -> None:
        """Release the lease for other replicas; if the store is unavailable, it expires."""
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._incidents.stop_leading(token)
        except (StoreUnavailableError, TimeoutError) as error:
            log.debug("the lease was not released and will expire: %s", error)
