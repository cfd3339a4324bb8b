"""The probation after a verdict: what confirms it, revises it, or ends it silently."""

from __future__ import annotations

import pytest

from bot.domain.convergence.machine import ConvergenceLimits
from bot.domain.swarm.model import RestartCondition, Service
from tests.unit.looks import (
    COMPLETE,
    PENDING,
    READY,
    Machine,
    a_goal,
    a_service,
    a_task,
    failed,
    running,
)


def on_probation(replicas: int = 1, **values) -> Machine:
    return Machine(a_goal(replicas, **values), since=10.0)


def test_a_probation_without_failures_confirms_the_verdict_at_its_end():
    machine = on_probation()
    assert machine.see(10, *running(1)).look_again_in == 60.0

    assert machine.verdict(69, *running(1)) is None
    outcome = machine.outcome(70, *running(1))
    assert (outcome.verdict.value, outcome.provisional) == ("converged", False)


def test_a_probation_taken_over_late_ends_on_time():
    machine = on_probation()
    machine.see(50, *running(1))

    assert machine.verdict(70, *running(1)) == "converged"


def test_a_failure_during_the_probation_restarts_it():
    machine = on_probation()
    machine.see(10, *running(1))
    machine.see(40, failed("r1"), a_task("b", 1, READY, desired=READY))
    machine.see(45, failed("r1"), a_task("b"))

    assert machine.verdict(104, failed("r1"), a_task("b")) is None
    assert machine.verdict(105, failed("r1"), a_task("b")) == "converged"


def test_three_failures_of_a_slot_during_the_probation_revise_the_verdict():
    machine = on_probation()
    tries = [failed("x" * n, code=7) for n in (1, 2, 3)]
    machine.see(10, *running(1))
    machine.see(20, *tries[:1], a_task("b"))
    machine.see(30, *tries[:2], a_task("c"))

    outcome = machine.outcome(40, *tries, a_task("d"))

    assert (outcome.verdict.value, outcome.provisional) == ("crash_looping", False)


def test_failures_between_the_change_and_the_probation_count():
    machine = on_probation(known_dead=frozenset({"x"}))
    tries = [failed("x" * n, code=7) for n in (1, 2, 3, 4)]
    machine.see(10, *tries[:3], a_task("b"))

    assert machine.verdict(20, *tries, a_task("c")) == "crash_looping"


def test_a_slot_that_stops_for_good_in_the_probation_revises_the_verdict():
    service = a_service(1, restart=RestartCondition.ON_FAILURE, has_health_check=True)
    machine = Machine(a_goal(1), service, since=10.0)
    machine.see(10, *running(1))
    machine.see(20, a_task("r1", 1, COMPLETE))

    assert machine.verdict(22, a_task("r1", 1, COMPLETE)) == "failed"


@pytest.mark.parametrize("service", [a_service(5), a_service(1, template="v2")])
def test_a_change_by_somebody_else_ends_the_probation_silently(service: Service):
    machine = on_probation()
    machine.see(10, *running(1))
    machine.service = service

    outcome = machine.outcome(20, *(failed("x" * n) for n in (1, 2, 3)))

    assert (outcome.verdict.value, outcome.provisional) == ("converged", False)


def test_a_removal_ends_the_probation_silently():
    machine = on_probation()
    machine.see(10, *running(1))

    step = machine.see(20, gone=True)

    assert step.outcome is not None
    assert (step.outcome.verdict.value, step.outcome.provisional) == ("converged", False)


def test_a_task_lost_without_a_failure_does_not_revise_the_verdict():
    machine = on_probation(limits=ConvergenceLimits(time_limit=100))
    lonely = a_task("p", 1, PENDING, err="no suitable node (x)")
    machine.see(10, *running(1))
    machine.see(20, lonely)

    assert machine.verdict(99, lonely) is None
    assert machine.verdict(100, lonely) == "converged"


def test_a_probation_that_never_recovers_fails_at_the_time_limit():
    machine = on_probation(limits=ConvergenceLimits(time_limit=100))
    replacement = a_task("b", 1, READY, desired=READY)
    machine.see(10, *running(1))
    machine.see(40, failed("r1"), replacement)

    assert machine.verdict(99, failed("r1"), replacement) is None
    outcome = machine.outcome(100, failed("r1"), replacement)
    assert outcome.verdict.value == "failed"
    assert outcome.cause is not None


def test_a_late_convergence_is_still_watched_for_the_whole_time():
    machine = Machine(a_goal(1, limits=ConvergenceLimits(time_limit=100)), since=95.0)
    machine.see(95, *running(1))

    assert machine.verdict(101, *running(1)) is None
    assert machine.verdict(155, *running(1)) == "converged"
