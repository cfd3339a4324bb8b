"""An incident: one service (or one node) failing for one cause, from firing to resolved.

    firing ──acknowledge──> acknowledged
      ^ └───────well────────────┴──> resolved
      └──fails again within ten minutes──┘

The swarm's watcher keeps everything it knows in one ``WatcherState`` value: it is written to Redis
together with the feed's cursor, so that what was counted once is never counted again. All of it
is plain values that a JSON record can hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from bot.domain.swarm.causes import Cause

NODE_KEY: Final = "node:"
"""What the key of a node's incident begins with; the node's id follows."""


class IncidentState(Enum):
    """Where an incident is. The values stand in message metadata: they are a contract."""

    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident, whole. Times are Unix seconds of the watcher's clock.

    ``id`` is short and random-looking but derived from what it is about and its first task, so
    that a repeated reduction makes the same id. ``key`` is what failures are grouped by: the
    service and the cause without names and numbers, or ``node:ID`` for a node that is down.
    ``service`` is the service's full name, for a node incident the node's hostname. ``cause`` is
    the latest failure's; ``confirmed`` says that its kind was looked up on the node.

    ``count`` counts failed tasks, each once (one that waited for too long, and failed for another
    cause later, in the incident of either); for a node how often it went down. ``began`` is when
    the first failed: for a late one the engine's own time, as far as it tells. ``slots`` (not
    for global services) and ``nodes`` (hostnames) are where tasks failed, ``node`` is where the
    last one did. ``services`` are the full names of the services that a lost node hit,
    ``unplaced`` those of them whose new tasks found no other node. ``late`` says that it was
    found after the watchers had been away. ``well_since`` is since when nothing failed and all
    ran, None while not. ``resolution`` is why it is resolved, a clause. ``reopened`` counts how
    often it came back. ``reminded`` is when people were last told anew, None before
    they were told that it began or came back.

    ``held`` says that a job held the service at the last failure: nobody is told until it goes on
    after the job; ``held_until`` is when it is told if the service is not whole by then, None
    while the job holds. ``silenced_until`` and ``silenced_by`` are the silence's. ``evidence``
    are the last log lines or the last probe's output, unescaped, of ``evidence_task``;
    ``fetched`` is when it was last asked for. ``can_roll_back`` says that the service was changed
    shortly before and can go back. ``revision`` grows with every change that people
    should see, ``told`` is the revision that was told last, 0 while none was.
    """

    id: str
    key: str
    service: str
    service_id: str
    cause: Cause
    state: IncidentState
    began: float
    last: float
    count: int = 1
    last_task: str = ""
    node: str = ""
    slots: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    unplaced: tuple[str, ...] = ()
    stack: str = ""
    confirmed: bool = False
    late: bool = False
    well_since: float | None = None
    acknowledged_by: str = ""
    acknowledged: float | None = None
    resolved: float | None = None
    resolution: str = ""
    reopened: int = 0
    reminded: float | None = None
    held: bool = False
    held_until: float | None = None
    silenced_until: float | None = None
    silenced_by: str = ""
    channel: str = ""
    evidence: str = ""
    evidence_title: str = ""
    evidence_task: str = ""
    fetched: float | None = None
    can_roll_back: bool = False
    revision: int = 1
    told: int = 0

    @property
    def is_node(self) -> bool:
        """Whether it is about a node that is down."""
        return self.key.startswith(NODE_KEY)

    def silenced(self, now: float) -> bool:
        """Whether nothing is told about it at ``now``."""
        return self.silenced_until is not None and now < self.silenced_until


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing is told about a service's cause until a time.

    ``service`` is the full name (a hostname for nodes), ``cause`` a cause's word; "" means every
    cause. ``until`` is Unix seconds, ``by`` a Slack user id.
    """

    service: str
    cause: str
    until: float
    by: str


@dataclass(frozen=True, slots=True)
class Suspect:
    """A task that has no place, or does not start and is tried again and again, ``since`` when.

    It is no failure before it stayed so for a while; ``cause`` is what keeps it.
    """

    service_id: str
    since: float
    cause: Cause


@dataclass(frozen=True, slots=True)
class Lost:
    """A node that is down, ``since`` when it was seen so, and the services it ran (full names)."""

    since: float
    services: tuple[str, ...] = ()
    late: bool = False


@dataclass(frozen=True, slots=True)
class WatcherState:
    """All that the watcher knows between two changes.

    ``incidents`` are those not resolved yet, ``recent`` those resolved within ten minutes, by
    key. ``counted`` are the ids of ended tasks that were judged, each with when, oldest first, and
    ``ID|CAUSE`` of those that were counted before they ended, as they waited;
    ``earlier`` those before them, kept apart so that few are copied at each failure;
    ``forgotten`` is the time up to which they were dropped again. ``leaving`` are the ids of
    tasks that were seen wanted gone while alive, each with when: their end is no failure.
    ``suspects`` are by task id, ``down`` by node id. ``began`` is when the first full listing
    was taken in, None before it. ``due`` is when time alone may change something, None for never.
    ``cursor`` is the highest Raft version handled, None before the first.
    """

    incidents: Mapping[str, Incident] = field(default_factory=dict)
    recent: Mapping[str, Incident] = field(default_factory=dict)
    counted: Mapping[str, float] = field(default_factory=dict)
    earlier: Mapping[str, float] = field(default_factory=dict)
    forgotten: float = 0.0
    leaving: Mapping[str, float] = field(default_factory=dict)
    suspects: Mapping[str, Suspect] = field(default_factory=dict)
    silences: tuple[Silence, ...] = ()
    down: Mapping[str, Lost] = field(default_factory=dict)
    began: float | None = None
    due: float | None = None
    cursor: int | None = None

    def find(self, incident_id: str) -> Incident | None:
        """An open or just resolved incident by its id."""
        everyone = (*self.incidents.values(), *self.recent.values())
        return next((each for each in everyone if each.id == incident_id), None)
