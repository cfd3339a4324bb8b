"""Converts the Engine API's JSON into the domain's values. Pure; accepts missing fields.

Fields are named as in the Engine API 1.41 (``/services``, ``/tasks``, ``/nodes``); a field that an
older or newer engine leaves out gets swarmkit's default (api/defaults/service.go). Environment
values, arguments, configs and secrets are never returned.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

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
from bot.swarm import specs

Raw = Mapping[str, Any]
"""One object of the Engine API as decoded JSON."""

STACK_LABEL: Final = "com.docker.stack.namespace"

_NANOSECONDS: Final = 1_000_000_000
_DEFAULT_MONITOR: Final = 5.0
_DEFAULT_RESTART_DELAY: Final = 5.0
_ZERO_TIME: Final = "0001-01-01T00:00:00Z"
_MODES: Final = {
    "Replicated": Mode.REPLICATED,
    "Global": Mode.GLOBAL,
    "ReplicatedJob": Mode.REPLICATED_JOB,
    "GlobalJob": Mode.GLOBAL_JOB,
}
_STATES: Final = {state.name.lower(): state for state in TaskState}
_RESTARTS: Final = {policy.value: policy for policy in RestartCondition}
_UPDATES: Final = {state.value: state for state in UpdateState}
_NODE_STATES: Final = {state.value: state for state in NodeState}
_AVAILABILITIES: Final = {word.value: word for word in Availability}


def timestamp(text: object) -> float:
    """RFC 3339 with up to nine decimals as Unix seconds; 0.0 for an empty or zero time."""
    if not isinstance(text, str) or text in {"", _ZERO_TIME}:
        return 0.0
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0


def service_from(raw: Raw) -> Service:
    """A service of ``GET /services`` or ``GET /services/ID`` (without ``insertDefaults``)."""
    spec = _map(raw, "Spec")
    template = _map(spec, "TaskTemplate")
    container = _map(template, "ContainerSpec")
    placement = _map(template, "Placement")
    policy = _map(template, "RestartPolicy")
    update = _map(raw, "UpdateStatus")
    labels = _labels(spec)
    mode, replicas, concurrent = _mode(_map(spec, "Mode"))
    state = _UPDATES.get(_text(update, "State"), UpdateState.NONE)
    previous = specs.previous(raw)
    return Service(
        id=_text(raw, "ID"),
        name=_text(spec, "Name"),
        version=_number(_map(raw, "Version"), "Index"),
        mode=mode,
        replicas=replicas,
        image=_text(container, "Image"),
        stack=labels.get(STACK_LABEL, ""),
        labels=labels,
        template=template_digest(spec),
        constraints=tuple(map(str, _list(placement, "Constraints"))),
        platforms=tuple(map(_platform, _maps(placement, "Platforms"))),
        max_per_node=_number(placement, "MaxReplicas"),
        reservation=_resources(_map(template, "Resources", "Reservations")),
        limit=_resources(_map(template, "Resources", "Limits")),
        host_ports=_host_ports(_maps(_map(spec, "EndpointSpec"), "Ports")),
        mounts=tuple(map(_mount, _maps(container, "Mounts"))),
        restart=_RESTARTS.get(_text(policy, "Condition"), RestartCondition.ANY),
        restart_delay=_seconds(policy.get("Delay"), _DEFAULT_RESTART_DELAY),
        max_attempts=_number(policy, "MaxAttempts"),
        has_health_check=_checks_health(_list(_map(container, "Healthcheck"), "Test")),
        monitor=_monitor(_map(spec, "UpdateConfig")),
        rollback_monitor=_monitor(_map(spec, "RollbackConfig")),
        failure_action=_text(_map(spec, "UpdateConfig"), "FailureAction") or "pause",
        update=state,
        update_message=_text(update, "Message"),
        update_started=timestamp(update.get("StartedAt")) or None,
        max_concurrent=concurrent,
        job_iteration=_number(_map(raw, "JobStatus", "JobIteration"), "Index"),
        updated_at=timestamp(raw.get("UpdatedAt")),
        restarts=max(specs.restarts(spec), specs.restarts(_map(raw, "PreviousSpec"))),
        previous=previous,
        can_roll_back=specs.can_roll_back(previous, state),
        plugins=tuple(sorted(set(_needed_plugins(template, container)))),
    )


def task_from(raw: Raw, *, up_to_date: bool) -> Task:
    """A task of ``GET /tasks``; ``up_to_date`` comes from the engine's filter or ``is_current``."""
    spec = _map(raw, "Spec")
    status = _map(raw, "Status")
    state = _state(status.get("State"))
    return Task(
        id=_text(raw, "ID"),
        service_id=_shared(raw, "ServiceID"),
        slot=_number(raw, "Slot"),
        node_id=_shared(raw, "NodeID"),
        state=state,
        desired=_state(raw.get("DesiredState")),
        since=timestamp(status.get("Timestamp")),
        created=timestamp(raw.get("CreatedAt")),
        err=masked_error(_text(status, "Err")),
        message=_shared(status, "Message"),
        exit_code=_exit_code(state, _map(status, "ContainerStatus")),
        container_id=_text(_map(status, "ContainerStatus"), "ContainerID"),
        up_to_date=up_to_date,
        image=_shared(_map(spec, "ContainerSpec"), "Image"),
        reservation=_resources(_map(spec, "Resources", "Reservations")),
        host_ports=_host_ports(_maps(_map(status, "PortStatus"), "Ports")),
        job_iteration=_number(_map(raw, "JobIteration"), "Index"),
        addresses=_addresses(raw),
    )


def node_from(raw: Raw) -> Node:
    """A node of ``GET /nodes``."""
    spec = _map(raw, "Spec")
    status = _map(raw, "Status")
    description = _map(raw, "Description")
    engine = _map(description, "Engine")
    return Node(
        id=_text(raw, "ID"),
        hostname=_text(description, "Hostname"),
        state=_NODE_STATES.get(_text(status, "State"), NodeState.UNKNOWN),
        availability=_AVAILABILITIES.get(_text(spec, "Availability"), Availability.ACTIVE),
        role=_text(spec, "Role") or "worker",
        manager=_manager(_map(raw, "ManagerStatus")),
        address=_text(status, "Addr"),
        message=_text(status, "Message"),
        labels=_labels(spec),
        engine_labels=_labels(engine),
        engine_version=_text(engine, "EngineVersion"),
        platform=_platform(_map(description, "Platform")),
        resources=_resources(_map(description, "Resources")),
        plugins=tuple((_text(p, "Type"), _text(p, "Name")) for p in _maps(engine, "Plugins")),
        generic=_generic(_maps(_map(description, "Resources"), "GenericResources")),
    )


def template_of(raw_service: Raw) -> Raw:
    """A service's template, to compare tasks with it."""
    return _comparable(_map(raw_service, "Spec", "TaskTemplate"))


def has_template(raw_task: Raw, template: Raw) -> bool | None:
    """Whether a task was made from the template; None if only the placement differs."""
    ours = _comparable(_map(raw_task, "Spec"))
    if ours == template:
        return True
    return None if _without_placement(ours) == _without_placement(template) else False


def template_digest(spec: Raw) -> str:
    """Sixteen hex digits over everything in a service's spec that determines its tasks."""
    parts = {
        "template": _comparable(_map(spec, "TaskTemplate")),
        "endpoint": _comparable(_map(spec, "EndpointSpec")),
        "networks": spec.get("Networks") or [],
    }
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def by_hostname(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """Nodes in the order of every look."""
    return tuple(sorted(nodes, key=lambda node: (node.hostname, node.id)))


def as_known(found: tuple[Node, ...], known: tuple[Node, ...]) -> tuple[Node, ...]:
    """The nodes that were found, but the known value of each that has not changed."""
    before = {node.id: node for node in known}
    same = ((node, before.get(node.id)) for node in found)
    told = tuple(old if old == new else new for new, old in same)
    return known if told == known else told


def _mode(raw: Raw) -> tuple[Mode, int | None, int]:
    """The mode, the desired number (None for global modes) and a job's concurrent tasks."""
    key = next((key for key in _MODES if key in raw), "Replicated")
    mode, part = _MODES[key], _map(raw, key)
    if mode is Mode.REPLICATED:
        return mode, _number(part, "Replicas", 1), 0
    if mode is Mode.REPLICATED_JOB:
        concurrent = _number(part, "MaxConcurrent", 1)
        return mode, _number(part, "TotalCompletions", concurrent), concurrent
    return mode, None, 0


def _exit_code(state: TaskState, container: Raw) -> int | None:
    """The exit code after a container has ended, also while its engine keeps retrying it."""
    if not _text(container, "ContainerID"):
        return None
    code = _number(container, "ExitCode")
    ended = state.over or (code != 0 and not _number(container, "PID"))
    return code if ended else None


def _manager(raw: Raw) -> str:
    return "leader" if raw.get("Leader") is True else _text(raw, "Reachability")


def _platform(raw: Raw) -> Platform:
    return Platform(os=_text(raw, "OS"), arch=_text(raw, "Architecture"))


def _resources(raw: Raw) -> Resources:
    return amounts(
        _number(raw, "NanoCPUs"),
        _number(raw, "MemoryBytes"),
        _generic(_maps(raw, "GenericResources")),
    )


@lru_cache(maxsize=1024)
def amounts(nano_cpus: int, memory: int, generic: tuple[tuple[str, int], ...]) -> Resources:
    """One value for all that ask for the same: many tasks do."""
    return Resources(nano_cpus, memory, generic)


def _generic(found: Iterable[Raw]) -> tuple[tuple[str, int], ...]:
    """Generic resources by kind; each named one counts as one.

    A request for none of a kind counts, because the scheduler wants a node that has the kind.
    """
    counts: Counter[str] = Counter()
    for raw in found:
        discrete, named = _map(raw, "DiscreteResourceSpec"), _map(raw, "NamedResourceSpec")
        if discrete:
            counts[_text(discrete, "Kind")] += _number(discrete, "Value")
        elif named:
            counts[_text(named, "Kind")] += 1
    return tuple(sorted(counts.items()))


def _needed_plugins(template: Raw, container: Raw) -> Iterator[tuple[str, str]]:
    """The plugins without which the scheduler uses no node (swarmkit manager/scheduler/filter.go).

    Those of networks are not in a service's spec.
    """
    for mount in _maps(container, "Mounts"):
        driver = _text(_map(mount, "VolumeOptions", "DriverConfig"), "Name")
        if _text(mount, "Type") == "volume" and driver not in {"", "local"}:
            yield "Volume", driver
    log = _text(_map(template, "LogDriver"), "Name")
    if log not in {"", "none"}:
        yield "Log", log


def _host_ports(ports: Iterable[Raw]) -> tuple[str, ...]:
    """Published host-mode ports as ``80/tcp``, except those that the engine chooses."""
    return tuple(
        f"{_number(port, 'PublishedPort')}/{_text(port, 'Protocol') or 'tcp'}"
        for port in ports
        if port.get("PublishMode") == "host" and _number(port, "PublishedPort")
    )


def _mount(raw: Raw) -> str:
    """Docker's short form ``source:target``; only the target for an anonymous volume."""
    return ":".join(filter(None, (_text(raw, "Source"), _text(raw, "Target"))))


def _addresses(raw: Raw) -> tuple[str, ...]:
    """A task's own addresses on all its networks, without the prefix length."""
    networks = _maps(raw, "NetworksAttachments")
    found = (address for network in networks for address in _list(network, "Addresses"))
    return tuple(str(address).partition("/")[0] for address in found)


def _checks_health(test: list[Any]) -> bool:
    return bool(test) and test[0] != "NONE"


def _monitor(raw: Raw) -> float:
    return _seconds(raw.get("Monitor"), _DEFAULT_MONITOR) or _DEFAULT_MONITOR


def _seconds(nanoseconds: object, default: float) -> float:
    return nanoseconds / _NANOSECONDS if isinstance(nanoseconds, int) else default


def _state(word: object) -> TaskState:
    return _STATES.get(str(word), TaskState.NEW)


def _without_placement(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if key != "Placement"}


def _comparable(spec: Raw) -> dict[str, Any]:
    """A spec without fields that the API adds on one side only, or leaves out when empty."""
    kept = {key: specs.pruned(value) for key, value in spec.items() if key != "Runtime"}
    return {key: value for key, value in kept.items() if value not in (None, "", 0, [], {})}


def _map(raw: Raw, *keys: str) -> Raw:
    """The object under a path of keys, empty if any of them is missing or null."""
    for key in keys:
        found = raw.get(key)
        raw = found if isinstance(found, Mapping) else {}
    return raw


def _list(raw: Raw, key: str) -> list[Any]:
    found = raw.get(key)
    return found if isinstance(found, list) else []


def _maps(raw: Raw, key: str) -> list[Raw]:
    return [item for item in _list(raw, key) if isinstance(item, Mapping)]


def _labels(raw: Raw) -> dict[str, str]:
    return {str(key): str(value) for key, value in _map(raw, "Labels").items()}


def _text(raw: Raw, key: str) -> str:
    found = raw.get(key)
    return found if isinstance(found, str) else ""


def _shared(raw: Raw, key: str) -> str:
    """A text that many tasks have: it is in memory once, as tasks are kept by the ten thousand."""
    return sys.intern(_text(raw, key))


def _number(raw: Raw, key: str, default: int = 0) -> int:
    found = raw.get(key)
    return found if isinstance(found, int) else default
