"""Whether a caller may still act: asked right before every write, post and edit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bot.domain.errors import LeaseLostError

Still = Callable[[], float]
"""For how many seconds the caller may still act, 0.0 if it may not; any thread may ask.

The answer takes no time. It is a lower bound: a lease may be renewed meanwhile.
"""


UNDER_WAY: Final = 0.1
"""The part of a lease that is kept free for requests that are under way at its end."""


def acts_until(asked: float, lease_seconds: float) -> float:
    """When a replica stops acting on a lease for which it asked at ``asked``.

    That is earlier than the store gives it to another one: what was sent shortly before arrives
    before what the other one sends.
    """
    return asked + lease_seconds * (1 - UNDER_WAY)


def mind(still: Still | None) -> None:
    """Raise LeaseLostError if the caller may not act any more."""
    if still is not None and still() <= 0:
        raise LeaseLostError("Another replica may have taken over.")
