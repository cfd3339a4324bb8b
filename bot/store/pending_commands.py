"""Commands that were accepted but are not answered yet."""

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
    """Each delivery of a command is accepted once; none is lost with the replica that has it."""

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
        """Keep an accepted command; False when the same delivery was accepted before.

        Raises StoreUnavailableError. Redis may have kept the pending command all the same when only
        its answer was lost; as the person is told that nothing happens, it is discarded later.
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
        """Forget a pending command: it was answered otherwise."""
        await self._scripts.run("discard", pending_id)

    async def abandoned_commands(self, older: float) -> tuple[PendingCommand, ...]:
        """Pending commands nobody finished within ``older`` seconds; each is given to one caller
        only.

        A pending command that is neither submitted nor discarded is given out again after the same
        time.
        """
        await self._discard_refused()
        return _readable(await self._scripts.run("abandoned", round(older * 1000)))

    async def commands_before(self, pending_id: str) -> tuple[PendingCommand, ...]:
        """The pending commands that came before this one on any replica, first come first."""
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
            log.warning("a pending command is left out: %s", error)
    return tuple(readable)
