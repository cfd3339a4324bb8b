"""What the watcher keeps. Methods may raise ``StoreUnavailableError``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.domain.incidents.alert import Alert, Press
from bot.domain.incidents.model import Incident, WatcherState


@dataclass(frozen=True, slots=True)
class Kept:
    """What a watcher finds in the store.

    ``alerts`` are those that are open or not wholly told, by the incident's id. ``handled`` is
    the id of the last press that was handled, "" before the first.
    """

    state: WatcherState
    alerts: Mapping[str, Alert]
    handled: str


class Incidents(Protocol):
    """What the watcher knows, in Redis. One replica at a time leads: only it may write."""

    async def lead(self) -> str:
        """Become the leader: a token, new each time; "" when another replica is."""

    async def go_on_leading(self, token: str) -> None:
        """Keep the lease for another lease time. Raises LeaseLostError."""

    async def stop_leading(self, token: str) -> None:
        """Let another replica lead at once; nothing happens when the lease was lost before."""

    async def load(self) -> Kept:
        """All that was saved last; an empty state before the first time."""

    async def save(
        self,
        token: str,
        state: WatcherState,
        alerts: Mapping[str, Alert | None],
        *,
        past: Sequence[Incident] = (),
        handled: str = "",
    ) -> None:
        """Write what the watcher knows now, whole or not at all. Raises LeaseLostError.

        ``alerts`` are those that changed, by the incident's id, None for one that needs nothing
        any more. ``past`` are resolved incidents for the history. ``handled`` is the id of the
        last press that is in ``state``, "" for none since the last save.
        """

    async def press(self, press: Press) -> None:
        """Hand a button's press to whoever leads."""

    async def presses(self, after: str, seconds: float) -> tuple[tuple[str, Press], ...]:
        """The presses after an id, with their ids, oldest first; waits ``seconds`` for one."""

    async def open_incidents(self) -> tuple[Incident, ...]:
        """Those not resolved yet, the oldest first."""

    async def past_incidents(self, count: int) -> tuple[Incident, ...]:
        """Resolved ones, newest first."""
