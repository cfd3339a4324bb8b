"""Simulated objects as swarmkit's own messages: pure.

Only what ``bot/swarm/event_stream/watch.proto`` names is included.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from bot.swarm.event_stream import watch_pb2 as pb
from playground.swarm.model import Meta, Node, Service, Spec, Status, Task, UpdateStatus, part
from playground.swarm.store import StoreChange, StoreTransaction

_NANOSECONDS: Final = 1_000_000_000
_ACTIONS: Final = {
    "create": pb.ACTION_CREATE,
    "update": pb.ACTION_UPDATE,
    "remove": pb.ACTION_REMOVE,
}
_CONDITIONS: Final = {
    "none": pb.RestartPolicy.NONE,
    "on-failure": pb.RestartPolicy.ON_FAILURE,
    "any": pb.RestartPolicy.ANY,
}
_FAILURE_ACTIONS: Final = {
    "pause": pb.UpdateConfig.PAUSE,
    "continue": pb.UpdateConfig.CONTINUE,
    "rollback": pb.UpdateConfig.ROLLBACK,
}
_UPDATES: Final = {
    "updating": pb.UpdateStatus.UPDATING,
    "paused": pb.UpdateStatus.PAUSED,
    "completed": pb.UpdateStatus.COMPLETED,
    "rollback_started": pb.UpdateStatus.ROLLBACK_STARTED,
    "rollback_paused": pb.UpdateStatus.ROLLBACK_PAUSED,
    "rollback_completed": pb.UpdateStatus.ROLLBACK_COMPLETED,
}
_NODE_STATES: Final = {
    "unknown": pb.NodeStatus.UNKNOWN,
    "down": pb.NodeStatus.DOWN,
    "ready": pb.NodeStatus.READY,
    "disconnected": pb.NodeStatus.DISCONNECTED,
}
_AVAILABILITIES: Final = {
    "active": pb.NodeSpec.ACTIVE,
    "pause": pb.NodeSpec.PAUSE,
    "drain": pb.NodeSpec.DRAIN,
}
_PROTOCOLS: Final = {
    "tcp": pb.PortConfig.TCP,
    "udp": pb.PortConfig.UDP,
    "sctp": pb.PortConfig.SCTP,
}


class _Moment(Protocol):
    seconds: int
    nanos: int


def message_from(transaction: StoreTransaction, kinds: Mapping[str, int]) -> pb.WatchMessage | None:
    """The message for a watcher about a transaction, None if it matches nothing.

    ``kinds`` are the kinds of objects that the watcher asked for, each with the actions as a bit
    mask.
    """
    message = pb.WatchMessage()
    for change in transaction.changes:
        kind, action = type(change.object).__name__.lower(), _ACTIONS[change.action]
        if kinds.get(kind, 0) & action:
            _add(message, change, action)
    if not message.events:
        return None
    message.version.index = transaction.index
    return message


def service_message(service: Service) -> pb.Service:
    """A service."""
    raw = pb.Service(id=service.id)
    _set_meta(raw.meta, service.meta)
    _set_spec(raw.spec, service)
    raw.spec_version.index = service.spec_version
    if service.update is not None:
        _set_update(raw.update_status, service.update)
    if service.is_job:
        raw.job_status.job_iteration.index = service.iteration
    return raw


def node_message(node: Node, *, listed: bool = False) -> pb.Node:
    """A node; only a listing includes the manager status."""
    raw = pb.Node(id=node.id)
    _set_meta(raw.meta, node.meta)
    raw.spec.annotations.labels.update(node.labels)
    manages = node.role == "manager"
    raw.spec.desired_role = pb.NodeSpec.MANAGER if manages else pb.NodeSpec.WORKER
    raw.spec.availability = _AVAILABILITIES[node.availability]
    raw.description.hostname = node.hostname
    raw.description.platform.os = "linux"
    raw.description.platform.architecture = "x86_64"
    raw.description.resources.nano_cpus = node.cpus
    raw.description.resources.memory_bytes = node.memory
    raw.description.engine.engine_version = node.engine_version
    raw.description.engine.labels.update(node.engine_labels)
    raw.status.state = _NODE_STATES[node.state]
    raw.status.message = node.message
    raw.status.addr = node.address
    if listed and node.manager:
        raw.manager_status.leader = node.leader
        reachable, lost = pb.ManagerStatus.REACHABLE, pb.ManagerStatus.UNREACHABLE
        raw.manager_status.reachability = reachable if node.powered else lost
    return raw


def task_message(task: Task) -> pb.Task:
    """A task."""
    raw = pb.Task(
        id=task.id,
        service_id=task.service_id,
        slot=task.slot,
        node_id=task.node_id,
        desired_state=int(task.desired),
    )
    _set_meta(raw.meta, task.meta)
    _set_template(raw.spec, task.spec)
    _set_ports(raw.endpoint.spec, task.endpoint)
    raw.spec_version.index = task.spec_version
    _set_status(raw.status, task.status)
    if task.iteration is not None:
        raw.job_iteration.index = task.iteration
    return raw


def _add(message: pb.WatchMessage, change: StoreChange, action: pb.Action) -> None:
    event = message.events.add()
    event.action = action
    found = change.object
    if isinstance(found, Task):
        event.object.task.CopyFrom(task_message(found))
    elif isinstance(found, Service):
        event.object.service.CopyFrom(service_message(found))
    elif isinstance(found, Node):
        event.object.node.CopyFrom(node_message(found))


def _set_meta(raw: pb.Meta, meta: Meta) -> None:
    raw.version.index = meta.version
    _set_moment(raw.created_at, meta.created)
    _set_moment(raw.updated_at, meta.updated)


def _set_spec(raw: pb.ServiceSpec, service: Service) -> None:
    spec = service.spec
    raw.annotations.name = service.name
    raw.annotations.labels.update(spec.get("Labels") or {})
    _set_template(raw.task, service.template)
    mode = service.mode_spec
    match service.mode:
        case "Replicated":
            raw.replicated.replicas = service.replicas
        case "Global":
            getattr(raw, "global").SetInParent()
        case "ReplicatedJob":
            raw.replicated_job.max_concurrent = int(mode.get("MaxConcurrent") or 1)
            raw.replicated_job.total_completions = int(mode.get("TotalCompletions") or 1)
        case _:
            raw.global_job.SetInParent()
    for key, config in (("UpdateConfig", raw.update), ("RollbackConfig", raw.rollback)):
        if key in spec:
            config.SetInParent()
            config.failure_action = _FAILURE_ACTIONS[spec[key].get("FailureAction") or "pause"]
            if "Monitor" in spec[key]:
                _set_duration(config.monitor, spec[key]["Monitor"])
    _set_networks(raw.networks, spec.get("Networks") or ())
    if "EndpointSpec" in spec:
        _set_ports(raw.endpoint, spec["EndpointSpec"])


def _set_template(raw: pb.TaskSpec, spec: Spec) -> None:
    _set_container(raw.container, part(spec, "ContainerSpec"))
    if "Resources" in spec:
        raw.resources.SetInParent()
        _set_resources(raw.resources.limits, part(spec, "Resources", "Limits"))
        _set_resources(raw.resources.reservations, part(spec, "Resources", "Reservations"))
    if policy := part(spec, "RestartPolicy"):
        raw.restart.condition = _CONDITIONS[policy.get("Condition") or "any"]
        raw.restart.max_attempts = int(policy.get("MaxAttempts") or 0)
        if "Delay" in policy:
            _set_duration(raw.restart.delay, policy["Delay"])
    if "Placement" in spec:
        _set_placement(raw.placement, part(spec, "Placement"))
    if driver := part(spec, "LogDriver"):
        _set_driver(raw.log_driver, driver)
    _set_networks(raw.networks, spec.get("Networks") or ())


def _set_container(raw: pb.ContainerSpec, spec: Spec) -> None:
    raw.image = str(spec.get("Image", ""))
    raw.labels.update(spec.get("Labels") or {})
    raw.sysctls.update(spec.get("Sysctls") or {})
    if check := part(spec, "Healthcheck"):
        raw.healthcheck.SetInParent()
        raw.healthcheck.test.extend(map(str, check.get("Test") or ()))
    for mount in spec.get("Mounts") or ():
        one = raw.mounts.add()
        one.source, one.target = str(mount.get("Source", "")), str(mount.get("Target", ""))
        if options := part(mount, "VolumeOptions"):
            one.volume_options.labels.update(options.get("Labels") or {})
            _set_driver(one.volume_options.driver_config, part(options, "DriverConfig"))


def _set_placement(raw: pb.Placement, spec: Spec) -> None:
    raw.SetInParent()
    raw.constraints.extend(map(str, spec.get("Constraints") or ()))
    raw.max_replicas = int(spec.get("MaxReplicas") or 0)
    for platform in spec.get("Platforms") or ():
        raw.platforms.add(os=platform.get("OS", ""), architecture=platform.get("Architecture", ""))


def _set_driver(raw: pb.Driver, spec: Spec) -> None:
    raw.name = str(spec.get("Name") or "")
    raw.options.update(spec.get("Options") or {})


def _set_networks(raw: Any, spec: Iterable[Spec]) -> None:  # noqa: ANN401 - a repeated field
    for network in spec:
        raw.add(
            target=str(network.get("Target", "")),
            driver_attachment_opts=network.get("DriverOpts") or {},
        )


def _set_resources(raw: pb.Resources, spec: Spec) -> None:
    raw.SetInParent()
    raw.nano_cpus = int(spec.get("NanoCPUs") or 0)
    raw.memory_bytes = int(spec.get("MemoryBytes") or 0)


def _set_ports(raw: pb.EndpointSpec, spec: Spec) -> None:
    raw.SetInParent()
    _add_ports(raw.ports, spec.get("Ports") or ())


def _add_ports(raw: Any, ports: Iterable[Spec]) -> None:  # noqa: ANN401 - a repeated field
    host, ingress = pb.PortConfig.HOST, pb.PortConfig.INGRESS
    for port in ports:
        raw.add(
            protocol=_PROTOCOLS[port.get("Protocol") or "tcp"],
            published_port=int(port.get("PublishedPort") or 0),
            publish_mode=host if port.get("PublishMode") == "host" else ingress,
        )


def _set_status(raw: pb.TaskStatus, status: Status) -> None:
    _set_moment(raw.timestamp, status.at)
    raw.state = int(status.state)
    raw.message, raw.err = status.message, status.err
    if status.has_container_status:
        raw.container.container_id = status.container
        raw.container.pid, raw.container.exit_code = status.pid, status.exit_code
    if status.ports:
        _add_ports(raw.port_status.ports, status.ports)


def _set_update(raw: pb.UpdateStatus, update: UpdateStatus) -> None:
    raw.state = _UPDATES[update.state]
    raw.message = update.message
    _set_moment(raw.started_at, update.started)


def _set_moment(raw: _Moment, moment: float) -> None:
    microseconds = round(moment * 1e6)
    raw.seconds, rest = divmod(microseconds, 1_000_000)
    raw.nanos = rest * 1000


def _set_duration(raw: _Moment, nanoseconds: int) -> None:
    raw.seconds, raw.nanos = divmod(int(nanoseconds), _NANOSECONDS)
