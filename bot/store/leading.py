"""Leader election: a lease in Redis that only one replica has at a time."""

from __future__ import annotations

import secrets

from bot.domain.errors import LeaseLostError
from bot.store.connection import Reply
from bot.store.part import StorePart, claim_safely


class Leading(StorePart):
    """One leader at a time, until it stops or does not renew its lease within the lease time."""

    async def lead(self) -> str:
        """Become the leader: a new token; "" if another replica leads.

        A cancelled call does not leave a leader behind.
        """
        return await claim_safely(self._claim_lead(), self.stop_leading)

    async def go_on_leading(self, token: str) -> None:
        """Renew the lease for another lease time. Raises LeaseLostError."""
        await self._leading("go_on_leading", token, self._lease_ms)

    async def stop_leading(self, token: str) -> None:
        """Release the lease so that another replica can lead; ignored if it was already lost."""
        await self._scripts.run("stop_leading", token)

    @property
    def _lease_ms(self) -> int:
        return max(1, round(self._lease_seconds * 1000))

    async def _claim_lead(self) -> str:
        token = secrets.token_hex(12)
        return token if await self._scripts.run("lead", token, self._lease_ms) else ""

    async def _leading(self, script: str, token: str, *args: str | float) -> Reply:
        """Run a script that first checks the lease."""
        reply = await self._scripts.run(script, token, *args)
        if reply is None:
            raise LeaseLostError("This replica is no longer the leader.")
        return reply
