"""Pictures."""

from __future__ import annotations

from typing import Protocol

from bot.domain.text.figure import Figure


class Drawing(Protocol):
    """Draws figures."""

    async def png(self, figure: Figure) -> bytes:
        """The picture as PNG; pictures are drawn one at a time. Raises DrawingError."""
