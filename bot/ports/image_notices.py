"""Which newer images were told, or begun to be rolled out."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol


class ImageNotices(Protocol):
    """A digest of a service is told once, by whichever replica."""

    async def told(self) -> frozenset[tuple[str, str]]:
        """The pairs of service id and digest that were told."""

    async def note(self, service_id: str, digest: str) -> None:
        """Note that a digest was told."""

    async def forget(self, service_ids: Collection[str]) -> None:
        """Delete what is noted of services that no longer exist."""
