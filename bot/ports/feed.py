"""Hearing of the swarm's changes."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from bot.domain.convergence.probe_spec import ProbeSpec, Reading
from bot.domain.swarm.events import Batch, Listing
from bot.domain.swarm.model import Task


@dataclass(frozen=True, slots=True)
class FeedChange:
    """Something of a service changed: a hint to look again.

    ``task`` is the task as it became, None when the service or a node changed.
    """

    service_id: str
    task: Task | None = None


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """``kind`` is ``push`` or ``poll``; ``lag`` is seconds since it was last known complete."""

    kind: str
    lag: float
    trouble: str = ""


class Subscription(Protocol):
    """Changes of some services, as they come."""

    async def wait(self, seconds: float) -> tuple[FeedChange, ...]:
        """All changes since the last call; waits up to ``seconds`` for one, then returns ()."""


class Feed(Protocol):
    """The stream of changes of the swarm's objects."""

    def subscribe(self, service_ids: frozenset[str]) -> AbstractAsyncContextManager[Subscription]:
        """Follow these services from now on."""

    def status(self) -> FeedStatus:
        """Which feed this is and how far behind."""


class ProbeClient(Protocol):
    """The probes of services, asked from where the bot is."""

    async def ask(self, probe: ProbeSpec) -> Reading:
        """Ask once, for a few seconds at most. Raises nothing."""


class Stream(Protocol):
    """Everything that changes in the swarm, for who has to miss nothing."""

    def follow(self, cursor: int | None) -> AsyncGenerator[Listing | Batch, None]:
        """A listing, then all that changes after it, until closed (``contextlib.aclosing``).

        With a ``cursor`` (a version that was handled) it goes on from there where that can be
        had: ``Listing.resumed`` says so. Where the stream was lost for good on the way, a further
        listing comes, not resumed. A batch without events says that all up to its version was
        told. Never ends by itself and raises nothing: while the swarm cannot be reached it tries
        again.
        """
