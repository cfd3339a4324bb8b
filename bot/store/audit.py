"""The audit log: who did what, when, to what, and with what result."""

from __future__ import annotations

from collections.abc import Mapping

from redis.asyncio import Redis

from bot.store.part import StorePart


class AuditLog(StorePart):
    """The audit log. The entries of jobs are written by the jobs' own scripts."""

    async def audit(self, event: Mapping[str, str]) -> None:
        """Add another entry, such as a refused command.

        Entries of jobs have the fields ``event``, ``job``, ``who``, ``text``, ``target`` and
        ``verdict``; use the same names.
        """
        entry = {**event}

        async def add(redis: Redis) -> None:
            size = self._limits.audit_entries
            await redis.xadd(self._keys.audit, entry, maxlen=size, approximate=True)  # type: ignore[arg-type]

        await self._link.call(add)
