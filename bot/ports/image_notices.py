"""Which newer images were told, or begun to be rolled out."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol


class ImageNotices(Protocol):
    """A digest of a service is told once, by whichever replica."""

    async def told(self) -> frozenset[tuple[str, str]]:
        """The pairs of service id and digest that were claimed."""

    async def claim(self, service_id: str, digest: str) -> bool:
        """Note that a digest is told from now on; False if it was noted before."""

    async def release(self, service_id: str, digest: str) -> None:
        """Note that it was not told after all."""

    async def forget(self, service_ids: Collection[str]) -> None:
        """Delete what is noted of services that no longer exist."""
