"""Interfaces for changes of the swarm."""

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
    """A service changed: a hint to look again.

    ``task`` is the task's new state, None if the service or a node changed.
    """

    service_id: str
    task: Task | None = None


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """``kind`` is ``push`` or ``poll``; ``lag`` is the seconds since the feed was last complete."""

    kind: str
    lag: float
    trouble: str = ""


class Subscription(Protocol):
    """The changes of some services."""

    async def wait(self, seconds: float) -> tuple[FeedChange, ...]:
        """All changes since the last call; waits up to ``seconds`` for one, then returns ()."""


class Feed(Protocol):
    """Reports changes of the swarm's objects."""

    def subscribe(self, service_ids: frozenset[str]) -> AbstractAsyncContextManager[Subscription]:
        """Follow these services from now on."""

    def status(self) -> FeedStatus:
        """The kind of feed in use and its delay."""


class ProbeClient(Protocol):
    """Runs the readiness probes of services from the bot's network."""

    async def ask(self, probe: ProbeSpec) -> Reading:
        """Probe once, for a few seconds at most. Raises nothing."""


class Stream(Protocol):
    """All changes of the swarm, for consumers that must not miss any."""

    def follow(self, cursor: int | None) -> AsyncGenerator[Listing | Batch, None]:
        """A listing and then all later changes, until closed (``contextlib.aclosing``).

        With a ``cursor`` (a version that was handled) the stream resumes from there if possible;
        ``Listing.resumed`` says so. If the position is lost later, another listing follows, not
        resumed. A batch without events means that everything up to its version has been reported.
        Never ends and never raises: while the swarm cannot be reached, it keeps trying.
        """
