"""Input and output of the watcher's reducer: news, context, actions."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Set
from dataclasses import dataclass
from typing import Final

from bot.domain.incidents.model import Incident, WatcherState
from bot.domain.swarm.causes import Cause
from bot.domain.swarm.health import QUIET_SECONDS
from bot.domain.swarm.model import Node, Service, Task

ALERTS_LABEL: Final = "orochi-bot.alerts"
CHANNEL_LABEL: Final = "orochi-bot.channel"

_OFF: Final = frozenset({"off", "false", "no", "0"})
_CHANNEL: Final = re.compile(r"[CGD][A-Z0-9]{1,30}")


@dataclass(frozen=True, slots=True)
class News:
    """Changes that the feed reports together.

    ``tasks`` and ``nodes`` are new states, in order. ``removed`` are the ids of services and nodes
    that no longer exist. ``reconciled`` is True for a full listing of all tasks and nodes, False
    for a part of a stream. ``late`` says that the changes happened before this watcher started.
    ``cursor`` is the highest Raft version included, None if the feed has no versions.
    """

    tasks: tuple[Task, ...] = ()
    nodes: tuple[Node, ...] = ()
    removed: frozenset[str] = frozenset()
    reconciled: bool = False
    late: bool = False
    cursor: int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """The watcher's thresholds; durations are seconds.

    ``threshold`` failures raise an alert. A service is resolved ``quiet`` after its monitor period.
    If it fails again within ``reopen``, the same incident is reopened, each time with twice the
    quiet time (up to ``longest_quiet``). A task that has no node or does not start counts as a
    failure after ``patience``; a node counts as down after ``node_grace``. Failures during a job on
    the service are reported if the service is not fully running ``settling`` after the job.
    Unacknowledged incidents are repeated every ``remind``. Evidence of a repeated failure is
    collected at most every ``refresh``. ``stacks`` are the watched stacks, empty for all.
    ``channel`` receives the alerts unless a service's label names another one.
    """

    threshold: int = 1
    quiet: float = QUIET_SECONDS
    longest_quiet: float = 1800.0
    reopen: float = 600.0
    patience: float = 10.0
    node_grace: float = 5.0
    settling: float = 10.0
    remind: float = 4 * 3600.0
    refresh: float = 30.0
    stacks: frozenset[str] = frozenset()
    channel: str = ""

    def watches(self, service: Service) -> bool:
        """Whether the service belongs to a watched stack."""
        return not self.stacks or service.stack in self.stacks

    def channel_for(self, service: Service) -> str:
        """The channel for the service's alerts; an invalid label is ignored."""
        label = service.labels.get(CHANNEL_LABEL, "").strip()
        return label if _CHANNEL.fullmatch(label) else self.channel


def wants_no_alerts(service: Service) -> bool:
    """Whether the service's label ``orochi-bot.alerts`` turns alerts off."""
    return service.labels.get(ALERTS_LABEL, "").strip().lower() in _OFF


@dataclass(frozen=True, slots=True)
class ReducerContext:
    """The present state of the swarm.

    ``services`` and ``nodes`` are by id. ``tasks`` returns the tasks of a service id: live ones,
    and for run-to-completion services also ended ones. ``busy`` are the ids of services that a job
    is changing; when a job finishes with a service, the reducer needs a tick.
    """

    services: Mapping[str, Service]
    nodes: Mapping[str, Node]
    tasks: Callable[[str], Collection[Task]]
    busy: Set[str] = frozenset()
    rules: Rules = Rules()


@dataclass(frozen=True, slots=True)
class Tell:
    """Post the incident's message, or edit it. A resolved incident moves to the history."""

    incident: Incident


@dataclass(frozen=True, slots=True)
class Remind:
    """Send a reminder of an incident that was reopened or is still firing: edits notify nobody."""

    incident: Incident


@dataclass(frozen=True, slots=True)
class Fetch:
    """Collect evidence: log lines, probe output, the kernel's record, and placement on the nodes.

    The result is passed to ``incidents.with_evidence``.
    """

    incident_id: str
    task: Task


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found about one task: ``text`` unescaped, ``title`` says what it is.

    ``cause`` is the task's cause after its own node was asked (``causes.with_oom``,
    ``causes.with_probe``). ``can_roll_back`` says that the service was changed shortly before the
    incident began and can be rolled back.
    """

    incident_id: str
    task_id: str
    text: str = ""
    title: str = ""
    cause: Cause | None = None
    can_roll_back: bool = False


@dataclass(frozen=True, slots=True)
class Forget:
    """Drop an incident that ended unannounced: it needs no message and no history entry."""

    incident: Incident


Action = Tell | Remind | Fetch | Forget


@dataclass(frozen=True, slots=True)
class Reduced:
    """The result of a reduction: the new state and the actions, in order."""

    state: WatcherState
    actions: tuple[Action, ...] = ()
