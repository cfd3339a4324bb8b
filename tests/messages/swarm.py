"""The swarm that the samples are about, and the machine that judges looks at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bot.domain.convergence.machine import Convergence, Goal, StepResult, step
from bot.domain.convergence.probe_spec import Reading
from bot.domain.swarm.model import (
    Availability,
    Look,
    Mode,
    Node,
    NodeState,
    Resources,
    Service,
    StackLook,
    Task,
    TaskState,
    UpdateState,
)
from tests.messages.sample import AT

GIB = 2**30
SIZE = Resources(4 * 10**9, 8 * GIB)
NODES = (
    Node(
        "v1xq7k2m9w4t",
        "photon-machine-01",
        role="manager",
        manager="leader",
        address="192.0.2.11",
        engine_version="28.2.2",
        resources=SIZE,
    ),
    Node(
        "b8n3c5j6h0pz",
        "photon-machine-02",
        address="192.0.2.12",
        engine_version="28.2.2",
        resources=SIZE,
    ),
    Node(
        "r4f2d7s1y9ua",
        "photon-machine-03",
        address="192.0.2.13",
        engine_version="27.5.1",
        resources=SIZE,
    ),
)
N1, N2, N3 = (node.id for node in NODES)
NOT_STARTED = {
    "Pull denied": "error from registry: unauthorized: authentication required",
    "Pull failed": 'Get "https://registry.example.com/v2/": dial tcp: lookup registry.example.com: '
    "no such host",
    "Network failed": "starting container failed: driver failed programming external connectivity "
    "on endpoint web.1: Bind for 0.0.0.0:8080 failed: port is already allocated",
    "Config failed": "OCI runtime create failed: error mounting "
    '"/var/lib/docker/containers/4be1/mounts/configs/9zq0" to rootfs at "/etc/nginx/conf.d": not a '
    "directory",
}
"""Errors of engines that have a verdict and a cause of their own, by its headline."""
DONE = TaskState.SHUTDOWN


def a_service(name: str, replicas: int | None = 1, **values: Any) -> Service:
    """A service of the stack orochi, global where it has no number."""
    mode = values.pop("mode", Mode.GLOBAL if replicas is None else Mode.REPLICATED)
    defaults: dict[str, Any] = {
        "image": f"registry.example.com/{name}:2.4",
        "stack": "orochi",
        "template": "v1",
    }
    return Service(f"{name}-id", f"orochi_{name}", 7, mode, replicas, **{**defaults, **values})


WORKER = a_service("worker01", 3)
DJANGO = a_service("django", 2)
ELASTIC = a_service("es01", 1)
EXPORTER = a_service("exporter", None)
MIGRATE = a_service("migrate", 2, mode=Mode.REPLICATED_JOB)


def a_task(
    service: Service,
    slot: int = 1,
    state: TaskState = TaskState.RUNNING,
    node: str = N1,
    **values: Any,
) -> Task:
    """A task, wanted to run until it ended."""
    defaults: dict[str, Any] = {
        "desired": DONE if state.over else TaskState.RUNNING,
        "since": AT - 3600,
        "created": AT - 3610,
        "image": service.image,
    }
    id_ = values.pop("id", f"{service.short_name}{slot}k3x9")
    return Task(id_, service.id, slot, node, state, **{**defaults, **values})


def running(service: Service, *slots: int, **values: Any) -> tuple[Task, ...]:
    """A running task for each slot, spread over the nodes."""
    return tuple(a_task(service, slot, node=NODES[(slot - 1) % 3].id, **values) for slot in slots)


def failed(service: Service, slot: int = 1, code: int = 1, number: int = 1, **values: Any) -> Task:
    """The ``number``-th task of a slot that ended with an exit code."""
    defaults: dict[str, Any] = {
        "err": f"task: non-zero exit ({code})",
        "exit_code": code,
        "container_id": "c",
        "id": f"{service.short_name}{slot}f{number}",
        "since": AT + 4 * number,
        "created": AT + 4 * number - 3,
        "node": N2,
    }
    return a_task(service, slot, TaskState.FAILED, **{**defaults, **values})


def rejected(service: Service, err: str, *numbers: int) -> tuple[Task, ...]:
    """Tasks of slot 3 that a node did not take."""
    return tuple(
        a_task(
            service,
            3,
            TaskState.REJECTED,
            N3,
            err=err,
            id=f"{service.short_name}3j{number}",
            since=AT + 4 * number,
            created=AT + 4 * number - 3,
        )
        for number in numbers
    )


def a_goal(service: Service, **values: Any) -> Goal:
    """What a job awaits of a service that it changed at ``AT``."""
    return Goal(service.id, service.name, began=AT, update_before=0.0, **values)


Seen = tuple[float, Service | None, Sequence[Task]]
"""Seconds since the change, the service and its tasks."""


def judged(
    goal: Goal, *looks: Seen, watching: bool = False, reading: Reading | None = None
) -> StepResult:
    """What the machine says after the last of the looks."""
    state = Convergence.on_probation(goal, AT + 5) if watching else Convergence.start(goal)
    found: StepResult | None = None
    for seconds, service, tasks in looks:
        look = Look(AT + seconds, service, tuple(tasks), NODES)
        found = step(state, look, (), AT + seconds, reading)
        state = found.state
    assert found is not None
    return found


def whole_stack(*, healthy: bool) -> StackLook:
    """The stack in one look: all well, or with trouble of every sort."""
    services = (WORKER, DJANGO, ELASTIC, EXPORTER)
    well = (
        *running(WORKER, 1, 2, 3),
        *running(DJANGO, 1, 2),
        *running(ELASTIC, 1),
        *(a_task(EXPORTER, 0, node=node.id, id=f"exporter{node.id}") for node in NODES),
    )
    if healthy:
        return StackLook(AT, "orochi", services, well, NODES)
    return StackLook(AT, "orochi", _troubled_services(), _troubled_tasks(), _troubled_nodes())


def _troubled_services() -> tuple[Service, ...]:
    paused = "update paused due to failure or early termination of task django1f1"
    return (
        replace(WORKER, limit=Resources(memory=GIB // 2)),
        a_service(
            "django",
            2,
            update=UpdateState.PAUSED,
            update_message=paused,
            update_started=AT - 300,
            can_roll_back=True,
        ),
        a_service("es01", 3, update=UpdateState.UPDATING, update_started=AT - 20),
        EXPORTER,
        a_service("flower", 0),
        a_service("redis", 1),
    )


def _troubled_tasks() -> tuple[Task, ...]:
    worker, django, elastic, exporter, _, redis = _troubled_services()
    return (
        *running(worker, 1),
        failed(worker, 2, 137, 1, since=AT - 90, created=AT - 95),
        failed(worker, 2, 137, 2, since=AT - 40, created=AT - 45),
        a_task(worker, 2, TaskState.READY, N2, id="worker2next", created=AT - 40, since=AT - 40),
        a_task(
            worker,
            3,
            TaskState.PENDING,
            "",
            err="no suitable node (insufficient resources on 2 nodes)",
            id="worker3wait",
            since=AT - 120,
            created=AT - 120,
        ),
        *running(django, 1),
        failed(django, 2, 1, 1, since=AT - 300, created=AT - 303),
        *running(elastic, 1),
        a_task(elastic, 2, TaskState.PREPARING, N2, since=AT - 12, created=AT - 20),
        a_task(elastic, 3, TaskState.STARTING, N1, since=AT - 3, created=AT - 20),
        a_task(exporter, 0, node=N1, id="exporter1"),
        a_task(exporter, 0, node=N2, id="exporter2"),
        a_task(exporter, 0, node=N3, id="exporter3"),
        *running(redis, 1),
    )


def _troubled_nodes() -> tuple[Node, ...]:
    first, second, third = NODES
    message = "heartbeat failure"
    return (
        first,
        replace(second, availability=Availability.PAUSE),
        replace(third, state=NodeState.DOWN, message=message),
    )
