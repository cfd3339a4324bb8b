"""Simulated objects as the Engine API shows them: pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from playground.swarm import specs
from playground.swarm.containers import Container
from playground.swarm.model import (
    Json,
    Meta,
    Node,
    Service,
    State,
    Status,
    Task,
    Thing,
    UpdateStatus,
)
from playground.swarm.simulation import Simulation

_NO_TIME: Final = "0001-01-01T00:00:00Z"
SWARM_PORT: Final = 2377


def time_text(moment: float) -> str:
    """RFC 3339 with nanoseconds; a float has about seven decimals for a current time."""
    if not moment:
        return _NO_TIME
    text = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return f"{text}000Z"


def service_json(service: Service, *, defaults: bool = False) -> Json:
    """As ``GET /services/ID``; ``defaults`` is ``insertDefaults``."""
    fill = specs.with_defaults if defaults else dict
    found = {"ID": service.id, **_meta(service.meta), "Spec": fill(specs.shown(service.spec))}
    if service.previous is not None:
        found["PreviousSpec"] = fill(specs.shown(service.previous))
    endpoint = service.spec.get("EndpointSpec") or {}
    found["Endpoint"] = {"Spec": endpoint, "Ports": endpoint.get("Ports") or []}
    if not endpoint.get("Ports"):
        del found["Endpoint"]["Ports"]
    if service.update is not None:
        found["UpdateStatus"] = _update_json(service.update)
    if service.is_job:
        iteration = {"Index": service.iteration} if service.iteration else {}
        executed = time_text(service.executed)
        found["JobStatus"] = {"JobIteration": iteration, "LastExecution": executed}
    return found


def service_status(service: Service, tasks: Iterable[Task]) -> Json:
    """``ServiceStatus``, as the engine counts: tasks on nodes that are down count as running."""
    tasks = list(tasks)
    running = sum(task.status.state is State.RUNNING for task in tasks)
    done = sum(
        task.status.state is State.COMPLETE
        for task in tasks
        if service.is_job and task.iteration == service.iteration
    )
    if service.mode == "Replicated":
        wanted = service.replicas
    elif service.mode == "ReplicatedJob":
        wanted = int(service.mode_spec.get("MaxConcurrent") or 1)
    else:
        wanted = sum(task.live or task.desired is State.COMPLETE for task in tasks)
    return {"RunningTasks": running, "DesiredTasks": wanted, "CompletedTasks": done}


def task_json(task: Task) -> Json:
    """As ``GET /tasks/ID``."""
    spec = specs.shown_template(task.spec)
    found: Json = {"ID": task.id, **_meta(task.meta), "Labels": {}, "Spec": spec}
    found["ServiceID"] = task.service_id
    if task.slot:
        found["Slot"] = task.slot
    if task.node_id:
        found["NodeID"] = task.node_id
    found["Status"] = _status_json(task.status)
    found["DesiredState"] = task.desired.name.lower()
    if task.iteration is not None:
        found["JobIteration"] = {"Index": task.iteration} if task.iteration else {}
    return found


def node_json(node: Node, *, leads: bool) -> Json:
    """As ``GET /nodes/ID``. ``leads`` says whether the swarm has a leader now."""
    found = {
        "ID": node.id,
        **_meta(node.meta),
        "Spec": {
            "Labels": dict(node.labels),
            "Role": node.role,
            "Availability": node.availability,
        },
        "Description": {
            "Hostname": node.hostname,
            "Platform": {"Architecture": "x86_64", "OS": "linux"},
            "Resources": {"NanoCPUs": node.cpus, "MemoryBytes": node.memory},
            "Engine": {"EngineVersion": node.engine_version, "Labels": dict(node.engine_labels)},
        },
        "Status": {"State": node.state, "Addr": node.address},
    }
    if node.message:
        found["Status"]["Message"] = node.message
    if node.manager:
        reachable = "reachable" if node.powered else "unreachable"
        status: Json = {"Reachability": reachable, "Addr": f"{node.address}:{SWARM_PORT}"}
        found["ManagerStatus"] = {"Leader": True, **status} if node.leader and leads else status
    return found


def network_json(thing: Thing) -> Json:
    """As ``GET /networks/ID``."""
    spec = thing.spec
    return {
        "Name": thing.name,
        "Id": thing.id,
        "Created": time_text(thing.meta.created),
        "Scope": "swarm",
        "Driver": spec.get("Driver") or "overlay",
        "EnableIPv6": bool(spec.get("EnableIPv6")),
        "IPAM": spec.get("IPAM") or {"Driver": "default", "Options": None, "Config": None},
        "Internal": bool(spec.get("Internal")),
        "Attachable": bool(spec.get("Attachable")),
        "Ingress": bool(spec.get("Ingress")),
        "ConfigFrom": {"Network": ""},
        "ConfigOnly": False,
        "Containers": None,
        "Options": spec.get("Options"),
        "Labels": spec.get("Labels") or {},
    }


def thing_json(thing: Thing) -> Json:
    """A config or a secret; the content of a secret is never shown."""
    if thing.kind == "networks":
        return network_json(thing)
    hidden = {"Data"} if thing.kind == "secrets" else set()
    spec = {key: value for key, value in thing.spec.items() if key not in hidden}
    return {"ID": thing.id, **_meta(thing.meta), "Spec": {"Labels": {}, **spec}}


def container_json(container: Container) -> Json:
    """As ``GET /containers/ID/json``, with the fields that a swarm's containers have."""
    state: Json = {
        "Status": "running" if container.running else "exited",
        "Running": container.running,
        "OOMKilled": container.out_of_memory,
        "Pid": container.pid if container.running else 0,
        "ExitCode": container.code,
        "StartedAt": time_text(container.started),
        "FinishedAt": time_text(container.ended or 0.0),
    }
    if container.health:
        probes = [
            {
                "Start": time_text(one.at),
                "End": time_text(one.at),
                "ExitCode": one.code,
                "Output": one.output,
            }
            for one in container.probes
        ]
        streak = sum(1 for one in probes if one["ExitCode"])
        state["Health"] = {"Status": container.health, "FailingStreak": streak, "Log": probes}
    return {
        "Id": container.id,
        "State": state,
        "Config": {"Labels": {"com.docker.swarm.task.id": container.task_id}, "Tty": False},
    }


def info_json(simulation: Simulation, node: Node, root: str) -> Json:
    """As ``GET /info`` of one manager's engine. ``root`` is the swarm's certificate in PEM."""
    nodes = simulation.store.nodes.values()
    managers = [each for each in nodes if each.manager]
    swarm = {
        "NodeID": node.id,
        "NodeAddr": node.address,
        "LocalNodeState": "active",
        "ControlAvailable": True,
        "Error": "",
        "RemoteManagers": [
            {"NodeID": each.id, "Addr": f"{each.address}:{SWARM_PORT}"} for each in managers
        ],
        "Nodes": len(nodes),
        "Managers": len(managers),
        "Cluster": swarm_json(simulation, root),
    }
    return {
        "ID": node.id.upper(),
        "Name": node.hostname,
        "ServerVersion": node.engine_version,
        "OperatingSystem": "a simulated swarm",
        "OSType": "linux",
        "Architecture": "x86_64",
        "NCPU": node.cpus // 10**9,
        "MemTotal": node.memory,
        "Driver": "overlay2",
        "Labels": [f"{key}={value}" for key, value in node.engine_labels.items()],
        "Warnings": None,
        "Swarm": swarm,
    }


def swarm_json(simulation: Simulation, root: str, *, tokens: bool = False) -> Json:
    """As ``GET /swarm``; without ``tokens`` like the cluster in ``/info``."""
    found: Json = {
        "ID": simulation.cluster_id,
        "Version": {"Index": 10},
        "CreatedAt": time_text(0.0),
        "UpdatedAt": time_text(0.0),
        "Spec": {
            "Name": "default",
            "Labels": {},
            "Orchestration": {"TaskHistoryRetentionLimit": 5},
            "Raft": {"SnapshotInterval": 10000, "HeartbeatTick": 1, "ElectionTick": 10},
            "Dispatcher": {"HeartbeatPeriod": int(simulation.heartbeat * 1e9)},
            "CAConfig": {"NodeCertExpiry": 7776000000000000},
            "TaskDefaults": {},
            "EncryptionConfig": {"AutoLockManagers": False},
        },
        "TLSInfo": {"TrustRoot": root},
        "RootRotationInProgress": False,
        "DataPathPort": 4789,
    }
    if tokens:
        digest = hashlib.sha256(root.encode() or simulation.cluster_id.encode()).hexdigest()[:50]
        found["JoinTokens"] = {
            role: f"SWMTKN-1-{digest}-{secret}" for role, secret in simulation.join_secrets.items()
        }
        found["Version"] = {"Index": simulation.cluster_version}
    return found


def _meta(meta: Meta) -> Json:
    return {
        "Version": {"Index": meta.version},
        "CreatedAt": time_text(meta.created),
        "UpdatedAt": time_text(meta.updated),
    }


def _status_json(status: Status) -> Json:
    found: Json = {
        "Timestamp": time_text(status.at),
        "State": status.state.name.lower(),
        "Message": status.message,
    }
    if status.err:
        found["Err"] = status.err
    if status.has_container_status:
        found["ContainerStatus"] = {
            "ContainerID": status.container,
            "PID": status.pid,
            "ExitCode": status.exit_code,
        }
    found["PortStatus"] = {"Ports": list(status.ports)} if status.ports else {}
    return found


def _update_json(update: UpdateStatus) -> Json:
    found: Json = {"State": update.state, "StartedAt": time_text(update.started)}
    if update.completed:
        found["CompletedAt"] = time_text(update.completed)
    return {**found, "Message": update.message}
