"""Incidents: one service (or one node) failing for one cause, from firing to resolved.

    firing ──acknowledge──> acknowledged
      ^ └──────healthy──────────┴──> resolved
      └──fails again within ten minutes──┘

The watcher keeps its whole state in one ``WatcherState`` value. It is written to Redis together
with the feed's cursor, so nothing is counted twice. All values can be stored as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from bot.domain.swarm.causes import Cause

NODE_KEY: Final = "node:"
"""Prefix of a node incident's key; the node's id follows."""


class IncidentState(Enum):
    """The state of an incident. The values are a public contract: message metadata has them."""

    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class NamedJob:
    """A job that an incident's message names.

    ``at`` is when it changed the service, or when it ended. ``channel`` and ``message`` (a ts) are
    the address of its message, ``thread`` is the thread that it is in, "" for none. ``way_back`` is
    the number of the version that undoes a deploy that failed, 0 for none.
    """

    id: str
    action: str
    user: str
    at: float
    channel: str = ""
    message: str = ""
    way_back: int = 0
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident. Times are Unix seconds of the watcher's clock.

    ``id`` is short and looks random, but is derived from the incident's subject and its first task,
    so that a repeated reduction makes the same id. ``key`` groups failures: the service and the
    cause without names and numbers, or ``node:ID`` for a node that is down. ``service`` is the
    service's full name, for a node incident the node's hostname. ``cause`` is the latest failure's;
    ``confirmed`` says that it was verified on the task's node.

    ``count`` is the number of failed tasks, each counted once (a task that first waited too long
    and later failed for another cause counts in the incident of each cause); for a node it is how
    often it went down. ``began`` is the time of the first failure; for a late incident it is the
    engine's time, if known. ``slots`` (not for global services) and ``nodes`` (hostnames) are where
    tasks failed, ``node`` is where the last one failed. ``services`` are the full names of the
    services affected by a lost node, ``unplaced`` those of them whose new tasks found no other
    node. ``late`` says that the failure was found after a monitoring gap. ``well_since`` is since
    when nothing failed and all tasks ran, None otherwise. ``resolution`` is the reason for
    resolving, a clause. ``reopened`` counts how often the incident was reopened. ``reminded`` is
    the time of the last notification, None until the start or the reopening was announced.

    ``held`` says that a job was changing the service at the last failure: the alert waits until the
    job is over. ``held_until`` is when it is sent if the service is not fully running by then, None
    while the job runs. ``silenced_until`` and ``silenced_by`` describe the silence. ``evidence``
    are the last log lines or the last probe's output of ``evidence_task``, unescaped; ``fetched``
    is when evidence was last requested. ``can_roll_back`` says that the service was changed shortly
    before and can be rolled back. ``began_after`` is the job that changed the service shortly
    before, ``ended_after`` the one that succeeded before the last resolution. ``revision`` grows
    with every change that people should see, ``told`` is the last revision that was sent, 0 for
    none. ``message`` is the ts of its message in ``channel``, "" if it is not known; the watcher's
    own state has none, because the alert does.
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
    began_after: NamedJob | None = None
    ended_after: NamedJob | None = None
    revision: int = 1
    told: int = 0
    message: str = ""

    @property
    def is_node(self) -> bool:
        """Whether the incident is about a node that is down."""
        return self.key.startswith(NODE_KEY)

    def silenced(self, now: float) -> bool:
        """Whether the incident is silenced at ``now``."""
        return self.silenced_until is not None and now < self.silenced_until


@dataclass(frozen=True, slots=True)
class Silence:
    """No notifications about a service's cause until a given time.

    ``service`` is the full name (a hostname for nodes), ``cause`` a cause's name; "" means every
    cause. ``until`` is Unix seconds, ``by`` a Slack user id.
    """

    service: str
    cause: str
    until: float
    by: str


@dataclass(frozen=True, slots=True)
class Suspect:
    """A task that has no node, or fails to start repeatedly, and since when.

    It counts as a failure only after some time; ``cause`` is what prevents it from running.
    """

    service_id: str
    since: float
    cause: Cause


@dataclass(frozen=True, slots=True)
class Lost:
    """A node that is down, the time of its detection, and its services (full names)."""

    since: float
    services: tuple[str, ...] = ()
    late: bool = False


@dataclass(frozen=True, slots=True)
class WatcherState:
    """The watcher's state between two changes.

    ``incidents`` are the unresolved ones and ``recent`` those resolved within ten minutes, by key.
    ``counted`` are the ids of ended tasks that were judged, each with the time, oldest first, and
    ``ID|CAUSE`` for tasks that were counted while waiting, before they ended. ``earlier`` are older
    entries, stored separately so that a failure copies only few; ``forgotten`` is the time up to
    which entries were dropped. ``leaving`` are the ids of tasks that were seen alive with desired
    state shutdown, each with the time: their end is not a failure. ``suspects`` are by task id,
    ``down`` by node id. ``began`` is the time of the first full listing, None before it. ``due`` is
    the next time at which something may change without news, None for never. ``cursor`` is the
    highest Raft version handled, None before the first.
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
        """An unresolved or recently resolved incident by its id."""
        everyone = (*self.incidents.values(), *self.recent.values())
        return next((each for each in everyone if each.id == incident_id), None)
