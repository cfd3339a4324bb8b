"""Whether a caller may still act: asked right before every write, post and edit."""

from __future__ import annotations

from collections.abc import Callable

from bot.domain.errors import LeaseLostError

Still = Callable[[], float]
"""For how many seconds the caller may still act, 0.0 if it may not; any thread may ask.

The answer takes no time. It is a lower bound: a lease may be renewed meanwhile.
"""


def mind(still: Still | None) -> None:
    """Raise LeaseLostError if the caller may not act any more."""
    if still is not None and still() <= 0:
        raise LeaseLostError("Another replica may have taken over.")
