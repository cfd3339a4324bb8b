"""Storage of the watcher's state. Methods may raise ``StoreUnavailableError``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.domain.incidents.alert import Alert, Press
from bot.domain.incidents.model import Incident, WatcherState


@dataclass(frozen=True, slots=True)
class Kept:
    """The stored state of the watcher.

    ``alerts`` are those that are open or not fully delivered, by incident id. ``handled`` is the id
    of the last button press that was handled, "" before the first.
    """

    state: WatcherState
    alerts: Mapping[str, Alert]
    handled: str


class Incidents(Protocol):
    """The watcher's state in Redis. Only one replica at a time, the leader, may write it."""

    async def lead(self) -> str:
        """Become the leader: a new token; "" if another replica leads."""

    async def go_on_leading(self, token: str) -> None:
        """Renew the lease for another lease time. Raises LeaseLostError."""

    async def stop_leading(self, token: str) -> None:
        """Release the lease so that another replica can lead; ignored if it was already lost."""

    async def load(self) -> Kept:
        """The last saved state; an empty state before the first save."""

    async def save(
        self,
        token: str,
        state: WatcherState,
        alerts: Mapping[str, Alert | None],
        *,
        past: Sequence[Incident] = (),
        handled: str = "",
    ) -> None:
        """Save the watcher's state atomically. Raises LeaseLostError.

        ``alerts`` are the changed ones, by incident id, None for one to be removed. ``past`` are
        resolved incidents for the history. ``handled`` is the id of the last press that is included
        in ``state``, "" for none since the last save.
        """

    async def press(self, press: Press) -> None:
        """Send a button press to the leader."""

    async def presses(self, after: str, seconds: float) -> tuple[tuple[str, Press], ...]:
        """The presses after an id, with their ids, oldest first; waits ``seconds`` for one."""

    async def open_incidents(self) -> tuple[Incident, ...]:
        """Unresolved incidents, oldest first, with the addresses of their messages."""

    async def past_incidents(self, count: int) -> tuple[Incident, ...]:
        """Resolved incidents, newest first, with the addresses of their messages."""
