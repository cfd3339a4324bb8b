"""Accepted commands that are not answered yet."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from bot.domain.errors import StoreUnavailableError
from bot.domain.jobs.model import PendingCommand
from bot.store.codec import UnreadableRecordError, decode_pending, encode_pending
from bot.store.connection import RedisLink
from bot.store.keys import StoreLimits
from bot.store.part import StorePart

log = logging.getLogger(__name__)


class PendingCommands(StorePart):
    """Accepts each delivery of a command once, and gives commands of lost replicas to others."""

    def __init__(
        self,
        link: RedisLink,
        *,
        prefix: str = "orochi",
        lease_seconds: float = 5.0,
        limits: StoreLimits | None = None,
    ) -> None:
        super().__init__(link, prefix=prefix, lease_seconds=lease_seconds, limits=limits)
        self._refused: set[str] = set()

    async def accept(self, pending: PendingCommand) -> bool:
        """Store an accepted command; False if the same delivery was accepted before.

        Raises StoreUnavailableError. Redis may have stored the pending command if only its answer
        was lost; because the user is told that nothing happens, it is discarded later.
        """
        try:
            reply = await self._scripts.run(
                "accept", pending.id, encode_pending(pending), pending.key
            )
        except StoreUnavailableError:
            self._refused.add(pending.id)
            raise
        return bool(reply)

    async def discard(self, pending_id: str) -> None:
        """Delete a pending command that was answered without a job."""
        await self._scripts.run("discard", pending_id)

    async def abandoned_commands(self, older: float) -> tuple[PendingCommand, ...]:
        """Pending commands that are unfinished after ``older`` seconds.

        Each one is given to one caller only. A pending command that is neither submitted nor
        discarded is given out again after the same time.
        """
        await self._discard_refused()
        return _readable(await self._scripts.run("abandoned", round(older * 1000)))

    async def commands_before(self, pending_id: str) -> tuple[PendingCommand, ...]:
        """The pending commands, on any replica, that came before this one; oldest first."""
        return _readable(await self._scripts.run("before", pending_id))

    async def _discard_refused(self) -> None:
        refused = tuple(self._refused)
        if refused:
            await self._scripts.run("discard", *refused)
            self._refused.difference_update(refused)


def _readable(records: Iterable[str]) -> tuple[PendingCommand, ...]:
    readable = []
    for record in records:
        try:
            readable.append(decode_pending(record))
        except UnreadableRecordError as error:
            log.warning("skipping a pending command: %s", error)
    return tuple(readable)
