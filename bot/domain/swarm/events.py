"""What a resumable stream of the swarm's changes is made of.

The swarm's managers agree on one log of changes (Raft). A **version** is a place in that log: who
has handled everything up to a version can go on from there, on any manager, and neither misses
anything nor is told anything twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bot.domain.errors import SwarmError
from bot.domain.swarm.model import Node, Service, StackLook, Task


class CursorLostError(SwarmError):
    """The stream cannot be resumed from a version: look at everything and begin anew.

    ``ahead`` is True when the manager knows no such version yet: it belongs to another swarm, or
    the manager was started a moment ago and is behind the others. It is False when the managers
    have compacted their log past the version.
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
    """One object changed. ``object`` is as it became; as it was last, when it was removed.

    ``service`` is the service of a task as it was last seen, None when it never was; for a
    service it is the service itself, for a node None. A task's ``up_to_date`` is by that service:
    False when it is unknown. A node's ``manager`` is empty: the log does not tell who leads.
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
    """The events of one change of the swarm's state, in order; all of them happened at once.

    ``version`` is what to resume from when all of this and what came before is handled; 0 while
    nothing is known. A batch without events says that the stream is up: what happens from now
    on (or, resumed, since the version that was asked for) will be told.
    """

    events: tuple[Event, ...]
    version: int


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything there is, from which the batches that follow go on.

    ``look`` is of the whole swarm. With ``resumed`` every change since the version that was asked
    for comes in the batches that follow, so the listing only tells how things stand; without it
    what happened before is told by nothing but the listing: ended tasks in it may be news.
    ``version`` is what the batches go on from, 0 where there are no versions (polling).
    """

    look: StackLook
    version: int
    resumed: bool
