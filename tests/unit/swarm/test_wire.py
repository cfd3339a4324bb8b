"""Engine API JSON becomes domain values, even if fields are missing."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.swarm.model import (
    Availability,
    Mode,
    Node,
    NodeState,
    Platform,
    Resources,
    RestartCondition,
    TaskState,
    UpdateState,
)
from bot.swarm import comparison, wire

SERVICE: dict[str, Any] = {
    "ID": "svc1",
    "Version": {"Index": 5241},
    "UpdatedAt": "2026-11-23T01:59:48.675161231Z",
    "Spec": {
        "Name": "orochi_worker01",
        "Labels": {"com.docker.stack.namespace": "orochi", "team": "a"},
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": "orochi/worker:2",
                "Env": ["PASSWORD=hunter2"],
                "Healthcheck": {"Test": ["CMD", "true"]},
                "Mounts": [
                    {"Type": "volume", "Source": "data", "Target": "/data"},
                    {"Type": "tmpfs", "Target": "/tmp"},
                ],
            },
            "Resources": {
                "Limits": {"MemoryBytes": 64, "NanoCPUs": 2},
                "Reservations": {"MemoryBytes": 32, "NanoCPUs": 1},
            },
            "RestartPolicy": {"Condition": "on-failure", "Delay": 250_000_000, "MaxAttempts": 3},
            "Placement": {
                "Constraints": ["node.role==worker"],
                "MaxReplicas": 2,
                "Platforms": [{"Architecture": "amd64", "OS": "linux"}],
            },
            "ForceUpdate": 1,
            "Runtime": "container",
        },
        "Mode": {"Replicated": {"Replicas": 3}},
        "UpdateConfig": {"FailureAction": "rollback", "Monitor": 3_000_000_000},
        "RollbackConfig": {"Monitor": 7_000_000_000},
        "EndpointSpec": {
            "Ports": [
                {"Protocol": "tcp", "PublishedPort": 80, "PublishMode": "host", "TargetPort": 8000},
                {"Protocol": "udp", "PublishedPort": 53, "PublishMode": "ingress"},
                {"Protocol": "tcp", "PublishMode": "host", "TargetPort": 9000},
            ]
        },
    },
    "UpdateStatus": {
        "State": "rollback_completed",
        "StartedAt": "2026-11-23T01:59:43.022407687Z",
        "Message": "rollback completed",
    },
}
TASK: dict[str, Any] = {
    "ID": "task1",
    "CreatedAt": "2026-11-23T01:59:27.102982698Z",
    "Spec": {
        "ContainerSpec": copy.deepcopy(SERVICE["Spec"]["TaskTemplate"]["ContainerSpec"]),
        "Resources": {"Reservations": {"MemoryBytes": 32, "NanoCPUs": 1}},
    },
    "ServiceID": "svc1",
    "Slot": 2,
    "NodeID": "node1",
    "Status": {
        "Timestamp": "2026-11-23T01:59:44.5Z",
        "State": "failed",
        "Message": "started",
        "Err": "task: non-zero exit (3)",
        "ContainerStatus": {"ContainerID": "c0ffee", "PID": 0, "ExitCode": 3},
        "PortStatus": {"Ports": [{"Protocol": "tcp", "PublishedPort": 80, "PublishMode": "host"}]},
    },
    "DesiredState": "shutdown",
}
NODE: dict[str, Any] = {
    "ID": "node1",
    "Spec": {"Labels": {"disk": "ssd"}, "Role": "manager", "Availability": "drain"},
    "Description": {
        "Hostname": "photon-machine-01",
        "Platform": {"Architecture": "x86_64", "OS": "linux"},
        "Resources": {"NanoCPUs": 2_000_000_000, "MemoryBytes": 1024},
        "Engine": {"EngineVersion": "20.10.24", "Labels": {"rack": "7"}},
    },
    "Status": {"State": "down", "Message": "heartbeat failure", "Addr": "10.77.0.1"},
    "ManagerStatus": {"Leader": True, "Reachability": "reachable", "Addr": "10.77.0.1:2377"},
}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:01Z", 1.0),
        ("2026-11-23T01:59:48.675161231Z", 1795399188.675161),
        ("2026-11-23T03:59:48.5+02:00", 1795399188.5),
        ("0001-01-01T00:00:00Z", 0.0),
        ("", 0.0),
        (None, 0.0),
        ("yesterday", 0.0),
    ],
)
def test_timestamps_are_unix_seconds(text: object, seconds: float) -> None:
    assert wire.timestamp(text) == pytest.approx(seconds, abs=1e-6)


def test_a_full_service() -> None:
    service = wire.service_from(SERVICE)

    assert (service.id, service.name, service.version) == ("svc1", "orochi_worker01", 5241)
    assert (service.stack, service.short_name) == ("orochi", "worker01")
    assert (service.mode, service.replicas) == (Mode.REPLICATED, 3)
    assert service.constraints == ("node.role==worker",)
    assert service.platforms == (Platform("linux", "amd64"),)
    assert service.max_per_node == 2
    assert service.reservation == Resources(nano_cpus=1, memory=32)
    assert service.limit == Resources(nano_cpus=2, memory=64)
    assert service.host_ports == ("80/tcp",)
    assert service.mounts == ("data:/data", "/tmp")
    assert (service.restart, service.restart_delay, service.max_attempts) == (
        RestartCondition.ON_FAILURE,
        0.25,
        3,
    )
    assert service.has_health_check
    assert (service.monitor, service.rollback_monitor) == (3.0, 7.0)
    assert service.failure_action == "rollback"
    assert service.update is UpdateState.ROLLBACK_COMPLETED
    assert service.update_message == "rollback completed"
    assert service.update_started == pytest.approx(1795399183.022, abs=0.001)


def test_a_bare_service_has_the_defaults_of_the_swarm() -> None:
    service = wire.service_from({"ID": "x", "Spec": {"Name": "web", "Mode": {"Replicated": {}}}})

    assert (service.replicas, service.restart, service.restart_delay) == (
        1,
        RestartCondition.ANY,
        5.0,
    )
    assert (service.monitor, service.rollback_monitor) == (5.0, 5.0)
    assert (service.failure_action, service.update) == ("pause", UpdateState.NONE)
    assert service.update_started is None


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ({"Replicated": {"Replicas": 0}}, (Mode.REPLICATED, 0, 0)),
        ({"Global": {}}, (Mode.GLOBAL, None, 0)),
        (
            {"ReplicatedJob": {"MaxConcurrent": 2, "TotalCompletions": 4}},
            (Mode.REPLICATED_JOB, 4, 2),
        ),
        ({"ReplicatedJob": {"MaxConcurrent": 3}}, (Mode.REPLICATED_JOB, 3, 3)),
        ({"GlobalJob": None}, (Mode.GLOBAL_JOB, None, 0)),
    ],
)
def test_modes(mode: dict[str, Any], expected: tuple[Mode, int | None, int]) -> None:
    service = wire.service_from({"Spec": {"Mode": mode}})

    assert (service.mode, service.replicas, service.max_concurrent) == expected


@pytest.mark.parametrize(("test", "checks"), [(["NONE"], False), ([], False), (["CMD"], True)])
def test_a_disabled_health_check_counts_as_none(test: list[str], checks: bool) -> None:
    raw = {"Spec": {"TaskTemplate": {"ContainerSpec": {"Healthcheck": {"Test": test}}}}}

    assert wire.service_from(raw).has_health_check is checks


def test_a_failed_task() -> None:
    task = wire.task_from(TASK, up_to_date=True)

    assert (task.id, task.service_id, task.slot, task.node_id) == ("task1", "svc1", 2, "node1")
    assert (task.state, task.desired) == (TaskState.FAILED, TaskState.SHUTDOWN)
    assert (task.err, task.exit_code, task.container_id) == ("task: non-zero exit (3)", 3, "c0ffee")
    assert (task.image, task.reservation) == ("orochi/worker:2", Resources(1, 32))
    assert task.host_ports == ("80/tcp",)
    assert task.since - task.created == pytest.approx(17.397, abs=0.001)


def test_tasks_share_what_many_of_them_have() -> None:
    """Each answer of the engine has texts of its own, and there are ten thousand tasks."""
    raws = (json.loads(json.dumps(TASK)) for _ in range(2))
    one, other = (wire.task_from(raw, up_to_date=True) for raw in raws)

    assert one.service_id is other.service_id
    assert one.node_id is other.node_id
    assert one.image is other.image
    assert one.message is other.message
    assert one.reservation is other.reservation


def test_a_node_that_has_not_changed_is_the_known_value() -> None:
    known = tuple(Node(name, name) for name in "ab")
    again, changed = Node("a", "a"), Node("b", "b", NodeState.DOWN)

    assert wire.as_known((again, Node("b", "b")), known) is known
    assert wire.as_known((again, changed, Node("c", "c")), known) == (
        known[0],
        changed,
        Node("c", "c"),
    )
    assert wire.as_known((again, changed), known)[0] is known[0]
    assert wire.as_known((again,), known) == known[:1]


@pytest.mark.parametrize(
    ("state", "container", "code"),
    [
        ("failed", {"ContainerID": "c", "ExitCode": 1}, 1),
        ("complete", {"ContainerID": "c", "ExitCode": 0}, 0),
        ("rejected", {"ExitCode": 0}, None),
        ("running", {"ContainerID": "c", "PID": 7, "ExitCode": 0}, None),
        ("running", {"ContainerID": "c", "PID": 7, "ExitCode": -1}, None),
        ("starting", {"ContainerID": "c", "ExitCode": 0}, None),
        ("starting", {"ContainerID": "c", "ExitCode": 128}, 128),
        ("pending", None, None),
    ],
)
def test_only_ended_containers_have_an_exit_code(
    state: str, container: dict[str, Any] | None, code: int | None
) -> None:
    raw = {"Status": {"State": state, "ContainerStatus": container}}

    assert wire.task_from(raw, up_to_date=True).exit_code == code


def test_a_node() -> None:
    node = wire.node_from(NODE)

    assert (node.hostname, node.role, node.manager) == ("photon-machine-01", "manager", "leader")
    assert (node.state, node.availability) == (NodeState.DOWN, Availability.DRAIN)
    assert (node.address, node.message) == ("10.77.0.1", "heartbeat failure")
    assert (node.labels, node.engine_labels) == ({"disk": "ssd"}, {"rack": "7"})
    assert node.platform == Platform("linux", "x86_64")
    assert node.resources == Resources(2_000_000_000, 1024)


def test_no_value_of_the_environment_reaches_the_domain() -> None:
    look = comparison.look_from(SERVICE, [TASK], None, [NODE], 1.0)

    assert "hunter2" not in repr(look)


def _service(**template: Any) -> dict[str, Any]:
    return {"ID": "svc1", "Spec": {"TaskTemplate": template, "Mode": {"Replicated": {}}}}


def test_a_task_of_the_same_template_is_current() -> None:
    service = _service(ContainerSpec={"Image": "a"}, ForceUpdate=0, Runtime="container")

    assert comparison.is_current({"Spec": {"ContainerSpec": {"Image": "a"}}}, service)


@pytest.mark.parametrize(
    "spec",
    [
        {"ContainerSpec": {"Image": "b"}},
        {"ContainerSpec": {"Image": "a"}, "ForceUpdate": 1},
        {"ContainerSpec": {"Image": "a", "Env": ["A=1"]}},
    ],
)
def test_a_task_of_another_template_is_not_current(spec: dict[str, Any]) -> None:
    service = _service(ContainerSpec={"Image": "a"}, ForceUpdate=0)

    assert not comparison.is_current({"Spec": spec}, service, NODE)


@pytest.mark.parametrize(
    ("constraint", "current"), [("node.labels.disk==ssd", True), ("node.labels.disk==hdd", False)]
)
def test_a_task_stays_current_when_its_node_meets_new_constraints(
    constraint: str, current: bool
) -> None:
    service = _service(ContainerSpec={"Image": "a"}, Placement={"Constraints": [constraint]})
    task = {"Spec": {"ContainerSpec": {"Image": "a"}}, "NodeID": "node1"}

    assert comparison.is_current(task, service, NODE) is current
    assert not comparison.is_current(task, service), "without its node nobody can say that it is"


def test_the_digest_differs_by_template_and_ignores_the_replicas() -> None:
    scaled, changed = copy.deepcopy(SERVICE), copy.deepcopy(SERVICE)
    scaled["Spec"]["Mode"]["Replicated"]["Replicas"] = 9
    changed["Spec"]["TaskTemplate"]["ContainerSpec"]["Env"] = ["PASSWORD=other"]
    digests = [wire.service_from(raw).template for raw in (SERVICE, scaled, changed)]

    assert digests[0] == digests[1] != digests[2]
    assert len(digests[0]) == 16


def test_the_engines_filter_decides_what_is_current() -> None:
    service = _service(ContainerSpec={"Image": "a"})
    task = {"ID": "t", "ServiceID": "svc1", "Spec": {"ContainerSpec": {"Image": "a"}}}

    assert comparison.look_from(service, [task], None, [], 1.0).tasks[0].up_to_date
    assert not comparison.look_from(service, [task], [], [], 1.0).tasks[0].up_to_date


def test_a_removed_service() -> None:
    look = comparison.look_from(None, [TASK], None, [NODE], 2.0)

    assert (look.at, look.service, look.tasks[0].up_to_date) == (2.0, None, False)


_Path = tuple[str, ...]


def _paths(value: Any, path: _Path = ()) -> list[_Path]:
    if not isinstance(value, dict):
        return []
    return [p for key in value for p in ((*path, key), *_paths(value[key], (*path, key)))]


def _damage(raw: dict[str, Any], path: _Path, junk: object) -> dict[str, Any]:
    damaged = copy.deepcopy(raw)
    parent = damaged
    for key in path[:-1]:
        parent = parent[key]
    if junk == "missing":
        del parent[path[-1]]
    else:
        parent[path[-1]] = junk
    return damaged


_JUNK: st.SearchStrategy[object] = st.sampled_from(
    ["missing", None, "", 7, [], {}, [None], "2026-13-45T99:00:00Z"]
)


@given(st.sampled_from(_paths(SERVICE)), st.sampled_from(_paths(TASK)), _JUNK)
def test_any_field_may_be_missing_or_of_another_kind(
    in_service: _Path, in_task: _Path, junk: object
) -> None:
    service, task = _damage(SERVICE, in_service, junk), _damage(TASK, in_task, junk)

    look = comparison.look_from(service, [task], None, [NODE], 1.0)

    assert look.service is not None
    assert len(look.tasks) == 1
    assert hash(look.service.template) == hash(wire.service_from(service).template)


@given(st.sampled_from(_paths(NODE)), _JUNK)
def test_any_field_of_a_node_may_be_missing(path: _Path, junk: object) -> None:
    node = wire.node_from(_damage(NODE, path, junk))

    assert isinstance(node.state, NodeState)
