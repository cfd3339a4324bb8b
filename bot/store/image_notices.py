"""Which newer images were told. Implements ``bot.ports.ImageNotices``."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from redis.asyncio import Redis

from bot.store.part import StorePart

KEPT_SECONDS: Final = 90 * 24 * 3600
"""After the last notice. Then a digest that is still newer is told again."""


class RedisImageNotices(StorePart):
    """A hash whose fields are ``SERVICE_ID DIGEST``."""

    async def told(self) -> frozenset[tuple[str, str]]:
        """The pairs of service id and digest that were told."""
        found: list[str] = await self._link.call(lambda redis: redis.hkeys(self._keys.images))
        pairs = (field.partition(" ") for field in found)
        return frozenset((service_id, digest) for service_id, _, digest in pairs)

    async def note(self, service_id: str, digest: str) -> None:
        """Note that a digest was told."""

        async def write(redis: Redis) -> None:
            await redis.hset(self._keys.images, f"{service_id} {digest}", "1")
            await redis.expire(self._keys.images, KEPT_SECONDS)

        await self._link.call(write)

    async def forget(self, service_ids: Collection[str]) -> None:
        """Delete what is noted of services that no longer exist."""
        fields = [f"{key} {digest}" for key, digest in await self.told() if key in service_ids]
        if fields:
            await self._link.call(lambda redis: redis.hdel(self._keys.images, *fields))
