"""The swarm as values: services, tasks and nodes at one moment (a look).

Names and meanings follow Docker's Engine API 1.41 (``/services``, ``/tasks``, ``/nodes``).
All times are Unix seconds, memory is bytes, CPU is nano-CPUs (10⁹ = one core).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum


class TaskState(IntEnum):
    """A task's state, in the order in which tasks go through them (swarmkit api/types.proto)."""

    NEW = 0
    ALLOCATED = 32
    PENDING = 64
    ASSIGNED = 192
    ACCEPTED = 256
    PREPARING = 320
    READY = 384
    STARTING = 448
    RUNNING = 512
    COMPLETE = 576
    SHUTDOWN = 640
    FAILED = 704
    REJECTED = 768
    REMOVE = 800
    ORPHANED = 832

    @property
    def over(self) -> bool:
        """Whether a task in this state has ended."""
        return self > TaskState.RUNNING


class Mode(Enum):
    """How a service decides how many tasks it runs."""

    REPLICATED = "replicated"
    GLOBAL = "global"
    REPLICATED_JOB = "replicated-job"
    GLOBAL_JOB = "global-job"

    @property
    def is_job(self) -> bool:
        """Whether the service's tasks are meant to end."""
        return self is Mode.REPLICATED_JOB or self is Mode.GLOBAL_JOB

    @property
    def is_global(self) -> bool:
        """Whether the service runs one task on each eligible node."""
        return self is Mode.GLOBAL or self is Mode.GLOBAL_JOB


class RestartCondition(Enum):
    """When the swarm replaces a task that ended (``RestartPolicy.Condition``)."""

    ANY = "any"
    ON_FAILURE = "on-failure"
    NONE = "none"


class UpdateState(Enum):
    """``UpdateStatus.State``; ``NONE`` where the service has no update status."""

    NONE = ""
    UPDATING = "updating"
    PAUSED = "paused"
    COMPLETED = "completed"
    ROLLBACK_STARTED = "rollback_started"
    ROLLBACK_PAUSED = "rollback_paused"
    ROLLBACK_COMPLETED = "rollback_completed"

    @property
    def is_roll_back(self) -> bool:
        """Whether the last update is a rollback to the previous spec, finished or in progress."""
        return self.value.startswith("rollback")


@dataclass(frozen=True, slots=True)
class Resources:
    """CPU in nano-CPUs and memory in bytes; 0 means no request (or no limit).

    ``generic`` are other requested resources by kind, with their number.
    """

    nano_cpus: int = 0
    memory: int = 0
    generic: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Platform:
    """An operating system and architecture; empty strings match any."""

    os: str = ""
    arch: str = ""


class LastChange(Enum):
    """The kind of change from a service's previous spec to its present one.

    ``NUMBER`` changes at most the number of replicas, ``RESTART`` a forced update and at most that
    number, ``VERSION`` anything else.
    """

    NUMBER = "number"
    RESTART = "restart"
    VERSION = "version"


@dataclass(frozen=True, slots=True)
class Previous:
    """The one spec that the swarm keeps in addition to a service's present one (``PreviousSpec``).

    ``digest`` covers everything except the number of replicas.
    """

    digest: str
    image: str
    change: LastChange


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the swarm.

    ``name`` is the full one (``orochi_worker01``), ``stack`` the value of the label
    ``com.docker.stack.namespace`` or empty. ``replicas`` is the desired number: the replicas, for a
    replicated job the total completions, None for global modes. ``version`` is ``Version.Index``.
    ``template`` is a digest of the task template: services with equal digests run equal tasks.
    ``monitor`` is ``UpdateConfig.Monitor`` in seconds (5 unless set), and ``rollback_monitor`` that
    of rollbacks. ``restart_delay`` is in seconds (5 unless set). ``max_attempts`` 0 means
    unlimited. ``host_ports`` are the published host-mode ports as ``"80/tcp"``. ``job_iteration``
    counts the runs of a job service. ``restarts`` is the higher counter of forced updates of its
    present and previous specs. ``plugins`` are the kind and the name of each plugin that a node
    needs for its tasks. ``previous`` is None if there is no previous spec, or if the source
    does not provide it (the push feed). ``can_roll_back`` says whether the previous spec is another
    version from which the service was not just rolled back, or that of an unfinished restart.
    """

    id: str
    name: str
    version: int
    mode: Mode
    replicas: int | None
    image: str = ""
    stack: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    template: str = ""
    constraints: tuple[str, ...] = ()
    platforms: tuple[Platform, ...] = ()
    max_per_node: int = 0
    reservation: Resources = Resources()
    limit: Resources = Resources()
    host_ports: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    restart: RestartCondition = RestartCondition.ANY
    restart_delay: float = 5.0
    max_attempts: int = 0
    has_health_check: bool = False
    monitor: float = 5.0
    rollback_monitor: float = 5.0
    failure_action: str = "pause"
    update: UpdateState = UpdateState.NONE
    update_message: str = ""
    update_started: float | None = None
    max_concurrent: int = 0
    job_iteration: int = 0
    updated_at: float = 0.0
    restarts: int = 0
    previous: Previous | None = None
    can_roll_back: bool = False
    plugins: tuple[tuple[str, str], ...] = ()

    @property
    def has_older_version(self) -> bool:
        """Whether a rollback would restore another version, not only reverse a restart."""
        restarted = self.previous is not None and self.previous.change is LastChange.RESTART
        return self.can_roll_back and not restarted

    @property
    def advised_name(self) -> str:
        """The name in advice, which means this service in every channel.

        That of a service without a stack has a slash before it: a stack may have a service with
        that short name.
        """
        return self.name if self.stack else f"/{self.name}"

    @property
    def short_name(self) -> str:
        """The name without its stack's prefix, as people type it."""
        prefix = f"{self.stack}_"
        return self.name.removeprefix(prefix) if self.stack else self.name


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a service.

    ``slot`` is 1-based, 0 for tasks of global services. ``up_to_date`` says whether the task was
    made from the service's present template (Docker's ``_up-to-date`` filter). ``since`` is when
    the present state was reported (``Status.Timestamp``), ``created`` when the swarm created the
    task. ``exit_code`` is None until a container has ended. ``err`` is ``Status.Err``.
    ``addresses`` are the task's own on the networks of its service; empty from the push feed and
    for a task on its host's network.
    """

    id: str
    service_id: str
    slot: int
    node_id: str
    state: TaskState
    desired: TaskState
    since: float = 0.0
    created: float = 0.0
    err: str = ""
    message: str = ""
    exit_code: int | None = None
    container_id: str = ""
    up_to_date: bool = True
    image: str = ""
    reservation: Resources = Resources()
    host_ports: tuple[str, ...] = ()
    job_iteration: int = 0
    addresses: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """The task's place: its slot, or for a global service its node."""
        return str(self.slot) if self.slot else self.node_id


class NodeState(Enum):
    """``Status.State`` of a node. ``UNKNOWN`` follows an election for up to half a minute."""

    UNKNOWN = "unknown"
    DOWN = "down"
    READY = "ready"
    DISCONNECTED = "disconnected"


class Availability(Enum):
    """Whether the scheduler may use a node."""

    ACTIVE = "active"
    PAUSE = "pause"
    DRAIN = "drain"


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the swarm.

    ``manager`` is ``""``, ``"reachable"``, ``"unreachable"`` or ``"leader"``. ``plugins`` are the
    kind (``Volume``, ``Network``, ``Log``) and the name of each of its plugins; empty if unknown.
    ``generic`` are its other resources by kind, None if unknown.
    """

    id: str
    hostname: str
    state: NodeState = NodeState.READY
    availability: Availability = Availability.ACTIVE
    role: str = "worker"
    manager: str = ""
    address: str = ""
    message: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    engine_labels: dict[str, str] = field(default_factory=dict)
    engine_version: str = ""
    platform: Platform = Platform()
    resources: Resources = Resources()
    plugins: tuple[tuple[str, str], ...] = ()
    generic: tuple[tuple[str, int], ...] | None = None

    @property
    def usable(self) -> bool:
        """Whether the scheduler may put a new task here."""
        return self.state is NodeState.READY and self.availability is Availability.ACTIVE


@dataclass(frozen=True, slots=True)
class Look:
    """One service, its tasks and all nodes, read one after the other at ``at``.

    ``service`` is None if it does not exist (any more). ``at`` is Unix seconds of the observer's
    clock. ``tasks`` are all tasks of the service that the swarm still keeps (five dead ones per
    slot).
    """

    at: float
    service: Service | None
    tasks: tuple[Task, ...]
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class StackLook:
    """All services of one stack with their tasks, and all nodes, at ``at``."""

    at: float
    stack: str
    services: tuple[Service, ...]
    tasks: tuple[Task, ...]
    nodes: tuple[Node, ...]
