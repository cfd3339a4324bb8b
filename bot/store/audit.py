"""The audit log: who did what, when, to what, and with what result."""

from __future__ import annotations

from collections.abc import Mapping

from redis.asyncio import Redis

from bot.ports.jobs import REFUSED
from bot.store.part import StorePart


class AuditLog(StorePart):
    """The audit log. The entries of jobs are written by the jobs' own scripts."""

    async def audit(self, event: Mapping[str, str]) -> None:
        """Add another entry. Refused commands have a stream of their own.

        Everybody can have commands refused; that must not push changes out of the audit log.

        Entries of jobs have the fields ``event``, ``job``, ``who``, ``text``, ``target`` and
        ``verdict``; use the same names.
        """
        entry = {**event}
        key, size = self._keys.audit, self._limits.audit_entries
        if event.get("event") == REFUSED:
            key, size = self._keys.refusals, self._limits.refusal_entries

        async def add(redis: Redis) -> None:
            await redis.xadd(key, entry, maxlen=size, approximate=True)  # type: ignore[arg-type]

        await self._link.call(add)
