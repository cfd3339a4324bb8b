"""One replica leads: it holds a lease in the store, and does the work while it holds it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bot.domain.errors import LeaseLostError, StoreUnavailableError
from bot.ports import Clock, Incidents

log = logging.getLogger(__name__)

CAMPAIGNS_A_LEASE = 5
"""How often, in each lease time, a replica that does not lead asks to."""
RENEWALS_A_LEASE = 3
GOODBYE_SECONDS = 1.0


class Leader:
    """Campaigns for the lease, again whenever it was lost.

    ``work`` is given the lease's token. It is cancelled as soon as the lease is lost or may be;
    when it ends by itself, the lease is given up. ``lease_seconds`` is for how long a lease
    stands without being renewed.
    """

    def __init__(
        self,
        incidents: Incidents,
        clock: Clock,
        work: Callable[[str], Awaitable[None]],
        *,
        lease_seconds: float,
    ) -> None:
        self._incidents = incidents
        self._clock = clock
        self._work = work
        self._lease_seconds = lease_seconds
        self.leads = False

    async def run(self) -> None:
        """Lead whenever no other replica does, until cancelled."""
        while True:
            token = await self._campaign()
            if token:
                await self._reign(token)
            await self._clock.sleep(self._lease_seconds / CAMPAIGNS_A_LEASE)

    async def _campaign(self) -> str:
        try:
            return await self._incidents.lead()
        except StoreUnavailableError as error:
            log.debug("nobody can lead while the store is away: %s", error)
            return ""

    async def _reign(self, token: str) -> None:
        log.info("this replica watches the swarm")
        self.leads = True
        work = asyncio.ensure_future(self._work(token))
        renewal = asyncio.create_task(self._renew(token), name="leader's lease")
        try:
            await asyncio.wait({work, renewal}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.leads = False
            work.cancel()
            renewal.cancel()
            ends = await asyncio.gather(work, renewal, return_exceptions=True)
            await self._step_down(token)
        for end in ends:
            if isinstance(end, Exception) and not isinstance(end, LeaseLostError):
                log.error("the watch was interrupted and begins anew", exc_info=end)
        log.info("this replica watches no more")

    async def _renew(self, token: str) -> None:
        """Keep the lease; returns when it is lost, or may be as far as can be told here."""
        until = self._clock.now() + self._lease_seconds
        while self._clock.now() < until:
            await self._clock.sleep(self._lease_seconds / RENEWALS_A_LEASE)
            asked = self._clock.now()
            try:
                await self._incidents.go_on_leading(token)
            except StoreUnavailableError as error:
                log.info("the watcher's lease could not be renewed: %s", error)
            except LeaseLostError:
                return
            else:
                until = asked + self._lease_seconds

    async def _step_down(self, token: str) -> None:
        """Let another replica go on at once; one that cannot be told waits for the lease's end."""
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._incidents.stop_leading(token)
        except (StoreUnavailableError, TimeoutError) as error:
            log.debug("the lease runs out by itself: %s", error)
