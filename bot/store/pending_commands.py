"""Accepted commands that are not answered yet."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterable

from redis.asyncio import Redis

from bot.domain.errors import LeaseLostError, StoreUnavailableError
from bot.domain.jobs.model import PendingCommand
from bot.ports import Held, acts_until
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

        Raises StoreUnavailableError. If it is doubtful, Redis may have stored the pending command:
        another replica may begin it, otherwise it is discarded as soon as Redis answers.
        """
        try:
            record, lease = encode_pending(pending), self._pending_lease_ms
            reply = await self._scripts.run(
                "accept", pending.id, record, pending.key, lease, pending.channel
            )
        except StoreUnavailableError as error:
            if error.doubtful:
                self._refused.add(pending.id)
            raise
        return bool(reply)

    async def claim_message(self, key: str) -> bool:
        """Take a person's message, to answer it; as in ``bot.ports.Jobs``."""
        name, claim = self._keys.answered(key), secrets.token_hex(8)
        seconds = self._limits.claim_seconds

        async def take(redis: Redis) -> bool:
            if await redis.set(name, claim, nx=True, ex=seconds):
                return True
            return bool(await redis.get(name) == claim)  # the client repeats a call after an error

        taken: bool = await self._link.call(take)
        return taken

    async def answered_message(self, key: str) -> None:
        """Keep a message from being taken again."""
        name, seconds = self._keys.answered(key), self._limits.seen_seconds
        await self._link.call(lambda redis: redis.set(name, "answered", ex=seconds))

    async def keep_command(self, held: Held) -> Held:
        """Keep a pending command for another lease. As in ``bot.ports.Jobs``."""
        until = acts_until(time.monotonic(), self._lease_seconds)
        args = (held.pending.id, held.claim, self._pending_lease_ms)
        claim = await self._scripts.run("keep_pending", *args)
        if claim is None:
            raise LeaseLostError(f"Another replica begins command {held.pending.id}.")
        return Held(held.pending, until, claim)

    async def adopt_commands(self) -> tuple[Held, ...]:
        """Pending commands whose replicas were lost. As in ``bot.ports.Jobs``."""
        if self._link.steady_seconds < self._lease_seconds:
            return ()  # during an outage seen here no replica could renew
        until = acts_until(time.monotonic(), self._lease_seconds)
        found = await self._scripts.run("adopt_pending", self._pending_lease_ms)
        return tuple(
            Held(pending, until, claim, refused=bool(refused))
            for record, claim, refused in found
            for pending in _readable([record])
        )

    @property
    def _pending_lease_ms(self) -> int:
        return max(1, round(self._lease_seconds * 1000))

    async def is_pending(self, pending_id: str) -> bool:
        """Whether a command was accepted and is not done with."""
        key = self._keys.draft_records
        return bool(await self._link.call(lambda redis: redis.hexists(key, pending_id)))

    async def channels(self) -> frozenset[str]:
        """The channels in which commands were typed."""
        found: set[str] = await self._link.call(lambda redis: redis.smembers(self._keys.channels))
        return frozenset(found)

    async def refuse(self, pending_id: str) -> None:
        """Let a pending command get no job any more. As in ``bot.ports.Jobs``."""
        await self._scripts.run("refuse", pending_id)

    async def discard(self, pending_id: str) -> None:
        """Delete a pending command that was answered without a job."""
        await self._scripts.run("discard", pending_id)

    async def abandoned_commands(self, older: float) -> tuple[PendingCommand, ...]:
        """Pending commands that are unfinished after ``older`` seconds.

        Each one is given to one caller only. A pending command that is neither submitted nor
        discarded is given out again after the same time.
        """
        await self._withdraw_refused()
        return _readable(await self._scripts.run("abandoned", round(older * 1000)))

    async def commands_before(self, pending_id: str) -> tuple[PendingCommand, ...]:
        """The pending commands, on any replica, that came before this one; oldest first."""
        return _readable(await self._scripts.run("before", pending_id))

    async def _withdraw_refused(self) -> None:
        refused = tuple(self._refused)
        if refused:
            await self._scripts.run("withdraw", *refused)
            self._refused.difference_update(refused)


def _readable(records: Iterable[str]) -> tuple[PendingCommand, ...]:
    readable = []
    for record in records:
        try:
            readable.append(decode_pending(record))
        except UnreadableRecordError as error:
            log.warning("skipping a pending command: %s", error)
    return tuple(readable)
