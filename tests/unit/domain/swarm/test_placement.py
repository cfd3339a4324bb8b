"""Placement predicts what swarmkit's scheduler does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.swarm.model import (
    Availability,
    Mode,
    Node,
    NodeState,
    Platform,
    Resources,
    Task,
    TaskState,
)
from bot.domain.swarm.placement import (
    eligible_nodes,
    explain,
    explain_full,
    supports_platform,
    unlimited,
)
from tests.unit.domain.swarm.test_constraints import CORE, GIB, NODE, SERVICE

OTHER = replace(NODE, id="n2", hostname="photon-machine-02", role="worker", labels={})
THIRD = replace(OTHER, id="n3", hostname="photon-machine-03")


def _task(number: int, node: Node, service: str = "s1", **fields: object) -> Task:
    task = Task(f"t{number}", service, number, node.id, TaskState.RUNNING, TaskState.RUNNING)
    return replace(task, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("platforms", "supported"),
    [
        ((), True),
        ((Platform("linux", "amd64"),), True),
        ((Platform("linux", ""),), True),
        ((Platform("windows", "amd64"),), False),
        ((Platform("linux", "arm64"), Platform("linux", "x86_64")), True),
        ((Platform("linux", "arm64"),), False),
    ],
)
def test_platforms(platforms: tuple[Platform, ...], supported: bool) -> None:
    assert supports_platform(replace(SERVICE, platforms=platforms), NODE) is supported


def test_a_global_service_has_the_ready_active_and_allowed_nodes() -> None:
    service = replace(SERVICE, mode=Mode.GLOBAL, replicas=None, constraints=("node.role==worker",))
    drained = replace(OTHER, id="n4", availability=Availability.DRAIN)
    paused = replace(OTHER, id="n5", availability=Availability.PAUSE)
    down = replace(OTHER, id="n6", state=NodeState.DOWN)

    assert eligible_nodes(service, (NODE, OTHER, drained, paused, down)) == (OTHER,)


def test_room_is_unlimited_without_limits() -> None:
    fit = explain(SERVICE, (NODE, OTHER), (_task(1, NODE), _task(2, OTHER)))

    assert (fit.placed, fit.room, fit.obstacles) == (2, None, ())


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"reservation": Resources(memory=1)},
        {"reservation": Resources(generic=(("gpu", 1),))},
        {"max_per_node": 2},
        {"host_ports": ("tcp/80",)},
        {"mode": Mode.GLOBAL},
        {"constraints": ("node.role == nobody",)},
    ],
)
def test_unlimited_room_is_found_without_a_look_at_the_tasks(fields: dict[str, object]) -> None:
    nodes = replace(NODE, generic=()), replace(OTHER, availability=Availability.DRAIN)
    service = replace(SERVICE, **fields)  # type: ignore[arg-type]

    assert unlimited(service, nodes) is (explain(service, nodes, ()).room is None)


def test_one_open_node_without_limits_is_enough() -> None:
    fit = explain(SERVICE, (NODE, replace(OTHER, state=NodeState.DOWN)), ())

    assert fit.room is None
    assert fit.sentences(5) == ("photon-machine-02: down",)


@pytest.mark.parametrize(
    ("need", "room"),
    [
        (Resources(0, GIB), 4 + 1),  # Other services reserve 3 of 4 GiB of the second node.
        (Resources(CORE, 0), 2 + 2),
        (Resources(CORE, 3 * GIB), 1),
        (Resources(CORE // 2, 0), 8),
    ],
)
def test_room_is_limited_by_reservations(need: Resources, room: int) -> None:
    others = tuple(_task(n, OTHER, "s2", reservation=Resources(0, GIB)) for n in range(3))

    assert explain(replace(SERVICE, reservation=need), (NODE, OTHER), others).room == room


def test_no_room_says_what_is_needed_and_what_is_free() -> None:
    service = replace(SERVICE, reservation=Resources(0, 5 * GIB))
    greedy = replace(SERVICE, reservation=Resources(2_500_000_000, 0))
    taken = _task(1, NODE, "s2", reservation=Resources(CORE // 2, GIB // 2))

    assert explain(service, (NODE,), (taken,)).sentences(3) == (
        "photon-machine-01: needs 5 GiB of memory, 3.5 GiB free",
    )
    assert explain(greedy, (NODE,), (taken,)).sentences(3) == (
        "photon-machine-01: needs 2.5 CPU, 1.5 free",
    )


@pytest.mark.parametrize(
    ("fields", "room"),
    [
        ({"state": TaskState.RUNNING}, 0),
        ({"state": TaskState.ASSIGNED}, 0),
        ({"state": TaskState.FAILED}, 1),
        ({"state": TaskState.PENDING, "node_id": ""}, 1),
        ({"desired": TaskState.SHUTDOWN}, 1),
        ({"desired": TaskState.REMOVE}, 1),
        ({"desired": TaskState.READY, "state": TaskState.READY}, 0),
        ({"desired": TaskState.COMPLETE}, 0),
    ],
)
def test_leaving_tasks_free_their_room(fields: dict[str, object], room: int) -> None:
    service = replace(SERVICE, reservation=Resources(0, 4 * GIB))
    task = _task(1, NODE, "s2", reservation=Resources(0, GIB), **fields)

    assert explain(service, (NODE,), (task,)).room == room


def test_room_is_limited_by_replicas_per_node() -> None:
    service = replace(SERVICE, max_per_node=2)
    fit = explain(service, (NODE, OTHER), (_task(1, NODE), _task(2, NODE), _task(3, OTHER)))

    assert (fit.placed, fit.room) == (3, 1)
    assert fit.sentences(3) == ("photon-machine-01: has its 2 of at most 2 a node",)


def test_a_host_port_allows_one_task_per_node() -> None:
    service = replace(SERVICE, host_ports=("80/tcp",))
    foreign = _task(1, OTHER, "s2", host_ports=("80/tcp", "443/tcp"))
    harmless = _task(2, THIRD, "s2", host_ports=("80/udp",))
    fit = explain(service, (NODE, OTHER, THIRD), (_task(3, NODE), foreign, harmless))

    assert fit.room == 1
    assert fit.sentences(3) == ("2 nodes: host port 80/tcp taken",)


def test_a_global_service_has_room_on_nodes_without_its_task() -> None:
    service = replace(SERVICE, mode=Mode.GLOBAL, replicas=None)
    fit = explain(service, (NODE, OTHER, THIRD), (_task(0, NODE),))

    assert (fit.placed, fit.room) == (1, 2)


def test_tasks_on_lost_and_drained_nodes_are_not_placed() -> None:
    down = replace(OTHER, state=NodeState.DOWN)
    drained = replace(THIRD, availability=Availability.DRAIN)
    tasks = (_task(1, NODE), _task(2, down), _task(3, drained))

    assert explain(SERVICE, (NODE, down, drained), tasks).placed == 1


def test_reasons_are_grouped_with_the_most_frequent_first() -> None:
    service = replace(SERVICE, constraints=("node.labels.disk==ssd",))
    fourth = replace(NODE, id="n4", hostname="photon-machine-04", availability=Availability.DRAIN)
    paused = replace(NODE, id="n5", hostname="photon-machine-05", availability=Availability.PAUSE)
    fit = explain(service, (fourth, paused, OTHER, THIRD), ())

    assert fit.room == 0
    assert fit.sentences(9) == (
        "2 nodes: constraint node.labels.disk == ssd not met",
        "photon-machine-04: drained",
        "photon-machine-05: paused",
    )
    assert fit.sentences(2) == (
        "2 nodes: constraint node.labels.disk == ssd not met",
        "2 more nodes",
    )
    assert fit.sentences(0) == ()


def test_a_swarm_without_nodes_has_no_room() -> None:
    assert explain(SERVICE, (), ()).room == 0


def test_why_no_more_fit_names_every_node() -> None:
    """The one that is full by now, and those that the wanted tasks fill."""
    service = replace(SERVICE, max_per_node=1)
    tasks = (_task(1, NODE),)

    assert explain(service, (NODE, OTHER), tasks).sentences(3) == (
        "photon-machine-01: has its 1 of at most 1 a node",
    )
    assert explain_full(service, (NODE, OTHER), tasks).sentences(3) == (
        "2 nodes: has its 1 of at most 1 a node",
    )
