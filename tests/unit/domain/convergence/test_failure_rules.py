"""Failed changes: which verdict, when, and why not earlier."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.convergence.machine import ConvergenceLimits
from bot.domain.swarm.model import Mode, NodeState, Resources, RestartCondition, Task
from tests.unit.looks import (
    COMPLETE,
    FAILED,
    NEW,
    NODES,
    PENDING,
    PREPARING,
    READY,
    REJECTED,
    REMOVE,
    RUNNING,
    SHUTDOWN,
    STARTING,
    Machine,
    a_goal,
    a_service,
    a_task,
    failed,
    nodes_with,
    running,
)

NO_NODE = "no suitable node (insufficient resources on 5 nodes)"
UNHEALTHY = "task: non-zero exit (137): dockerexec: unhealthy container"
NFS_NAME = "starting container failed: error resolving passed in network volume address: lookup x"


def crashes(count: int, **values) -> tuple[Task, ...]:
    return tuple(failed(f"{'x' * n}", 1, **values) for n in range(1, count + 1))


def waiting() -> Task:
    return a_task("next!", 1, READY, desired=READY)


def test_three_failures_of_one_slot_are_crash_looping_with_the_exit_code():
    machine = Machine(a_goal(1))

    assert machine.verdict(1, *crashes(1, code=7), waiting()) is None
    assert machine.verdict(7, *crashes(2, code=7), waiting()) is None
    outcome = machine.outcome(13, *crashes(3, code=7), waiting())
    assert outcome.verdict.value == "crash_looping"
    assert outcome.cause is not None
    assert (outcome.cause.exit_code, outcome.cause.task_id) == (7, "xxx")
    assert outcome.reason == "0/1 running; slot 1 failed 3 times: exit 7."


def test_failures_of_different_slots_do_not_add_up():
    machine = Machine(a_goal(3))
    spread = tuple(failed(f"f{slot}", slot) for slot in (1, 2, 3))
    next_ones = tuple(a_task(f"next{slot}", slot, READY, desired=READY) for slot in (1, 2, 3))

    assert machine.verdict(1, *spread, *next_ones) is None


def test_reported_failures_count_although_no_look_shows_them():
    machine = Machine(a_goal(1))
    machine.see(0, a_task("a", 1, STARTING))

    assert machine.verdict(2, waiting(), heard=crashes(3)) == "crash_looping"


def test_a_failure_both_reported_and_seen_counts_once():
    machine = Machine(a_goal(1))

    for at in range(5):
        machine.see(at, *crashes(2), waiting(), heard=crashes(2))

    assert machine.see(5, *crashes(2), waiting()).progress.failures == 2


def test_failures_before_the_change_are_ignored():
    machine = Machine(a_goal(1, known_dead=frozenset({"x", "xx"})))

    assert machine.verdict(1, *crashes(3), waiting()) is None
    assert machine.see(2, *crashes(4), waiting()).progress.failures == 2


def test_a_failed_end_of_a_stopped_task_is_ignored():
    machine = Machine(a_goal(1))
    leaving = [a_task(f"l{n}", 1, RUNNING, desired=SHUTDOWN) for n in range(3)]
    machine.see(0, *running(1), *leaving)

    step = machine.see(2, *running(1), *(failed(task.id, 1, 137) for task in leaving))

    assert step.progress.failures == 0


def test_a_task_reported_as_stopped_is_ignored_too():
    machine = Machine(a_goal(1))
    machine.see(0, *running(1))

    stopped = (a_task("x", 1, desired=SHUTDOWN), failed("x", 1, 137))

    assert machine.see(2, *running(1), heard=stopped).progress.failures == 0


def test_failed_tasks_of_a_returning_lost_node_are_ignored():
    machine = Machine(a_goal(1))
    lost = [a_task(f"l{n}", 1, node="n2", desired=SHUTDOWN) for n in range(3)]
    machine.nodes = nodes_with(NodeState.DOWN, "n2")
    machine.see(0, *running(1), *lost)
    machine.nodes = NODES

    back = [failed(task.id, 1, 137, node="n2") for task in lost]

    assert machine.see(9, *running(1), *back).progress.failures == 0


def test_a_task_moved_for_changed_constraints_is_ignored():
    machine = Machine(a_goal(1))
    moved = a_task("m", 1, REJECTED, err="assigned node no longer meets constraints")

    assert machine.see(0, moved, *running(1)).progress.failures == 0


def test_failures_of_the_old_version_do_not_fail_the_change():
    machine = Machine(a_goal(1, updates=True))

    assert machine.verdict(0, *crashes(5, up_to_date=False), waiting()) is None


@pytest.mark.parametrize(
    ("task", "service", "verdict"),
    [
        ({"code": 137}, {}, "crash_looping"),
        ({"code": 137}, {"limit": Resources(memory=2**24)}, "out_of_memory"),
        ({"code": 137, "err": UNHEALTHY}, {}, "unhealthy"),
        ({"code": 127, "err": 'starting container failed: exec: "/x": no'}, {}, "failed"),
        ({"code": 128, "err": "failed to mount local volume: mount x"}, {}, "mount_failed"),
    ],
)
def test_the_verdict_follows_the_cause(task: dict[str, Any], service: dict[str, Any], verdict: str):
    machine = Machine(a_goal(1), a_service(1, **service))

    assert machine.verdict(9, *crashes(3, **task), waiting()) == verdict


def test_an_image_that_a_node_lacks_is_missing_after_three_tries():
    machine = Machine(a_goal(1))
    tries = [
        a_task("x" * n, 1, REJECTED, err="No such image: a:1", node=f"n{n}") for n in (1, 2, 3)
    ]

    assert machine.verdict(1, *tries[:2], waiting()) is None
    assert machine.verdict(7, *tries, waiting()) == "image_missing"


def test_a_container_that_never_passed_its_health_check_and_exits_0_is_unhealthy():
    ends = [a_task("x" * n, 1, COMPLETE) for n in (1, 2, 3)]
    machine = Machine(a_goal(1), a_service(1, has_health_check=True))

    outcome = machine.outcome(9, *ends, waiting())

    assert outcome.verdict.value == "unhealthy"
    assert "or ended by itself" in outcome.reason


def test_a_container_that_was_healthy_and_exits_0_again_and_again_is_crash_looping():
    ends = [a_task("x" * n, 1, COMPLETE) for n in (1, 2, 3)]
    machine = Machine(a_goal(1), a_service(1, has_health_check=True))
    machine.see(0, *(replace(end, state=RUNNING, desired=RUNNING) for end in ends[:1]))

    assert machine.verdict(9, *ends, waiting()) == "crash_looping"


def test_a_task_that_finds_no_node_is_unschedulable_within_ten_seconds():
    machine = Machine(a_goal(5))
    lonely = a_task("p", 5, PENDING, err=NO_NODE)

    step = machine.see(0.5, *running(1, 2, 3, 4), lonely)
    assert step.look_again_in == 5.0
    outcome = machine.outcome(5.5, *running(1, 2, 3, 4), lonely)
    assert outcome.verdict.value == "unschedulable"
    assert outcome.reason == f"4/5 running; 1 task cannot be placed: {NO_NODE}."
    assert outcome.advice.endswith("or scale back: `/orochi scale stack_web 4`.")


@pytest.mark.parametrize(
    ("lack", "advice"),
    [
        ("scheduling constraints not satisfied on 3 nodes", "Correct its constraints"),
        ("unsupported platform on 3 nodes", "Use an image for the nodes' platform"),
        ("max replicas per node limit exceed", "Raise `max_replicas_per_node`"),
        ("scheduling constraints not satisfied on 2 nodes; insufficient resources on 1 node",
         "Make room"),
    ],
)  # fmt: skip
def test_the_advice_fits_what_the_nodes_lack(lack: str, advice: str):
    machine = Machine(a_goal(1, command=""))
    task = a_task("t", 1, PENDING, err=f"no suitable node ({lack})")
    machine.see(0, task)

    assert machine.outcome(10, task).advice.startswith(advice)


def test_a_task_that_waits_for_an_address_has_a_verdict_with_the_next_step():
    """Swarmkit leaves it new, without an error."""
    machine = Machine(a_goal(2))
    task = a_task("t", 2, NEW)
    machine.see(0, *running(1), task)
    assert machine.verdict(14, *running(1), task) is None

    outcome = machine.outcome(16, *running(1), task)

    assert outcome.verdict.value == "network_failed"
    assert outcome.reason.startswith("1/2 running; 1 task waits for an address")
    assert outcome.advice.startswith("Create the network anew with a larger subnet")


def test_a_task_without_a_scheduler_error_is_only_waiting():
    machine = Machine(a_goal(1))
    machine.see(0, a_task("p", 1, PENDING))

    assert machine.verdict(60, a_task("p", 1, PENDING)) is None


def test_nothing_is_unschedulable_while_an_election_hides_the_nodes():
    machine = Machine(a_goal(1))
    machine.nodes = nodes_with(NodeState.UNKNOWN, "n3")
    lonely = a_task("p", 1, PENDING, err=NO_NODE)
    machine.see(0, lonely)
    assert machine.verdict(20, lonely) is None
    machine.nodes = NODES

    assert machine.verdict(21, lonely) is None
    assert machine.verdict(26, lonely) == "unschedulable"


def test_nothing_is_unschedulable_while_a_stopping_container_will_make_room():
    machine = Machine(a_goal(1, updates=True))
    lonely = a_task("p", 1, PENDING, err=NO_NODE)
    stopping = a_task("old", 1, desired=SHUTDOWN, up_to_date=False)
    machine.see(0, stopping, lonely)

    assert machine.verdict(9, stopping, lonely) is None
    assert machine.verdict(10, lonely) == "unschedulable"


def test_a_global_service_without_an_eligible_node_is_unschedulable():
    machine = Machine(a_goal(None), a_service(None, constraints=("node.role==manager",)))

    assert machine.verdict(0) is None
    assert machine.verdict(5) == "unschedulable"


def test_one_task_that_cannot_mount_for_ten_seconds_is_mount_failed():
    machine = Machine(a_goal(1))
    stuck = a_task("t", 1, STARTING, err=NFS_NAME, exit_code=128)
    machine.see(0, a_task("t", 1, STARTING))
    machine.see(2, stuck)

    assert machine.verdict(11.9, replace(stuck, err=NFS_NAME + " on port 2")) is None
    outcome = machine.outcome(12, stuck)
    assert outcome.verdict.value == "mount_failed"
    assert "photon-machine-01" in outcome.reason


def test_a_container_that_never_started_has_no_log_to_read():
    """An option that the engine refuses: the image has nothing to do with it."""
    err = 'invalid capability: "CAP_FOO"'
    tries = tuple(a_task("t" * n, 1, REJECTED, err=err) for n in (1, 2, 3))
    outcome = Machine(a_goal(1)).outcome(9, *tries, waiting())

    assert outcome.verdict.value == "failed"
    assert "could not start: invalid capability" in outcome.reason
    assert outcome.advice == "Correct what the engine refuses, then deploy again."


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("connection refused", "Start the volume's server"),
        ("no such device", "Correct the volume's address and options"),
    ],
)
def test_the_advice_for_a_volume_depends_on_its_server(said: str, advice: str):
    err = f"error while mounting volume 'x': failed to mount local volume: mount x: {said}"
    outcome = Machine(a_goal(1)).outcome(9, *crashes(3, code=128, err=err), waiting())

    assert outcome.verdict.value == "mount_failed"
    assert outcome.advice.startswith(advice)


def test_exit_0_completes_a_service_that_restarts_on_failure_only():
    """It did what it was told; the others of its tasks must be stable as always."""
    service = a_service(2, restart=RestartCondition.ON_FAILURE)
    ended = [a_task(f"e{slot}", slot, COMPLETE) for slot in (1, 2)]
    machine = Machine(a_goal(2), service)
    machine.see(0, ended[0], *running(2))

    assert machine.verdict(4.9, ended[0], *running(2)) is None
    outcome = machine.outcome(5, ended[0], *running(2))
    assert outcome.verdict.value == "converged"
    assert outcome.reason.startswith("1/2 running, 1 ended with exit 0, stable")
    assert Machine(a_goal(2), service).verdict(0, *ended) == "completed"


def test_a_slot_with_a_health_check_that_ended_with_exit_0_and_is_not_restarted_has_failed():
    """It may have been stopped as unhealthy."""
    service = a_service(1, restart=RestartCondition.ON_FAILURE, has_health_check=True)
    machine = Machine(a_goal(1), service)
    ended = a_task("a", 1, COMPLETE)
    machine.see(0, ended)

    assert machine.verdict(1.9, ended) is None
    outcome = machine.outcome(2, ended)
    assert outcome.verdict.value == "failed"
    assert "policy `on-failure`" in outcome.reason


def test_a_slot_that_ended_before_the_change_prevents_convergence():
    goal = a_goal(2, known_dead=frozenset({"a"}))
    service = a_service(2, restart=RestartCondition.ON_FAILURE, has_health_check=True)
    machine = Machine(goal, service)
    ended = a_task("a", 1, COMPLETE)
    machine.see(0, ended, *running(2))

    assert machine.verdict(2, ended, *running(2)) == "failed"


def test_a_slot_whose_restarts_are_used_up_has_failed_after_its_restart_delay():
    machine = Machine(a_goal(1), a_service(1, max_attempts=1, restart_delay=8.0))
    machine.see(0, *crashes(2))

    assert machine.verdict(12.9, *crashes(2)) is None
    outcome = machine.outcome(13, *crashes(2))
    assert outcome.verdict.value == "failed"
    assert "its 1 restart is used up" in outcome.reason
    assert outcome.cause is not None
    assert outcome.cause.exit_code == 1


def test_the_gap_before_a_replacement_is_not_a_failure():
    machine = Machine(a_goal(1), a_service(1, restart_delay=30.0))
    machine.see(0, *crashes(1))

    assert machine.verdict(31, *crashes(1)) is None
    assert machine.verdict(32, *crashes(1), a_task("new", 1)) is None


def test_a_task_that_is_never_restarted_has_failed_with_its_exit_code():
    machine = Machine(a_goal(2), a_service(2, restart=RestartCondition.NONE))
    machine.see(0, *running(2), failed("a", 1, 3))

    outcome = machine.outcome(2, *running(2), failed("a", 1, 3))

    assert outcome.verdict.value == "failed"
    assert outcome.cause is not None
    assert outcome.cause.exit_code == 3


def test_a_job_whose_task_fails_three_times_has_failed_with_the_exit_code():
    service = a_service(2, mode=Mode.REPLICATED_JOB, restart=RestartCondition.ON_FAILURE)
    machine = Machine(a_goal(2), service)
    busy = a_task("b", 1, desired=COMPLETE)

    outcome = machine.outcome(9, *(replace(t, slot=0) for t in crashes(3, code=4)), busy)

    assert outcome.verdict.value == "failed"
    assert outcome.cause is not None
    assert outcome.cause.exit_code == 4


def test_an_old_run_of_a_job_is_ignored():
    service = a_service(
        1, mode=Mode.REPLICATED_JOB, restart=RestartCondition.ON_FAILURE, job_iteration=5
    )
    machine = Machine(a_goal(1), service)

    assert machine.verdict(9, *crashes(3, job_iteration=4)) is None


def test_the_time_limit_says_what_is_missing():
    machine = Machine(a_goal(5))
    slow = a_task("slow", 4, PREPARING, node="n2")
    machine.see(60, *running(1, 2, 3), slow)

    assert machine.verdict(899, *running(1, 2, 3), slow) is None
    outcome = machine.outcome(900, *running(1, 2, 3), slow)
    assert outcome.verdict.value == "timed_out"
    assert outcome.reason == (
        "3/5 running after 15 min: slot 4 preparing on photon-machine-02 for 14 min."
    )


def test_the_time_limit_says_when_the_swarm_created_no_tasks():
    machine = Machine(a_goal(2, limits=ConvergenceLimits(time_limit=30)))

    assert "the swarm has created no tasks for the rest" in machine.outcome(30, *running(1)).reason


def test_the_time_limit_says_when_containers_do_not_stop():
    machine = Machine(a_goal(1))

    reason = machine.outcome(900, *running(1), a_task("x", 2, desired=REMOVE)).reason

    assert "1 container has not stopped yet" in reason


def test_the_time_limit_of_a_job_says_what_still_runs():
    machine = Machine(a_goal(1), a_service(1, mode=Mode.REPLICATED_JOB))

    reason = machine.outcome(900, a_task("j", 0, desired=COMPLETE)).reason

    assert "slot 0 running on photon-machine-01" in reason


def test_a_task_that_failed_before_its_desired_state_changed_counts_once():
    machine = Machine(a_goal(1))
    early = failed("f", 1, desired=RUNNING)
    machine.see(0, early)

    step = machine.see(1, replace(early, desired=SHUTDOWN, state=FAILED), waiting())

    assert step.progress.failures == 1


def test_a_failure_between_two_listings_counts_once_the_next_look_confirms_it():
    machine = Machine(a_goal(1))
    machine.see(0, *(replace(task, up_to_date=False) for task in crashes(3)), waiting())

    assert machine.verdict(1, *crashes(3), waiting()) == "crash_looping"


def test_earlier_failures_of_a_restored_version_are_ignored():
    machine = Machine(a_goal(1, updates=True))
    machine.see(0, *(replace(task, up_to_date=False) for task in crashes(3)), waiting())
    machine.service = replace(machine.service, template="v0")

    assert machine.verdict(1, *crashes(3), waiting()) is None


@pytest.mark.parametrize("restart", [RestartCondition.NONE, RestartCondition.ON_FAILURE])
def test_the_task_of_a_job_is_lost_with_its_node(restart: RestartCondition):
    """The swarm leaves it as it was and starts no other; a node that is back soon is waited for."""
    job = a_service(1, mode=Mode.REPLICATED_JOB, restart=restart)
    machine = Machine(a_goal(1), job)
    task = a_task("t", 0, RUNNING, node="n2", desired=COMPLETE)
    machine.see(0, task)
    machine.nodes = nodes_with(NodeState.DOWN, "n2")

    step = machine.see(5, task)
    assert step.look_again_in == 30.0
    assert "waiting for photon-machine-02, which is down" in step.progress.phase
    machine.nodes = NODES
    assert machine.verdict(20, task) is None
    machine.nodes = nodes_with(NodeState.DOWN, "n2")
    assert machine.verdict(30, task) is None
    outcome = machine.outcome(60, task)

    assert outcome.verdict.value == "failed"
    assert outcome.reason == (
        "0/1 ended with exit 0; the node photon-machine-02 was lost before the task ended, so it is"
        " unknown how far it came."
    )


def test_advice_for_a_service_without_a_stack_means_that_service():
    """A stack may have a service with the same short name."""
    machine = Machine(a_goal(1), a_service(1, stack=""))

    for number in (1, 2):
        machine.see(number, *(failed(f"f{each}") for each in range(number)))
    outcome = machine.outcome(3, *(failed(f"f{each}") for each in range(3)))

    assert "`/orochi logs /stack_web`" in outcome.advice
