"""What will find no node is said before a deploy, and what would be stopped for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.deploys.foreseen import Coming, Foreseen, foresee
from bot.domain.swarm.model import (
    Mode,
    Node,
    NodeState,
    Platform,
    Resources,
    Service,
    Task,
    TaskState,
)

GIB = 2**30
NODES = tuple(
    Node(
        f"n{number}",
        f"node{number}",
        platform=Platform("linux", "x86_64"),
        resources=Resources(4 * 10**9, 8 * GIB),
        plugins=(("Volume", "local"), ("Log", "json-file"), ("Network", "overlay")),
        generic=(("SSD", 2),) if number == 1 else (),
    )
    for number in (1, 2)
)


def service(replicas: int | None = 1, **more: object) -> Service:
    mode = Mode.GLOBAL if replicas is None else Mode.REPLICATED
    fields = {"stack": "s", "mode": mode, "replicas": replicas, **more}
    return Service("a1", "s_a", 1, **fields)  # type: ignore[arg-type]


def running(count: int, **more: object) -> list[Task]:
    state = TaskState.RUNNING
    return [
        Task(f"t{i}", "a1", i + 1, f"n{i % 2 + 1}", state, state, **more)  # type: ignore[arg-type]
        for i in range(count)
    ]


FITS = [
    service(),
    service(5),
    service(None),
    service(2, max_per_node=1),
    service(2, host_ports=("80/tcp",)),
    service(2, reservation=Resources(generic=(("SSD", 1),))),
    service(plugins=(("Volume", "local"), ("Log", "json-file"))),
    service(0, constraints=("node.labels.zone == eu",)),
    service(mode=Mode.REPLICATED_JOB, replicas=9, max_concurrent=1, max_per_node=1),
]


@pytest.mark.parametrize("each", FITS)
def test_what_fits_is_not_mentioned(each: Service):
    assert foresee([Coming(each)], NODES, []) == Foreseen()


LEFT = [
    (
        service(constraints=("node.labels.zone == eu",)),
        "`a` fits on no node (2 nodes: constraint node.labels.zone == eu not met).",
    ),
    (
        service(2, reservation=Resources(memory=500 * GIB)),
        ("`a`: 2 of its 2 tasks fit on no node (2 nodes: needs 500 GiB of memory, 8 GiB free)."),
    ),
    (
        service(5, max_per_node=1),
        "`a`: 3 of its 5 tasks fit on no node (at most 1 a node).",
    ),
    (
        service(3, host_ports=("8090/tcp",)),
        "`a`: 1 of its 3 tasks fits on no node (one a node: host port 8090/tcp).",
    ),
    (
        service(plugins=(("Volume", "vieux/sshfs:latest"),)),
        "`a` fits on no node (2 nodes: has no volume plugin vieux/sshfs:latest).",
    ),
    (
        service(plugins=(("Log", "loki"),)),
        "`a` fits on no node (2 nodes: has no log plugin loki).",
    ),
    (
        service(reservation=Resources(generic=(("GPU", 1),))),
        "`a` fits on no node (2 nodes: needs 1 GPU, 0 free).",
    ),
    (
        service(None, constraints=("node.labels.zone == eu",)),
        "No node may run `a` (2 nodes: constraint node.labels.zone == eu not met).",
    ),
    (
        service(None, plugins=(("Log", "loki"),)),
        "`a`: 2 of its 2 tasks do not fit on their node (2 nodes: has no log plugin loki).",
    ),
]


@pytest.mark.parametrize(("each", "sentence"), LEFT, ids=[text for _, text in LEFT])
def test_what_fits_nowhere_is_said_with_its_reason(each: Service, sentence: str):
    assert foresee([Coming(each)], NODES, []) == Foreseen((sentence,))


def test_running_tasks_that_would_be_stopped_are_a_danger():
    coming = Coming(service(2, constraints=("node.labels.zone == eu",)), replaces=True)

    found = foresee([coming], NODES, running(2))

    assert found.warnings == ()
    assert found.dangers == (
        (
            "`a`: 2 of its 2 tasks fit on no node (2 nodes: constraint node.labels.zone == eu not "
            "met). Its 2 running tasks would be stopped for them."
        ),
    )


def test_nothing_is_stopped_where_new_tasks_start_first():
    """A task that fits nowhere stops no other; one that needs an old one's place never starts."""
    constrained = service(2, constraints=("node.labels.zone == eu",))
    found = foresee([Coming(constrained, replaces=True, starts_first=True)], NODES, running(2))
    assert found.dangers == ()
    assert len(found.warnings) == 1

    ports = service(2, host_ports=("80/tcp",))
    found = foresee(
        [Coming(ports, replaces=True, starts_first=True)],
        NODES,
        running(2, host_ports=("80/tcp",)),
    )
    assert found.dangers == ()
    assert found.warnings[0].startswith("`a` starts new tasks before it stops old ones")


def test_the_places_of_replaced_tasks_are_free_again():
    ports = service(2, host_ports=("80/tcp",))

    found = foresee([Coming(ports, replaces=True)], NODES, running(2, host_ports=("80/tcp",)))

    assert found == Foreseen()


def test_tasks_that_stay_are_counted():
    """A scale keeps its tasks: only the additional ones need a place."""
    found = foresee([Coming(service(3, max_per_node=1))], NODES, running(2))

    assert found.warnings == ("`a`: 1 of its 3 tasks fits on no node (at most 1 a node).",)


def test_nothing_is_foreseen_while_a_node_is_unknown():
    nodes = (*NODES, Node("n3", "node3", state=NodeState.UNKNOWN))

    assert foresee([Coming(service(5, max_per_node=1))], nodes, []) == Foreseen()


def other(name: str, **more: object) -> Coming:
    return Coming(replace(service(), id=name, name=f"s_{name}", **more))  # type: ignore[arg-type]


def test_services_that_fit_alone_may_not_fit_together() -> None:
    """Five of 5 GiB on two nodes of 8 GiB: one on each."""
    need = Resources(memory=5 * GIB)
    found = foresee([other(name, reservation=need) for name in "abcde"], NODES, [])

    assert found == Foreseen(
        tuple(
            f"`{name}`: one task may find no node beside the other services of this plan (together "
            "they reserve too much)."
            for name in "cde"
        )
    )


def test_two_services_with_one_host_port_share_the_nodes() -> None:
    ports = ("80/tcp",)
    found = foresee(
        [other("a", host_ports=ports), other("b", host_ports=ports, replicas=2)], NODES, []
    )

    assert found.warnings == (
        (
            "`b`: one task may find no node beside the other services of this plan (both publish "
            "host port 80/tcp)."
        ),
    )


def test_what_is_replaced_makes_room_for_itself() -> None:
    need = Resources(memory=7 * GIB)
    there = [replace(each, reservation=need) for each in running(2)]
    own = replace(service(2, reservation=need), id="a1")

    assert foresee([Coming(own), other("b", host_ports=("1/tcp",))], NODES, there) == Foreseen()


def test_a_generic_resource_that_no_node_has_is_lacking_even_if_none_of_it_is_asked_for() -> None:
    asked = service(reservation=Resources(generic=(("GPU", 0),)))
    found = foresee([Coming(asked)], NODES, [])

    assert found.warnings == ("`a` fits on no node (2 nodes: has no GPU).",)
