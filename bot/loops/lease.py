"""Leases: whether this replica may still act.

    held ──renewed──> held                      acts
    held ──deadline passes──> lapsed            acts no more, keeps looking
    lapsed ──renewed──> held                    no other replica had it meanwhile
    held, lapsed ──refused by the store──> lost acts never again, ends

The deadline counts from the moment *before* the store was asked, on this replica's own monotonic
clock. So it passes here before the store gives the lease to another replica, whatever was slow:
Redis, the network, or this process itself, which may have stood still. It is a tenth of the lease
earlier still, for requests under way.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from bot.domain.errors import LeaseLostError, StoreUnavailableError
from bot.ports import Clock, acts_until

log = logging.getLogger(__name__)

RENEWALS_A_LEASE = 3


class Lease:
    """The right to act until a deadline; ``until`` is in the time of ``elapsed``.

    ``elapsed`` counts seconds and never goes back.
    """

    def __init__(self, until: float, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._until = until
        self._elapsed = elapsed
        self._renewed = asyncio.Event()
        self._ended = False

    def still(self) -> float:
        """Seconds for which no other replica can have it, 0.0 if that is uncertain."""
        return 0.0 if self._ended else max(0.0, self._until - self._elapsed())

    def holds(self) -> bool:
        """Whether no other replica can have it at this moment; False after a long pause."""
        return self.still() > 0

    def extend(self, until: float) -> None:
        """The store renewed the lease."""
        self._until = until
        self._renewed.set()

    def end(self) -> None:
        """Act no more, for good."""
        self._ended = True

    async def held(self) -> None:
        """Return as soon as this replica may act; a lost lease cancels its holder instead."""
        while not self.holds():
            self._renewed.clear()
            await self._renewed.wait()

    async def keep(
        self, renew: Callable[[], Awaitable[object]], seconds: float, clock: Clock
    ) -> None:
        """Renew it for ``seconds`` at a time until the store refuses. Raises LeaseLostError.

        While the store does not answer it may lapse; it is held again if the store then renews it.
        """
        while True:
            await clock.sleep(seconds / RENEWALS_A_LEASE)
            asked = self._elapsed()
            try:
                await renew()
            except StoreUnavailableError as error:
                log.debug("a lease could not be renewed: %s", error)
            except LeaseLostError:
                self.end()
                raise
            else:
                self.extend(acts_until(asked, seconds))
