"""The predicted effects of a drain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.errors import RefusedError
from bot.domain.operations.drain_plan import arrivals, check_room, plan_drain
from bot.domain.swarm.model import (
    Availability,
    Mode,
    Node,
    NodeState,
    Resources,
    Service,
    StackLook,
    Task,
)
from tests.unit.looks import NODES, a_service, a_task, running

CORE = 10**9
THREE = tuple(
    replace(each, resources=Resources(2 * CORE, 2**30), generic=(("GPU", 3),)) for each in NODES[:3]
)
FIRST = THREE[0]
PINNED = {"constraints": ("node.hostname == photon-machine-01",)}
HALF = {"reservation": Resources(nano_cpus=CORE)}


def named(name: str, replicas: int | None = 1, **values: object) -> Service:
    return replace(a_service(replicas, **values), id=name, name=f"orochi_{name}", stack="orochi")


def on(service: Service, *node_ids: str) -> tuple[Task, ...]:
    """The service's tasks, one on each of these nodes."""
    return tuple(
        replace(
            task,
            id=f"{service.id}{number}",
            service_id=service.id,
            node_id=node_id,
            reservation=service.reservation,
            host_ports=service.host_ports,
        )
        for number, (task, node_id) in enumerate(
            zip(running(*range(1, len(node_ids) + 1)), node_ids, strict=True)
        )
    )


def swarm(
    *tasks: Task, services: tuple[Service, ...], nodes: tuple[Node, ...] = THREE
) -> StackLook:
    return StackLook(0.0, "", services, tasks, nodes)


def test_moving_and_ending_services_and_jobs_are_named():
    web, agent = named("web", 3), named("agent", mode=Mode.GLOBAL)
    job = named("migrate", mode=Mode.REPLICATED_JOB)
    tasks = (*on(web, "n1", "n1", "n2"), *on(agent, "n1", "n2", "n3"), *on(job, "n1"))

    plan = plan_drain(FIRST, swarm(*tasks, services=(web, agent, job)))

    assert plan.sentences == (
        "2 tasks move to other nodes: `orochi_web` (2).",
        "Global services that stop here: `orochi_agent`.",
        "Jobs whose task stays here until it ends: `orochi_migrate`.",
    )
    assert plan.warnings == ()


def test_services_that_start_on_an_activated_node_are_named():
    agent, elsewhere = named("agent", None), named("elsewhere", None, **PINNED)
    look = swarm(services=(agent, elsewhere))

    assert arrivals(THREE[1], look) == ("Global services that start here: `orochi_agent`.",)
    assert arrivals(THREE[1], swarm(services=(elsewhere,))) == ()


def test_nothing_is_predicted_if_no_service_is_affected():
    web = named("web")

    assert plan_drain(FIRST, swarm(*on(web, "n2"), services=(web,))).sentences == ()


@pytest.mark.parametrize(
    ("values", "nodes", "said"),
    [
        pytest.param(
            PINNED,
            ("n1",),
            "`orochi_web`: its task fits on no other node"
            " (2 nodes: constraint node.hostname == photon-machine-01 not met).",
            id="constraint",
        ),
        pytest.param(
            {"max_per_node": 1},
            ("n1", "n2", "n3"),
            "`orochi_web`: its task fits on no other node"
            " (2 nodes: has its 1 of at most 1 a node).",
            id="replicas per node",
        ),
        pytest.param(
            {"reservation": Resources(memory=2**29)},
            ("n1", "n1", "n2", "n2", "n3"),
            "`orochi_web`: 1 of its 2 tasks fit on no other node"
            " (2 nodes: needs 512 MiB of memory, 0 B free).",
            id="memory",
        ),
        pytest.param(
            {"host_ports": ("80/tcp",)},
            ("n1", "n2", "n3"),
            "`orochi_web`: its task fits on no other node (2 nodes: host port 80/tcp taken).",
            id="host port",
        ),
        pytest.param(
            {"reservation": Resources(generic=(("GPU", 2),))},
            ("n1", "n2", "n3"),
            "`orochi_web`: its task fits on no other node (2 nodes: needs 2 GPU, 1 free).",
            id="generic resource",
        ),
    ],
)
def test_unplaceable_services_are_predicted_with_the_reason(
    values: dict[str, object], nodes: tuple[str, ...], said: str
):
    web = named("web", len(nodes), **values)
    plan = plan_drain(FIRST, swarm(*on(web, *nodes), services=(web,)))

    assert plan.warnings == (said,)
    with pytest.raises(RefusedError) as refused:
        check_room(FIRST, plan, "/orochi")
    assert said in refused.value.sentence
    assert "`/orochi drain photon-machine-01 --yes`" in refused.value.hint


def test_services_that_move_together_share_the_free_resources():
    """Each would fit alone: one core is free on each of the other nodes."""
    one, two = named("one", 1, **HALF), named("two", 3, **HALF)
    stays = named("stays", 2, **HALF)
    tasks = (*on(one, "n1"), *on(two, "n1", "n1"), *on(stays, "n2", "n3"))

    plan = plan_drain(FIRST, swarm(*tasks, services=(one, two, stays)))

    assert plan.warnings == (
        "`orochi_two`: 1 of its 2 tasks may fit on no other node (2 nodes: needs 1 CPU, 0 free).",
    )


def test_services_that_fit_give_no_warning_and_no_refusal():
    web = named("web", 2, **HALF)
    plan = plan_drain(FIRST, swarm(*on(web, "n1", "n1"), services=(web,)))

    assert plan.warnings == ()
    check_room(FIRST, plan, "/orochi")


def test_tasks_that_are_being_stopped_need_no_room():
    web = named("web", 1, **PINNED)
    stopping = replace(on(web, "n1")[0], desired=a_task("x", 1).state.SHUTDOWN)

    assert plan_drain(FIRST, swarm(stopping, services=(web,))).sentences == ()


def test_nothing_is_predicted_while_a_node_is_unknown():
    """After an election nodes are unknown for half a minute, then most are ready."""
    unknown = (FIRST, THREE[1], replace(THREE[2], state=NodeState.UNKNOWN))
    web = named("web", 1, constraints=("node.hostname == photon-machine-03",))

    plan = plan_drain(FIRST, swarm(*on(web, "n1"), services=(web,), nodes=unknown))

    assert plan.warnings == ()


def test_a_node_that_is_drained_already_is_not_refused():
    web = named("web", 1, **PINNED)
    drained = replace(FIRST, availability=Availability.DRAIN)

    check_room(drained, plan_drain(drained, swarm(*on(web, "n1"), services=(web,))), "/orochi")


def test_surplus_services_are_counted_at_the_end():
    many = tuple(named(f"s{number}", 1, **PINNED) for number in range(9))
    tasks = tuple(task for each in many for task in on(each, "n1"))

    warnings = plan_drain(FIRST, swarm(*tasks, services=many)).warnings

    assert len(warnings) == 7
    assert warnings[-1] == "And 3 more services."
