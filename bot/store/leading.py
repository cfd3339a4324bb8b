"""Which replica leads: a lease in Redis that one replica holds at a time."""

from __future__ import annotations

import secrets

from bot.domain.errors import LeaseLostError
from bot.store.connection import Reply
from bot.store.part import StorePart, claim_safely


class Leading(StorePart):
    """One leader at a time, until it stops or does not renew its lease for the lease time."""

    async def lead(self) -> str:
        """Become the leader: a token, new each time; "" when another replica is.

        A call that is cancelled leads nobody.
        """
        return await claim_safely(self._claim_lead(), self.stop_leading)

    async def go_on_leading(self, token: str) -> None:
        """Keep the lease for another lease time. Raises LeaseLostError."""
        await self._leading("go_on_leading", token, self._lease_ms)

    async def stop_leading(self, token: str) -> None:
        """Let another replica lead at once; nothing happens when the lease was lost before."""
        await self._scripts.run("stop_leading", token)

    @property
    def _lease_ms(self) -> int:
        return max(1, round(self._lease_seconds * 1000))

    async def _claim_lead(self) -> str:
        token = secrets.token_hex(12)
        return token if await self._scripts.run("lead", token, self._lease_ms) else ""

    async def _leading(self, script: str, token: str, *args: str | float) -> Reply:
        """Run a script that begins with the check of the lease."""
        reply = await self._scripts.run(script, token, *args)
        if reply is None:
            raise LeaseLostError("This replica does not lead any more.")
        return reply
