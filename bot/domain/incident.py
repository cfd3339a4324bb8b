"""An incident: one service (or one node) failing for one cause, from firing to resolved.

    firing ──acknowledge──> acknowledged
      └────────well────────────┴──> resolved

The swarm's watcher keeps everything it knows in one ``Watch`` value: it is written to Redis
together with the feed's cursor, so that what was counted once is never counted again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from bot.domain.causes import Cause


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
    service with its slot (node for a global service) and the cause without names and numbers, or
    ``node:ID`` for a node that is down. ``service`` is the service's full name, for a node
    incident the node's hostname. ``cause`` is the latest failure's. ``count`` counts failures,
    each task once. ``node`` is the hostname where the last one happened. ``services`` are the
    full names of the services that a lost node hit. ``late`` says that it was found after the
    watchers had been away. ``well_since`` is since when nothing failed and all ran, None while
    not. ``reminded`` is when a long one was last brought to mind. ``evidence`` are the last log
    lines or the last probe's output, unescaped. ``revision`` grows with every change that people
    should see.
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
    place: str = ""
    services: tuple[str, ...] = ()
    late: bool = False
    well_since: float | None = None
    acknowledged_by: str = ""
    acknowledged: float | None = None
    resolved: float | None = None
    reminded: float | None = None
    channel: str = ""
    evidence: str = ""
    evidence_title: str = ""
    revision: int = 1


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing is told about a service's cause until a time. ``cause`` "" means every cause."""

    service: str
    cause: str
    until: float
    by: str


@dataclass(frozen=True, slots=True)
class Watch:
    """All that the watcher knows between two changes.

    ``incidents`` are those not resolved yet, by key. ``counted`` are the ids of failed tasks that
    were counted (bounded, oldest first). ``leaving`` are ids of tasks that were seen wanted gone
    while alive: their end is no failure. ``silences`` as asked for. ``down`` is since when nodes
    are down, by node id. ``cursor`` is the highest Raft version handled, None before the first.
    """

    incidents: Mapping[str, Incident] = field(default_factory=dict)
    counted: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()
    silences: tuple[Silence, ...] = ()
    down: Mapping[str, float] = field(default_factory=dict)
    cursor: int | None = None
