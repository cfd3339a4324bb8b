"""The events of a resumable stream of the swarm's changes.

The swarm's managers share one log of changes (Raft). A **version** is a position in that log. A
client that has handled everything up to a version can resume from it on any manager, without
missing or repeating events.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bot.domain.errors import SwarmError
from bot.domain.swarm.model import Node, Service, StackLook, Task


class CursorLostError(SwarmError):
    """The stream cannot be resumed from a version; start again with a full listing.

    ``ahead`` is True if the manager does not know the version yet: it belongs to another swarm, or
    the manager has just started and is behind the others. It is False if the managers have
    compacted their log past the version.
    """

    def __init__(self, sentence: str, *, ahead: bool, hint: str = "") -> None:
        super().__init__(sentence, hint=hint)
        self.ahead = ahead


class EventAction(Enum):
    """What happened to an object."""

    CREATE = "create"
    UPDATE = "update"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Event:
    """A change of one object. ``object`` is its new state, or its last state if it was removed.

    For a task, ``service`` is its service as last seen, None if it never was; for a service it is
    the service itself, for a node None. A task's ``up_to_date`` is relative to that service and
    False if it is unknown. A node's ``manager`` is empty, because the log does not contain the
    leader.
    """

    action: EventAction
    object: Task | Service | Node
    service: Service | None = None

    @property
    def kind(self) -> str:
        """``task``, ``service`` or ``node``."""
        return type(self.object).__name__.lower()


@dataclass(frozen=True, slots=True)
class Batch:
    """The events of one transaction of the swarm's state, in order.

    ``version`` is the version to resume from after this batch and all earlier ones are handled; 0
    while unknown. A batch without events means that the stream is connected: all changes from now
    on (or, if resumed, since the requested version) will follow.
    """

    events: tuple[Event, ...]
    version: int


@dataclass(frozen=True, slots=True)
class Listing:
    """The complete state from which the following batches continue.

    ``look`` is of the whole swarm. If ``resumed``, every change since the requested version is in
    the following batches, and the listing only describes the present state. If not, earlier changes
    are visible only in the listing: its ended tasks may be news. ``version`` is the version from
    which the batches continue, 0 without versions (polling).
    """

    look: StackLook
    version: int
    resumed: bool
