"""When a change has converged: what counts, what must be gone, how long it must be stable."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.convergence.machine import ConvergenceLimits
from bot.domain.swarm.model import (
    Availability,
    Mode,
    NodeState,
    RestartCondition,
    Task,
    UpdateState,
)
from tests.unit.looks import (
    ASSIGNED,
    COMPLETE,
    NODES,
    PENDING,
    PREPARING,
    READY,
    REMOVE,
    RUNNING,
    SHUTDOWN,
    Machine,
    a_goal,
    a_service,
    a_task,
    failed,
    nodes_with,
    running,
)


def test_a_scale_up_converges_after_the_monitor_period_and_not_before():
    machine = Machine(a_goal(3))

    assert machine.verdict(0, *running(1)) is None
    assert machine.verdict(1, *running(1, 2, 3)) is None
    assert machine.verdict(5.9, *running(1, 2, 3)) is None
    assert machine.verdict(6.0, *running(1, 2, 3)) == "converged"


def test_the_hold_is_the_services_own_monitor_period():
    machine = Machine(a_goal(1), a_service(1, monitor=12.0))

    step = machine.see(0, *running(1))

    assert step.look_again_in == 12.0
    assert machine.verdict(11, *running(1)) is None
    assert machine.verdict(12, *running(1)) == "converged"


def test_a_wake_up_is_requested_exactly_when_the_hold_ends():
    machine = Machine(a_goal(1))
    machine.see(0, *running(1))

    assert machine.see(1.5, *running(1)).look_again_in == pytest.approx(3.5)


def test_a_converged_is_provisional_while_it_is_watched():
    assert Machine(a_goal(0)).outcome(0).provisional is False
    machine = Machine(a_goal(1))
    machine.see(0, *running(1))
    assert machine.outcome(5, *running(1)).provisional is True
    unwatched = Machine(a_goal(1, limits=ConvergenceLimits(probation=0)))
    unwatched.see(0, *running(1))
    assert unwatched.outcome(5, *running(1)).provisional is False


def test_a_failure_during_the_hold_restarts_it():
    machine = Machine(a_goal(2))
    machine.see(0, *running(1, 2))
    machine.see(3, *running(1), failed("r2", 2), a_task("b", 2, READY, desired=READY))
    machine.see(4, *running(1), failed("r2", 2), a_task("b", 2))

    assert machine.verdict(8, *running(1), failed("r2", 2), a_task("b", 2)) is None
    assert machine.verdict(9, *running(1), failed("r2", 2), a_task("b", 2)) == "converged"


def test_a_reported_failure_restarts_the_hold():
    machine = Machine(a_goal(1))
    machine.see(0, *running(1))

    machine.see(3, *running(1), heard=(failed("x"),))

    assert machine.verdict(7.9, *running(1)) is None
    assert machine.verdict(8, *running(1)) == "converged"


def test_another_task_in_the_slot_restarts_the_hold_without_a_seen_failure():
    machine = Machine(a_goal(1))
    machine.see(0, *running(1))
    machine.see(4, a_task("other"))

    assert machine.verdict(8, a_task("other")) is None
    assert machine.verdict(9, a_task("other")) == "converged"


def test_a_scale_down_converges_only_when_the_last_surplus_container_stopped():
    machine = Machine(a_goal(1))
    leaving = a_task("r2", 2, desired=REMOVE)

    assert machine.verdict(0, *running(1), leaving) is None
    step = machine.see(30, *running(1), leaving)
    assert step.outcome is None
    assert step.progress.phase == "waiting for 1 surplus container to stop"
    assert machine.verdict(31, *running(1)) == "converged"


def test_after_a_scale_down_slots_that_had_failures_must_hold_like_new_ones():
    machine = Machine(a_goal(1, known_dead=frozenset({"x"})))
    leaving = a_task("r2", 2, desired=REMOVE)
    machine.see(0, *running(1), failed("x"), leaving)

    assert machine.verdict(2, *running(1), failed("x")) is None
    assert machine.verdict(5, *running(1), failed("x")) == "converged"


def test_a_scale_to_zero_converges_when_nothing_runs_any_more():
    machine = Machine(a_goal(0))

    assert machine.verdict(0, *running(1, 2)) is None
    assert machine.verdict(1, *(replace(task, desired=REMOVE) for task in running(1, 2))) is None
    assert machine.verdict(9, a_task("r2", 2, desired=REMOVE)) is None
    outcome = machine.outcome(10)
    assert (outcome.verdict.value, outcome.provisional) == ("converged", False)


def test_a_scale_to_zero_does_not_converge_while_a_task_is_prepared():
    machine = Machine(a_goal(0))

    assert machine.verdict(0, a_task("a", 1, PREPARING)) is None
    assert machine.verdict(1, a_task("a", 1, PREPARING, desired=REMOVE)) is None
    assert machine.verdict(2) == "converged"


def test_a_task_that_was_never_given_a_node_leaves_no_container_behind():
    machine = Machine(a_goal(0))

    assert machine.verdict(0, a_task("a", 1, PENDING, desired=SHUTDOWN)) == "converged"


def test_an_unchanged_number_of_replicas_is_verified_too():
    machine = Machine(a_goal(3))
    machine.see(0, *running(1, 2, 3))

    assert machine.verdict(4, *running(1, 2, 3)) is None
    assert machine.verdict(5, *running(1, 2, 3)) == "converged"


def test_tasks_of_an_older_template_do_not_count_and_must_stop():
    old = a_task("old", 1, up_to_date=False)
    machine = Machine(a_goal(1))
    machine.see(0, old)
    machine.see(1, replace(old, desired=SHUTDOWN), a_task("new"))

    assert machine.verdict(7, replace(old, desired=SHUTDOWN), a_task("new")) is None
    assert machine.verdict(8, a_task("new")) == "converged"


def test_tasks_on_a_node_that_is_down_do_not_count():
    machine = Machine(a_goal(2))
    machine.nodes = nodes_with(NodeState.DOWN, "n2")
    lost = a_task("r2", 2, node="n2")
    machine.see(0, *running(1), lost)

    assert machine.see(20, *running(1), lost).progress.running == 1


def test_a_lost_nodes_tasks_are_not_surplus_and_their_replacements_count():
    machine = Machine(a_goal(2))
    machine.nodes = nodes_with(NodeState.DOWN, "n2")
    lost = a_task("r2", 2, node="n2", desired=SHUTDOWN)
    machine.see(0, *running(1), lost, a_task("new", 2, node="n3"))

    assert machine.verdict(5, *running(1), lost, a_task("new", 2, node="n3")) == "converged"


def test_nothing_converges_while_the_swarm_does_not_know_its_nodes():
    machine = Machine(a_goal(2))
    machine.see(0, *running(1, 2))
    machine.nodes = nodes_with(NodeState.UNKNOWN, "n1", "n2", "n3", "n4", "n5")
    assert machine.verdict(6, *running(1, 2)) is None
    machine.nodes = NODES

    assert machine.verdict(10, *running(1, 2)) is None
    assert machine.verdict(15, *running(1, 2)) == "converged"


def on_nodes(*ids: str, **values) -> tuple[Task, ...]:
    return tuple(a_task(f"g{id_}", 0, node=id_, **values) for id_ in ids)


def test_a_global_service_counts_the_eligible_nodes_only():
    machine = Machine(a_goal(None))
    drained = replace(NODES[4], availability=Availability.DRAIN)
    machine.nodes = (*nodes_with(NodeState.DOWN, "n4")[:4], drained)
    machine.see(0, *on_nodes("n1", "n2", "n3"))

    outcome = machine.outcome(5, *on_nodes("n1", "n2", "n3"))

    assert (outcome.verdict.value, outcome.running, outcome.desired) == ("converged", 3, 3)


def test_a_global_service_waits_for_the_drained_nodes_container_to_stop():
    machine = Machine(a_goal(None))
    machine.nodes = (*NODES[:4], replace(NODES[4], availability=Availability.DRAIN))
    stopping = on_nodes("n5", desired=SHUTDOWN)
    machine.see(0, *on_nodes("n1", "n2", "n3", "n4"), *stopping)

    assert machine.verdict(9, *on_nodes("n1", "n2", "n3", "n4"), *stopping) is None
    assert machine.verdict(10, *on_nodes("n1", "n2", "n3", "n4")) == "converged"


def test_a_global_service_keeps_the_task_on_a_paused_node():
    machine = Machine(a_goal(None))
    machine.nodes = (*NODES[:4], replace(NODES[4], availability=Availability.PAUSE))
    there = (*on_nodes("n1", "n2", "n3", "n4"), *on_nodes("n5", up_to_date=False))
    machine.see(0, *there)

    assert machine.verdict(5, *there) == "converged"


def test_a_global_service_is_not_converged_when_an_election_hides_all_nodes():
    machine = Machine(a_goal(None))
    machine.nodes = nodes_with(NodeState.UNKNOWN, "n1", "n2", "n3", "n4", "n5")

    assert machine.verdict(0) is None
    assert machine.verdict(20) is None


def test_constraints_decide_which_nodes_are_eligible():
    service = a_service(None, constraints=("node.hostname==photon-machine-02",))
    machine = Machine(a_goal(None), service)
    machine.see(0, *on_nodes("n2"))

    assert machine.outcome(5, *on_nodes("n2")).desired == 1


def completed_job(total: int, **values) -> Machine:
    service = a_service(total, mode=Mode.REPLICATED_JOB, job_iteration=2, **values)
    return Machine(a_goal(total), service)


def done(id_: str, slot: int, iteration: int = 2):
    return a_task(id_, slot, COMPLETE, desired=COMPLETE, job_iteration=iteration)


def test_a_job_is_completed_when_all_of_this_run_have_ended_with_exit_0():
    machine = completed_job(2)
    busy = a_task("b", 1, desired=COMPLETE, job_iteration=2)

    assert machine.verdict(0, done("a", 0), busy) is None
    assert machine.verdict(9, done("a", 0), done("b", 1)) == "completed"


def test_completions_of_an_earlier_run_do_not_count():
    machine = completed_job(2)

    assert machine.verdict(0, done("a", 0, iteration=1), done("b", 1, iteration=1)) is None


def test_a_service_that_never_restarts_completes_when_every_slot_ended_with_exit_0():
    machine = Machine(a_goal(2), a_service(2, restart=RestartCondition.NONE))
    ended = a_task("a", 1, COMPLETE)

    assert machine.verdict(0, ended, a_task("b", 2)) is None
    assert machine.verdict(60, ended, a_task("b", 2)) is None
    outcome = machine.outcome(61, ended, a_task("b", 2, COMPLETE))
    assert (outcome.verdict.value, outcome.provisional) == ("completed", False)


def test_completions_from_before_the_change_count():
    goal = a_goal(2, known_dead=frozenset({"a"}))
    machine = Machine(goal, a_service(2, restart=RestartCondition.NONE))

    assert machine.verdict(3, a_task("a", 1, COMPLETE), a_task("b", 2, COMPLETE)) == "completed"


def test_a_service_that_never_restarts_and_never_ends_is_converged_at_the_time_limit():
    machine = Machine(a_goal(2), a_service(2, restart=RestartCondition.NONE))
    machine.see(0, *running(1, 2))

    assert machine.verdict(899, *running(1, 2)) is None
    assert machine.verdict(900, *running(1, 2)) == "converged"


def test_nothing_converges_while_the_swarm_is_still_updating():
    machine = Machine(a_goal(1, updates=True), a_service(1, update=UpdateState.UPDATING))
    machine.see(0, *running(1))
    assert machine.verdict(60, *running(1)) is None
    machine.service = replace(machine.service, update=UpdateState.COMPLETED)

    assert machine.verdict(61, *running(1)) == "converged"


def test_progress_shows_slots_in_order_with_node_error_and_failures():
    machine = Machine(a_goal(10))
    waiting = a_task("p", 10, PENDING, err="no suitable node (x)")
    slots = machine.see(
        0, waiting, a_task("b", 2, ASSIGNED, node="n2"), failed("f", 2), *running(1)
    ).progress.slots

    assert [slot.place for slot in slots] == ["1", "2", "10"]
    assert [slot.state for slot in slots] == ["running", "assigned", "pending"]
    assert [slot.node for slot in slots] == ["photon-machine-01", "photon-machine-02", ""]
    assert slots[1].failures == 1
    assert slots[2].note == "no suitable node (x)"


def test_progress_of_a_global_service_names_nodes():
    slots = Machine(a_goal(None)).see(0, *on_nodes("n3", "n1")).progress.slots

    assert {slot.place for slot in slots} == {"photon-machine-01", "photon-machine-03"}


@pytest.mark.parametrize(
    ("tasks", "phase"),
    [
        (running(1), "1/3 running"),
        (running(1, 2, 3), "all running; must stay stable for 5 s"),
        (
            (*running(1, 2), a_task("p", 3, PENDING, err="no suitable node (why)")),
            "1 task waiting: no suitable node (why)",
        ),
    ],
)
def test_the_phase_says_what_the_job_waits_for(tasks: tuple[Task, ...], phase: str):
    assert Machine(a_goal(3)).see(0, *tasks).progress.phase == phase


def test_a_running_task_to_be_stopped_is_shown_as_leaving():
    step = Machine(a_goal(1)).see(0, *running(1), a_task("x", 2, RUNNING, desired=REMOVE))

    assert [(slot.place, slot.leaving) for slot in step.progress.slots] == [
        ("1", False),
        ("2", True),
    ]
