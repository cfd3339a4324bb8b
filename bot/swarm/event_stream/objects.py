"""Converts swarmkit's protobuf objects into the domain's values. Pure.

The values equal those that ``bot.swarm.wire`` makes from the Engine API's JSON, with two
exceptions: a service's ``template`` can only be compared with others made here, and a node's
``manager`` is only known in a listing. Environment values, arguments, configs and secrets are never
returned.
"""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from collections.abc import Iterable
from typing import Final, Protocol, TypeVar

from bot.domain.swarm.constraints import meets_constraints
from bot.domain.swarm.model import (
    Availability,
    Mode,
    Node,
    NodeState,
    Platform,
    Resources,
    RestartCondition,
    Service,
    Task,
    TaskState,
    UpdateState,
)
from bot.domain.text.redaction import masked_error
from bot.swarm.event_stream import watch_pb2 as pb
from bot.swarm.wire import STACK_LABEL

_Word = TypeVar("_Word")

_DEFAULT_SECONDS: Final = 5.0
"""Default of both the monitor period and the restart delay (swarmkit api/defaults/service.go)."""

_STATES: Final = {int(state): state for state in TaskState}
_MODES: Final = {
    "replicated": Mode.REPLICATED,
    "global": Mode.GLOBAL,
    "replicated_job": Mode.REPLICATED_JOB,
    "global_job": Mode.GLOBAL_JOB,
}
_RESTARTS: Final = (RestartCondition.NONE, RestartCondition.ON_FAILURE, RestartCondition.ANY)
_FAILURE_ACTIONS: Final = ("pause", "continue", "rollback")
_UPDATES: Final = tuple(UpdateState)
_NODE_STATES: Final = tuple(NodeState)
_AVAILABILITIES: Final = tuple(Availability)
_ROLES: Final = ("worker", "manager")
_REACHABILITIES: Final = ("unknown", "unreachable", "reachable")
_PROTOCOLS: Final = ("tcp", "udp", "sctp")


class _Moment(Protocol):
    """A ``google.protobuf`` Timestamp or Duration."""

    seconds: int
    nanos: int


def task_from(raw: pb.Task, *, up_to_date: bool) -> Task:
    """A task; ``up_to_date`` is the result of ``is_current``."""
    status = raw.status
    state = _state(status.state)
    return Task(
        id=raw.id,
        service_id=sys.intern(raw.service_id),  # shared, as in ``wire.task_from``
        slot=raw.slot,
        node_id=sys.intern(raw.node_id),
        state=state,
        desired=_state(raw.desired_state),
        since=_seconds(status.timestamp),
        created=_seconds(raw.meta.created_at),
        err=masked_error(status.err),
        message=sys.intern(status.message),
        exit_code=_exit_code(state, status.container),
        container_id=status.container.container_id,
        up_to_date=up_to_date,
        image=sys.intern(raw.spec.container.image),
        reservation=_resources(raw.spec.resources.reservations),
        host_ports=_host_ports(status.port_status.ports),
        job_iteration=raw.job_iteration.index,
    )


def service_from(raw: pb.Service) -> Service:
    """A service, without the defaults that the engine fills in on request."""
    spec, template, update = raw.spec, raw.spec.task, raw.update_status
    labels = dict(spec.annotations.labels)
    mode, replicas, concurrent = _mode(spec)
    return Service(
        id=raw.id,
        name=spec.annotations.name,
        version=raw.meta.version.index,
        mode=mode,
        replicas=replicas,
        image=template.container.image,
        stack=labels.get(STACK_LABEL, ""),
        labels=labels,
        template=template_digest(spec),
        constraints=tuple(template.placement.constraints),
        platforms=tuple(map(_platform, template.placement.platforms)),
        max_per_node=template.placement.max_replicas,
        reservation=_resources(template.resources.reservations),
        limit=_resources(template.resources.limits),
        host_ports=_host_ports(spec.endpoint.ports),
        mounts=tuple(map(_mount, template.container.mounts)),
        restart=_restart(template),
        restart_delay=_restart_delay(template.restart),
        max_attempts=template.restart.max_attempts,
        has_health_check=_checks_health(template.container.healthcheck),
        monitor=_monitor(spec.update),
        rollback_monitor=_monitor(spec.rollback),
        failure_action=_one_of(_FAILURE_ACTIONS, spec.update.failure_action),
        update=_one_of(_UPDATES, update.state),
        update_message=update.message,
        update_started=_seconds(update.started_at) or None,
        max_concurrent=concurrent,
        job_iteration=raw.job_status.job_iteration.index,
        updated_at=_seconds(raw.meta.updated_at),
    )


def node_from(raw: pb.Node) -> Node:
    """A node; ``manager`` is "" unless the node comes from a listing."""
    engine = raw.description.engine
    return Node(
        id=raw.id,
        hostname=raw.description.hostname,
        state=_one_of(_NODE_STATES, raw.status.state),
        availability=_one_of(_AVAILABILITIES, raw.spec.availability),
        role=_one_of(_ROLES, raw.spec.desired_role),
        manager=_manager(raw),
        address=raw.status.addr,
        message=raw.status.message,
        labels=dict(raw.spec.annotations.labels),
        engine_labels=dict(engine.labels),
        engine_version=engine.engine_version,
        platform=_platform(raw.description.platform),
        resources=_resources(raw.description.resources),
        plugins=tuple((plugin.type, plugin.name) for plugin in engine.plugins),
        generic=_generic(raw.description.resources),
    )


def is_current(task: pb.Task, raw: pb.Service, service: Service, node: Node | None) -> bool:
    """Whether a task was made from the service's present template.

    The rule is swarmkit's (manager/orchestrator/task.go, ``IsTaskDirty``), which is also the
    engine's ``_up-to-date`` filter. ``service`` is the converted ``raw``; ``node`` is the task's,
    None if unknown.
    """
    if task.HasField("spec_version") and task.spec_version == raw.spec_version:
        return True
    ours, wanted = task.spec, raw.spec.task
    if _differs_in_placement_alone(ours, wanted) and node and meets_constraints(service, node):
        return True
    if ours != wanted and not (_has_its_image(task) and _same_but_for_pull(ours, wanted)):
        return False
    return not task.HasField("endpoint") or task.endpoint.spec == raw.spec.endpoint


def template_digest(spec: pb.ServiceSpec) -> str:
    """Sixteen hex digits over everything in a service's spec that determines its tasks."""
    parts = pb.ServiceSpec(task=spec.task, networks=spec.networks, endpoint=spec.endpoint)
    return hashlib.sha256(parts.SerializeToString(deterministic=True)).hexdigest()[:16]


def _differs_in_placement_alone(ours: pb.TaskSpec, wanted: pb.TaskSpec) -> bool:
    if ours.placement == wanted.placement:
        return False
    moved = pb.TaskSpec()
    moved.CopyFrom(wanted)
    moved.ClearField("placement")
    if ours.HasField("placement"):
        moved.placement.CopyFrom(ours.placement)
    return moved == ours


def _has_its_image(task: pb.Task) -> bool:
    """Whether the task has pulled its image, so that pull options no longer matter."""
    pulled = TaskState.READY <= task.status.state <= TaskState.RUNNING
    return pulled and task.desired_state <= TaskState.RUNNING


def _same_but_for_pull(ours: pb.TaskSpec, wanted: pb.TaskSpec) -> bool:
    one, other = pb.TaskSpec(), pb.TaskSpec()
    one.CopyFrom(ours)
    other.CopyFrom(wanted)
    for spec in (one, other):
        if spec.HasField("container"):
            spec.container.ClearField("pull_options")
    return one == other


def _mode(spec: pb.ServiceSpec) -> tuple[Mode, int | None, int]:
    """The mode, the desired number (None for global modes) and a job's concurrent tasks."""
    mode = _MODES[spec.WhichOneof("mode") or "replicated"]
    if mode is Mode.REPLICATED:
        return mode, spec.replicated.replicas, 0
    if mode is Mode.REPLICATED_JOB:
        job = spec.replicated_job
        return mode, job.total_completions, job.max_concurrent
    return mode, None, 0


def _restart(template: pb.TaskSpec) -> RestartCondition:
    if not template.HasField("restart"):
        return RestartCondition.ANY
    return _one_of(_RESTARTS, template.restart.condition)


def _restart_delay(policy: pb.RestartPolicy) -> float:
    return _seconds(policy.delay) if policy.HasField("delay") else _DEFAULT_SECONDS


def _monitor(config: pb.UpdateConfig) -> float:
    return _seconds(config.monitor) or _DEFAULT_SECONDS


def _exit_code(state: TaskState, container: pb.ContainerStatus) -> int | None:
    """The exit code after a container has ended, also while its engine keeps retrying it."""
    if not container.container_id:
        return None
    ended = state.over or (container.exit_code != 0 and not container.pid)
    return container.exit_code if ended else None


def _host_ports(ports: Iterable[pb.PortConfig]) -> tuple[str, ...]:
    """Published host-mode ports as ``80/tcp``, except those that the engine chooses."""
    return tuple(
        f"{port.published_port}/{_one_of(_PROTOCOLS, port.protocol)}"
        for port in ports
        if port.publish_mode == pb.PortConfig.HOST and port.published_port
    )


def _mount(raw: pb.Mount) -> str:
    """Docker's short form ``source:target``; only the target for an anonymous volume."""
    return ":".join(filter(None, (raw.source, raw.target)))


def _checks_health(check: pb.HealthConfig) -> bool:
    return bool(check.test) and check.test[0] != "NONE"


def _manager(raw: pb.Node) -> str:
    if not raw.HasField("manager_status"):
        return ""
    status = raw.manager_status
    return "leader" if status.leader else _one_of(_REACHABILITIES, status.reachability)


def _platform(raw: pb.Platform) -> Platform:
    return Platform(os=raw.os, arch=raw.architecture)


def _resources(raw: pb.Resources) -> Resources:
    return Resources(raw.nano_cpus, raw.memory_bytes, _generic(raw))


def _generic(raw: pb.Resources) -> tuple[tuple[str, int], ...]:
    """Other resources by kind; each named one counts as one."""
    counts: Counter[str] = Counter()
    for each in raw.generic:
        if each.HasField("discrete_resource_spec"):
            counts[each.discrete_resource_spec.kind] += each.discrete_resource_spec.value
        else:
            counts[each.named_resource_spec.kind] += 1
    return tuple(sorted(counts.items()))


def _seconds(moment: _Moment) -> float:
    return moment.seconds + moment.nanos / 1_000_000_000


def _state(number: int) -> TaskState:
    """The state, or the last known one before it, as an engine may have states unknown here."""
    if number in _STATES:
        return _STATES[number]
    return max((state for state in TaskState if state <= number), default=TaskState.NEW)


def _one_of(words: tuple[_Word, ...], number: int) -> _Word:
    return words[number] if number < len(words) else words[0]
