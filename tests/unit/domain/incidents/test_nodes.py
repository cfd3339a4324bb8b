"""A node that goes down is one incident, not one for each of its tasks."""

from dataclasses import replace

import pytest

from bot.domain.incidents.model import IncidentState, Silence, WatcherState
from bot.domain.incidents.reducer import silence
from bot.domain.swarm.causes import CauseKind
from bot.domain.swarm.model import Availability, NodeState
from tests.unit.domain.incidents.watcher import Watcher, told
from tests.unit.looks import (
    BEGAN,
    NODES,
    PENDING,
    RUNNING,
    SHUTDOWN,
    a_service,
    a_task,
    failed,
    running,
)

DOWN = replace(NODES[0], state=NodeState.DOWN, message="heartbeat failure")
READY = NODES[0]
NO_PLACE = "no suitable node (scheduling constraints not satisfied on 4 nodes; 1 node not available"


def of_other(task):
    return replace(task, service_id="o")


def two_services() -> Watcher:
    """Two services with a task each on the first node."""
    other = a_service(1, id="o", name="stack_db")
    watcher = Watcher(services={"s": a_service(1), "o": other})
    watcher.hear(0, a_task("w"), of_other(a_task("d")), nodes=NODES, reconciled=True)
    return watcher


def lost() -> Watcher:
    """A node that went down at 10; its tasks should stop and are still reported as running."""
    watcher = two_services()
    watcher.hear(10, nodes=(DOWN,))
    watcher.hear(10.1, a_task("w", desired=SHUTDOWN), of_other(a_task("d", desired=SHUTDOWN)))
    return watcher


def test_a_node_that_stays_down_is_one_incident_with_the_affected_services():
    watcher = lost()
    assert told(watcher.wait_until(14.9)) == []

    (incident,) = told(watcher.wait_until(15))

    assert incident.key == "node:n1"
    assert (incident.service, incident.cause.kind) == ("photon-machine-01", CauseKind.NODE_DOWN)
    assert incident.cause.raw == "heartbeat failure"
    assert incident.services == ("stack_db", "stack_web")
    assert incident.began == BEGAN + 10
    assert incident.is_node


def test_tasks_of_a_lost_node_are_not_failures_when_it_comes_back():
    watcher = lost()
    watcher.wait_until(60)
    dead = [failed("w", code=137), of_other(failed("d", code=137))]

    (incident,) = told(watcher.hear(70, *dead, nodes=(READY,)))

    assert (incident.state, incident.resolution) == (
        IncidentState.RESOLVED,
        "the node is ready again",
    )
    assert watcher.open == []


def test_a_node_that_is_down_briefly_is_not_an_incident():
    watcher = lost()
    watcher.hear(13, nodes=(READY,))
    watcher.wait_until(60)

    assert told(watcher.actions) == []


@pytest.mark.parametrize("state", [NodeState.UNKNOWN, NodeState.DISCONNECTED])
def test_unknown_nodes_after_an_election_are_not_an_incident(state):
    watcher = two_services()
    watcher.hear(10, nodes=tuple(replace(node, state=state) for node in NODES))
    watcher.wait_until(40)

    assert told(watcher.actions) == []


def test_an_election_neither_resolves_nor_repeats_a_lost_node():
    watcher = lost()
    watcher.wait_until(20)
    watcher.hear(30, nodes=tuple(replace(node, state=NodeState.UNKNOWN) for node in NODES))
    watcher.hear(31, nodes=(*NODES[1:], DOWN))
    watcher.wait_until(60)

    assert len(told(watcher.actions)) == 1
    assert watcher.only.count == 1


def test_a_drained_worker_may_be_down_but_not_a_manager():
    watcher = Watcher()
    worker = replace(DOWN, availability=Availability.DRAIN)
    manager = replace(
        NODES[1], state=NodeState.DOWN, availability=Availability.DRAIN, role="manager"
    )
    watcher.hear(0, nodes=(worker, manager))
    watcher.wait_until(60)

    assert [each.service for each in told(watcher.actions)] == ["photon-machine-02"]


def test_a_removed_node_resolves_its_incident():
    watcher = lost()
    watcher.wait_until(20)

    (incident,) = told(watcher.hear(30, removed=frozenset({"n1"})))

    assert incident.resolution == "the node was removed from the swarm"


def test_a_node_missing_from_a_listing_is_removed():
    watcher = lost()
    watcher.wait_until(20)
    del watcher.nodes["n1"]

    assert told(watcher.hear(30, nodes=NODES[1:], reconciled=True))[0].resolved == BEGAN + 30


def test_a_node_that_was_down_before_the_watcher_started_is_marked_late():
    watcher = Watcher(services={"s": a_service(1)})
    left = a_task("w", desired=SHUTDOWN, created=1)
    moved = a_task("w2", node="n2", created=2)
    watcher.hear(0, left, moved, nodes=(DOWN, *NODES[1:]), reconciled=True, late=True)

    (incident,) = told(watcher.wait_until(5))

    assert (incident.late, incident.services) == (True, ("stack_web",))


def test_unplaceable_tasks_belong_to_the_nodes_incident():
    watcher = lost()
    watcher.hear(11, a_task("w2", state=PENDING, err=NO_PLACE))
    watcher.wait_until(40)

    assert [each.key for each in watcher.open] == ["node:n1"]
    assert watcher.only.unplaced == ("stack_web",)


def test_unplaceable_tasks_after_a_nodes_removal_are_their_own_incident():
    watcher = lost()
    watcher.hear(11, a_task("w2", state=PENDING, err=NO_PLACE))
    watcher.wait_until(40)
    watcher.hear(50, removed=frozenset({"n1"}))
    assert watcher.open == []

    (incident,) = told(watcher.wait_until(60))

    assert incident.cause.kind is CauseKind.UNSCHEDULABLE


def test_tasks_pending_before_do_not_belong_to_the_nodes_incident():
    watcher = two_services()
    watcher.services["x"] = a_service(1, id="x", name="stack_x")
    pending = replace(a_task("p", state=PENDING, err="no suitable node (x)"), service_id="x")
    watcher.hear(5, pending)
    watcher.hear(10, nodes=(DOWN,))
    watcher.wait_until(30)

    assert sorted(each.service for each in watcher.open) == ["photon-machine-01", "stack_x"]


def test_a_service_is_unhealthy_while_its_task_is_on_a_lost_node():
    watcher = Watcher(services={"s": a_service(1)})
    watcher.hear(0, failed("a"))
    watcher.hear(1, *running(1))
    watcher.hear(20, nodes=(DOWN,))
    watcher.wait_until(200)

    assert {each.key for each in watcher.open} == {"s|exit_code|1", "node:n1"}


def test_a_node_that_soon_goes_down_again_reopens_its_incident():
    watcher = lost()
    watcher.wait_until(20)
    watcher.hear(30, nodes=(READY,))
    watcher.hear(60, nodes=(DOWN,))
    watcher.wait_until(65)

    assert (watcher.only.count, watcher.only.reopened) == (2, 1)
    assert len({each.id for each in told(watcher.actions)}) == 1


def test_a_nodes_incident_can_be_silenced_by_its_name():
    watcher = Watcher()
    watcher.take(silence(WatcherState(), Silence("photon-machine-01", "", BEGAN + 100, "U1")))
    watcher.hear(0, nodes=(DOWN,))

    assert told(watcher.wait_until(99)) == []
    assert len(told(watcher.wait_until(100))) == 1


def test_a_failure_on_another_node_meanwhile_raises_an_alert():
    watcher = lost()

    (incident,) = told(watcher.hear(12, failed("x", node="n2", desired=RUNNING)))

    assert incident.cause.kind is CauseKind.EXIT_CODE
