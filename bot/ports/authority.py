"""Whether a caller may still act: asked right before every write, post and edit."""

from __future__ import annotations

from collections.abc import Callable

from bot.domain.errors import LeaseLostError

Still = Callable[[], bool]
"""Whether the caller may still act; any thread may ask, and the answer takes no time."""


def mind(still: Still | None) -> None:
    """Raise LeaseLostError if the caller may not act any more."""
    if still is not None and not still():
        raise LeaseLostError("Another replica may have taken over.")
