"""What goes into the watcher's reducer and what comes out: news, the swarm around, actions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Final

from bot.domain.incidents.model import Incident, WatcherState
from bot.domain.swarm.causes import Cause
from bot.domain.swarm.model import Node, Service, Task

ALERTS_LABEL: Final = "orochi-bot.alerts"
CHANNEL_LABEL: Final = "orochi-bot.channel"

_OFF: Final = frozenset({"off", "false", "no", "0"})
_CHANNEL: Final = re.compile(r"[CGD][A-Z0-9]{1,30}")


@dataclass(frozen=True, slots=True)
class News:
    """What the feed reports at once.

    ``tasks`` and ``nodes`` are as they became, in order. ``removed`` are the ids of services and
    nodes that are gone. ``reconciled`` says that this is a full listing of all tasks and nodes
    instead of a stream's piece. ``late`` says that it is of before this watcher began. ``cursor``
    is the highest Raft version in it, None where the feed has none.
    """

    tasks: tuple[Task, ...] = ()
    nodes: tuple[Node, ...] = ()
    removed: frozenset[str] = frozenset()
    reconciled: bool = False
    late: bool = False
    cursor: int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """How the watcher judges; spans are seconds.

    ``threshold`` failures make an alert. A service is resolved ``quiet`` after its monitor
    period, and the same incident goes on when it fails again within ``reopen`` (each time with
    twice the quiet time, up to ``longest_quiet``). A task without a place or that does not start
    is a failure after ``patience``; a node is down after ``node_grace``. What failed while a job
    held the service is told when the service is not whole ``settling`` after the job.
    Unacknowledged incidents are brought to mind every ``remind``. Evidence of a repeated failure
    is asked for at most every ``refresh``. ``stacks`` are those watched, empty for all.
    ``channel`` is where alerts go unless a service's label says otherwise.
    """

    threshold: int = 1
    quiet: float = 60.0
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
        """Whether the service is of a stack that is watched."""
        return not self.stacks or service.stack in self.stacks

    def channel_for(self, service: Service) -> str:
        """Where the service's alerts go; a label that names no channel changes nothing."""
        label = service.labels.get(CHANNEL_LABEL, "").strip()
        return label if _CHANNEL.fullmatch(label) else self.channel


def wants_no_alerts(service: Service) -> bool:
    """Whether the service's label ``orochi-bot.alerts`` turns alerts off."""
    return service.labels.get(ALERTS_LABEL, "").strip().lower() in _OFF


@dataclass(frozen=True, slots=True)
class ReducerContext:
    """What is known of the swarm at this moment.

    ``services`` and ``nodes`` are by id. ``tasks`` gives a service's tasks by the service's id:
    those that live, and for services that run to completion those that ended too. ``busy`` are
    the ids of services that a job holds now; when one is let go, the reducer wants a tick.
    """

    services: Mapping[str, Service]
    nodes: Mapping[str, Node]
    tasks: Callable[[str], Iterable[Task]]
    busy: Set[str] = frozenset()
    rules: Rules = Rules()


@dataclass(frozen=True, slots=True)
class Tell:
    """Post the incident's message, or edit it, to this state. A resolved one goes to history."""

    incident: Incident


@dataclass(frozen=True, slots=True)
class Remind:
    """Bring an incident to mind that came back or fires for long: an edit notifies nobody."""

    incident: Incident


@dataclass(frozen=True, slots=True)
class Fetch:
    """Evidence is wanted: last log lines, the probe's output, the kernel's word, the nodes' fit.

    It is given back by ``incidents.with_evidence``.
    """

    incident_id: str
    task: Task


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found of one task: ``text`` unescaped, ``title`` says what it is.

    ``cause`` is the task's when the word of its own node was had (``causes.with_oom``,
    ``causes.with_probe``). ``can_roll_back`` says that the service was changed shortly before the
    incident began and can go back.
    """

    incident_id: str
    task_id: str
    text: str = ""
    title: str = ""
    cause: Cause | None = None
    can_roll_back: bool = False


@dataclass(frozen=True, slots=True)
class Forget:
    """An incident ended that nobody was told of: it needs no message, and no place in history."""

    incident: Incident


Action = Tell | Remind | Fetch | Forget


@dataclass(frozen=True, slots=True)
class Reduced:
    """What came of the news: the state to keep, then what is to be done, in order."""

    state: WatcherState
    actions: tuple[Action, ...] = ()
