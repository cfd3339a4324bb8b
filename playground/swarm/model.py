"""The objects of a simulated swarm as values: what swarmkit stores.

Specs are the Engine API's own JSON and are never changed in place. Times are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bot.domain.swarm.model import TaskState

State = TaskState
Json = dict[str, Any]
Spec = Mapping[str, Any]

NODE_DOWN: Final = "down"
NODE_READY: Final = "ready"


@dataclass(frozen=True, slots=True)
class Meta:
    """An object's version and times.

    ``version`` is the swarm's index right before the change that created this state.
    """

    version: int = 0
    created: float = 0.0
    updated: float = 0.0


@dataclass(frozen=True, slots=True)
class Status:
    """A task's ``Status``. ``exit_code`` is valid once there is a container."""

    at: float
    state: State
    message: str
    err: str = ""
    container: str = ""
    pid: int = 0
    exit_code: int = 0
    has_container_status: bool = False
    ports: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """A task.

    ``spec`` is the service's task template at its creation, ``labels`` the service's labels.
    """

    id: str
    service_id: str
    slot: int
    node_id: str
    spec: Spec
    spec_version: int
    endpoint: Spec
    labels: Mapping[str, str]
    status: Status
    desired: State
    iteration: int | None = None
    meta: Meta = Meta()

    @property
    def live(self) -> bool:
        """Whether the swarm wants it to run, now or later."""
        return self.desired <= State.RUNNING

    @property
    def ended(self) -> bool:
        """Whether its state will not change any more."""
        return self.status.state > State.RUNNING

    @property
    def place(self) -> str:
        """The place that it fills: its slot, or its node if the service is global."""
        return str(self.slot) if self.slot else self.node_id


@dataclass(frozen=True, slots=True)
class UpdateStatus:
    """A service's update status. ``state`` is a word of the API (``updating``, ``paused``, …)."""

    state: str
    started: float
    message: str
    completed: float = 0.0


@dataclass(frozen=True, slots=True)
class Service:
    """A service.

    ``spec_version`` is the index on which the current spec was based, 0 for the first;
    ``iteration`` is the run of a job, ``executed`` when that began.
    """

    id: str
    spec: Spec
    spec_version: int = 0
    previous: Spec | None = None
    previous_version: int = 0
    update: UpdateStatus | None = None
    iteration: int = 0
    executed: float = 0.0
    meta: Meta = Meta()

    @property
    def name(self) -> str:
        """Its full name."""
        return str(self.spec["Name"])

    @property
    def template(self) -> Spec:
        """The task template of its spec."""
        template: Spec = self.spec.get("TaskTemplate") or {}
        return template

    @property
    def mode(self) -> str:
        """``Replicated``, ``Global``, ``ReplicatedJob`` or ``GlobalJob``."""
        return str(next(iter(self.spec.get("Mode") or {"Replicated": {}})))

    @property
    def is_job(self) -> bool:
        """Whether its tasks run to completion."""
        return self.mode.endswith("Job")

    @property
    def mode_spec(self) -> Spec:
        """The options of its mode."""
        found: Spec = (self.spec.get("Mode") or {}).get(self.mode) or {}
        return found

    @property
    def replicas(self) -> int:
        """How many tasks a replicated service wants."""
        return int(self.mode_spec.get("Replicas", 1))


@dataclass(frozen=True, slots=True)
class Node:
    """A node. ``powered`` says whether its engine runs; the swarm notices a change later."""

    id: str
    hostname: str
    address: str
    role: str
    manager: bool
    cpus: int
    memory: int
    engine_version: str
    labels: Mapping[str, str] = field(default_factory=dict)
    engine_labels: Mapping[str, str] = field(default_factory=dict)
    availability: str = "active"
    state: str = NODE_READY
    message: str = ""
    leader: bool = False
    powered: bool = True
    meta: Meta = Meta()


@dataclass(frozen=True, slots=True)
class Thing:
    """A network, config or secret. ``kind`` is the API's collection (``networks``, …)."""

    id: str
    kind: str
    spec: Spec
    meta: Meta = Meta()

    @property
    def name(self) -> str:
        """Its full name."""
        return str(self.spec.get("Name", ""))


Object = Task | Service | Node | Thing


def seconds(nanoseconds: object, default: float) -> float:
    """A duration of a spec in seconds; ``default`` if it is not set."""
    return nanoseconds / 1e9 if isinstance(nanoseconds, int) else default


def part(spec: Spec, *keys: str) -> Spec:
    """The object under a path of keys, empty if any of them is missing or null."""
    for key in keys:
        spec = spec.get(key) or {}
    return spec


def host_ports(endpoint: Spec) -> tuple[tuple[int, str], ...]:
    """The published host-mode ports of an ``EndpointSpec``."""
    return tuple(
        (int(port["PublishedPort"]), str(port.get("Protocol") or "tcp"))
        for port in endpoint.get("Ports") or ()
        if port.get("PublishMode") == "host" and port.get("PublishedPort")
    )
