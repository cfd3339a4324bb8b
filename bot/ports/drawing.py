"""Pictures."""

from __future__ import annotations

from typing import Protocol

from bot.domain.text.figure import Figure


class Drawing(Protocol):
    """Makes pictures of figures."""

    async def png(self, figure: Figure) -> bytes:
        """The picture as PNG; one at a time is drawn, others wait. Raises DrawingError."""
