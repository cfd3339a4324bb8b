"""Which node is meant, what a drain affects, and when it is done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.errors import NotFoundError, RefusedError
from bot.domain.jobs.verdict import Outcome
from bot.domain.operations.node_change import (
    NodeLook,
    activate_outcome,
    arriving_services,
    check_drain,
    drain_outcome,
    drain_overdue,
    drain_progress,
    find_node,
    gone,
    moved_services,
)
from bot.domain.swarm.free_resources import free_on, running_on, usual_version
from bot.domain.swarm.model import Availability, Mode, Node, NodeState, Resources, Task
from tests.unit.looks import COMPLETE, NODES, RUNNING, SHUTDOWN, a_service, a_task, failed

DRAIN, PAUSE, ACTIVE = Availability.DRAIN, Availability.PAUSE, Availability.ACTIVE
DRAINED = replace(NODES[0], availability=DRAIN)


def look(node: Node, *tasks: Task) -> NodeLook:
    return NodeLook(node, tasks, {"s": "stack_web"})


def word(outcome: Outcome | None) -> str | None:
    return outcome.verdict.value if outcome else None


@pytest.mark.parametrize(
    ("typed", "found"),
    [("photon-machine-02", "n2"), ("PHOTON-Machine-02", "n2"), ("n2", "n2"), ("abcd", "abcdef")],
)
def test_a_node_is_found_by_hostname_id_or_prefix_of_one(typed: str, found: str) -> None:
    nodes = [*NODES, Node(id="abcdef", hostname="other")]

    assert find_node(typed, nodes).id == found


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("photon-machine-20", "There is no node `photon-machine-20`."),
        ("abc", "There is no node `abc`."),
        ("twin", "Several nodes are named `twin`."),
        ("abcd", "Several nodes are named `abcd`."),
    ],
)
def test_unknown_and_ambiguous_nodes_are_refused(typed: str, said: str) -> None:
    twins = [Node(id="abcd1", hostname="twin"), Node(id="abcd2", hostname="twin")]

    with pytest.raises(RefusedError) as refused:
        find_node(typed, [*NODES, *twins])

    assert refused.value.sentence == said
    assert refused.value.hint


def test_the_last_active_node_is_not_drained() -> None:
    first, second, *_ = NODES
    others = (replace(second, availability=PAUSE), replace(second, id="d", state=NodeState.DOWN))

    with pytest.raises(RefusedError, match="last node"):
        check_drain(first, (first, *others))
    check_drain(first, (first, second))
    check_drain(DRAINED, (DRAINED, *others))


def test_a_drain_moves_replicated_services_with_wanted_tasks_there() -> None:
    services = [
        a_service(3),
        a_service(2, id="elsewhere"),
        a_service(None, id="global"),
        a_service(1, id="job", mode=Mode.REPLICATED_JOB),
        a_service(1, id="leaving"),
        a_service(1, id="dead"),
    ]
    tasks = [
        a_task("t1"),
        replace(a_task("t2"), service_id="elsewhere", node_id="n2"),
        replace(a_task("t3"), service_id="global"),
        replace(a_task("t4"), service_id="job"),
        replace(a_task("t5", desired=SHUTDOWN), service_id="leaving"),
        replace(failed("t6"), service_id="dead"),
    ]

    assert [service.id for service in moved_services(NODES[0], services, tasks)] == ["s"]


def test_an_active_node_gets_the_tasks_of_eligible_global_services() -> None:
    services = [
        a_service(None, id="everywhere"),
        a_service(None, id="labelled", constraints=("node.labels.disk == ssd",)),
        a_service(3, id="replicated"),
    ]

    assert [s.id for s in arriving_services(DRAINED, services)] == ["everywhere"]


def test_a_node_is_drained_when_no_container_runs_there() -> None:
    stopping = a_task("t1", 2, desired=SHUTDOWN)
    seen = look(DRAINED, stopping, failed("t2", 1))

    assert drain_outcome(seen, 2, changed=True) is None
    progress = drain_progress("node:n", seen, 2)
    assert (progress.running, progress.desired, progress.phase) == (1, 2, "1 of 2 tasks have left")
    assert [(slot.place, slot.leaving) for slot in progress.slots] == [("stack_web.2", True)]
    done = drain_outcome(look(DRAINED, failed("t2", 1)), 2, changed=True)
    assert word(done) == "converged"


def test_a_drain_of_a_drained_node_says_so() -> None:
    done = drain_outcome(look(DRAINED), 0, changed=False)

    assert done is not None
    assert done.reason.startswith("Already drained.")


def test_containers_of_a_node_that_is_down_are_not_awaited() -> None:
    down = replace(DRAINED, state=NodeState.DOWN)
    done = drain_outcome(look(down, a_task("t1")), 1, changed=True)

    assert word(done) == "converged"
    assert done is not None
    assert "is down" in done.reason


@pytest.mark.parametrize("taken_back", [ACTIVE, PAUSE])
def test_a_drain_that_somebody_reverted_is_superseded(taken_back: Availability) -> None:
    node = replace(NODES[0], availability=taken_back)

    assert word(drain_outcome(look(node), 0, changed=True)) == "superseded"


def test_a_drain_that_takes_too_long_names_what_is_left() -> None:
    late = drain_overdue(look(DRAINED, a_task("t1", 4)), 3)

    assert word(late) == "timed_out"
    assert late.reason == "1 task still runs there: stack_web.4."
    assert (late.running, late.desired) == (2, 3)


def test_a_jobs_task_is_not_reported_as_stopping() -> None:
    """The swarm leaves such a task on a drained node until it ends."""
    task = a_task("t1", 1, desired=COMPLETE)
    (slot,) = drain_progress("node:n1", look(DRAINED, task), 1).slots

    assert not slot.leaving
    assert slot.note == "job task, stays until it ends"
    assert "until it ends" in drain_overdue(look(DRAINED, task), 1).advice


@pytest.mark.parametrize(
    ("state", "late", "verdict"),
    [
        (NodeState.READY, False, "converged"),
        (NodeState.DOWN, False, "failed"),
        (NodeState.UNKNOWN, False, None),
        (NodeState.UNKNOWN, True, "failed"),
        (NodeState.DISCONNECTED, True, "failed"),
    ],
)
def test_an_active_node_has_to_be_ready(
    state: NodeState, verdict: str | None, *, late: bool
) -> None:
    outcome = activate_outcome(replace(NODES[0], state=state), changed=True, late=late)

    assert word(outcome) == verdict


def test_a_removal_or_drain_of_the_node_meanwhile_supersedes() -> None:
    assert word(gone(NotFoundError("No such node."))) == "superseded"
    assert word(activate_outcome(DRAINED, changed=True, late=False)) == "superseded"


def test_free_resources_are_those_not_reserved_by_remaining_tasks() -> None:
    node = replace(NODES[0], resources=Resources(2 * 10**9, 1000))
    half = Resources(10**9 // 2, 100)
    tasks = [
        replace(a_task("t1"), reservation=half),
        replace(a_task("t2", desired=SHUTDOWN), reservation=half),
        replace(a_task("t3"), reservation=half, node_id="n2"),
    ]

    assert free_on(node, tasks) == Resources(3 * 10**9 // 2, 900)
    assert running_on(node, tasks) == 2
    assert running_on(node, [a_task("t", state=RUNNING)]) == 1


@pytest.mark.parametrize(
    ("versions", "usual"),
    [
        ((), ""),
        (("",), ""),
        (("19.03.10", "20.10.3", "19.03.10"), "19.03.10"),
        (("9.9.9", "20.10.24+dfsg1"), "20.10.24+dfsg1"),
        (("26.1.5", "dev"), "26.1.5"),
    ],
)
def test_the_usual_version_is_that_of_most_or_the_newest(
    versions: tuple[str, ...], usual: str
) -> None:
    nodes = [Node(id=str(i), hostname="", engine_version=v) for i, v in enumerate(versions)]

    assert usual_version(nodes) == usual


@pytest.mark.parametrize(
    "typed", ["machine-03", "Machine-03", "03", "m-03", "p-m-03", "ph-mach-03"]
)
def test_a_unique_end_of_a_hostname_is_enough(typed: str) -> None:
    assert find_node(typed, NODES).id == "n3"


@pytest.mark.parametrize(("typed", "found"), [("db-host", "n6"), ("DB-", "n6"), ("host", "n7")])
def test_a_unique_part_of_a_hostname_is_enough(typed: str, found: str) -> None:
    """An end of a hostname goes first."""
    more = [Node(id="n6", hostname="eu-db-host-1"), Node(id="n7", hostname="eu-web-host")]

    assert find_node(typed, [*NODES, *more]).id == found


@pytest.mark.parametrize(
    ("typed", "count"),
    [("3", 2), ("machine-0", 5), ("photon", 6), ("m-3", 0), ("x-03", 0), ("p-03", 0), ("-", 0)],
)
def test_a_part_that_is_not_unique_names_its_nodes(typed: str, count: int) -> None:
    nodes = [*NODES, Node(id="n13", hostname="photon-machine-13")]
    with pytest.raises(RefusedError) as caught:
        find_node(typed, nodes)

    if count:
        assert caught.value.sentence == f"`{typed}` matches {count} nodes."
        assert "`photon-machine-03`" in caught.value.hint
    else:
        assert caught.value.sentence == f"There is no node `{typed}`."


def test_of_a_node_that_is_down_nobody_knows_what_has_left() -> None:
    down = look(replace(DRAINED, state=NodeState.DOWN), a_task("t1"), a_task("t2"))
    progress, done = drain_progress("n1", down, 2), drain_outcome(down, 2, changed=True)

    assert (progress.counts, progress.phase) == (
        None,
        "the node is down, its containers are unknown",
    )
    assert done is not None
    assert (done.running, done.desired) == (0, 0)
    assert done.reason == (
        "The node is down: its containers are unknown and may still run, its tasks start elsewhere."
    )
