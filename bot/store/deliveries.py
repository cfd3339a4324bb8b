"""Finished jobs whose messages do not show it yet."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from bot.domain.errors import LeaseLostError
from bot.ports import Delivery
from bot.store.connection import BLOCK_SECONDS
from bot.store.part import StorePart, claim_safely

MOST_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class _Due:
    """The due deliveries; if empty, check again after ``seconds`` or a new ``wake``."""

    deliveries: tuple[Delivery, ...]
    seconds: float
    newest: str


class Deliveries(StorePart):
    """Gives each due delivery to one caller, and later to any other if it is not confirmed."""

    async def due_deliveries(self, seconds: float) -> tuple[Delivery, ...]:
        """Deliveries that are due, each given to one caller for 30 s; waits ``seconds`` for one."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while True:
            due = await claim_safely(self._due(), self._give_back)
            left = end - loop.time()
            if due.deliveries or left <= 0:
                return due.deliveries
            await self._link.wait(self._keys.wake, due.newest, min(left, due.seconds))

    async def keep_delivery(self, delivery: Delivery) -> Delivery:
        """Keep a delivery for another 30 s. Raises LeaseLostError if another caller has it."""
        until = self._claimed_until()
        claim = await self._scripts.run("keep_delivery", delivery.job_id, delivery.claim)
        if claim is None:
            raise LeaseLostError(f"Another replica delivers job {delivery.job_id}.")
        return replace(delivery, claim=claim, until=until)

    async def link_timeline(self, job_id: str, link: str) -> None:
        """Store the link to a finished job's timeline and schedule a delivery for it."""
        await self._scripts.run("link_timeline", job_id, link)

    async def redeliver(self, job_id: str) -> None:
        """Make a finished job due again, because its message does not show its end."""
        await self._scripts.run("redeliver", job_id)

    async def mark_told(self, job_id: str, verdict: str, message: str = "") -> None:
        """Note that this verdict was posted, in the thread or as a ``message`` of its own (a ts).

        With a leading "?" it is about to be posted, so from now on it may be there.
        """
        await self._scripts.run("told", job_id, verdict, message)

    async def delivered(self, job_id: str, revision: int) -> None:
        """Note that the job's message shows this revision; ignored if a newer one is due."""
        await self._scripts.run("delivered", job_id, revision)

    async def postpone(self, job_id: str, seconds: float) -> None:
        """Schedule the delivery again after ``seconds``, because Slack did not accept it."""
        await self._scripts.run("postpone", job_id, round(seconds * 1000))

    async def _due(self) -> _Due:
        until = self._claimed_until()
        due, wait, newest = await self._scripts.run("due", MOST_AT_ONCE)
        seconds = BLOCK_SECONDS if wait < 0 else wait / 1000
        found = tuple(
            Delivery(job, at, told, message, claim, until) for job, at, told, message, claim in due
        )
        return _Due(found, seconds, newest)

    async def _give_back(self, due: _Due) -> None:
        for delivery in due.deliveries:
            await self.postpone(delivery.job_id, 0)
