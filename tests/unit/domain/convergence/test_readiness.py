"""Services with a readiness probe: running tasks count only once they are ready."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.convergence.machine import Convergence, ConvergenceLimits, question
from bot.domain.convergence.probe_spec import (
    LABEL,
    HttpStatus,
    ProbeKind,
    ProbeSpec,
    Reading,
    Unlike,
    Unreached,
    Workers,
)
from bot.domain.swarm.model import Look, RestartCondition, Service, Task
from bot.domain.swarm.reachability import Reach
from tests.unit.looks import (
    BEGAN,
    NODES,
    PREPARING,
    REMOVE,
    Machine,
    a_goal,
    a_service,
    a_task,
    failed,
)

DASK = "dask://scheduler:8787"
WEB = "http://django:8000/ready"


def probed(label: str = DASK, replicas: int | None = 3, **values: object) -> Service:
    """The service with a probe."""
    return a_service(replicas, labels={LABEL: label}, **values)


def workers(*slots: int) -> tuple[Task, ...]:
    """A running task for each slot, at 10.0.1.SLOT."""
    return tuple(a_task(f"r{slot}", slot, addresses=(f"10.0.1.{slot}",)) for slot in slots)


def registered(*slots: int) -> Workers:
    """The scheduler's answer when the workers at these addresses have registered."""
    return Workers(tuple(f"10.0.1.{slot}" for slot in slots))


def test_it_converges_only_when_all_running_tasks_are_registered():
    machine = Machine(a_goal(3), probed())

    assert machine.see(0, *workers(1, 2), reading=registered(1)).outcome is None
    assert machine.see(20, *workers(1, 2, 3), reading=registered(1, 2)).outcome is None
    assert machine.see(40, *workers(1, 2, 3), reading=registered(1, 2, 3)).outcome is None
    assert machine.see(44.9, *workers(1, 2, 3), reading=registered(1, 2, 3)).outcome is None
    found = machine.see(45, *workers(1, 2, 3), reading=registered(1, 2, 3)).outcome
    assert found is not None
    assert found.verdict.value == "converged"
    assert found.reason == (
        "3/3 running, stable for 5 s; 3 of 3 registered at dask://scheduler:8787."
    )


def test_the_progress_shows_how_many_are_registered():
    machine = Machine(a_goal(3), probed())

    some = machine.see(0, *workers(1, 2, 3), reading=registered(1, 2))
    all_ = machine.see(1, *workers(1, 2, 3), reading=registered(1, 2, 3))

    assert some.progress.phase == "3/3 running; 2 of 3 registered at dask://scheduler:8787"
    assert some.look_again_in == 1.0
    assert all_.progress.phase == (
        "all running, 3 of 3 registered at dask://scheduler:8787; must stay stable for 5 s"
    )


def test_a_worker_that_leaves_the_scheduler_restarts_the_hold():
    machine = Machine(a_goal(1), probed(replicas=1))
    machine.see(0, *workers(1), reading=registered(1))
    machine.see(3, *workers(1), reading=registered())

    assert machine.see(6, *workers(1), reading=registered(1)).outcome is None
    assert machine.see(10.9, *workers(1), reading=registered(1)).outcome is None
    assert machine.see(11, *workers(1), reading=registered(1)).outcome is not None


def test_workers_of_other_services_and_stale_workers_do_not_count():
    """Three workers are registered, but none of them is a task of this service."""
    machine = Machine(a_goal(3), probed())
    others = Workers(("10.0.1.77", "10.0.1.78", "10.0.1.79"))

    machine.see(0, *workers(1, 2, 3), reading=others)
    found = machine.see(901, *workers(1, 2, 3), reading=others).outcome

    assert found is not None
    assert found.verdict.value == "timed_out"
    assert found.reason == (
        "3/3 running after 15 min: 0 of 3 registered at dask://scheduler:8787, not registered: "
        "slot 1 on photon-machine-01, slot 2 on photon-machine-01, slot 3 on photon-machine-01; "
        "the scheduler knows 3 at other addresses."
    )
    assert "without `--contact-address`" in found.advice


def test_workers_at_other_addresses_are_reported_while_no_task_is_registered():
    """If some have their own, the others are just starting; workers elsewhere may be foreign."""
    machine = Machine(a_goal(3), probed())
    others = Workers(("10.0.1.77", "10.0.1.78", "10.0.1.79"))
    mixed = Workers(("10.0.1.1", "10.0.1.1", "10.0.1.78", "10.0.1.79"))

    none = machine.see(0, *workers(1, 2, 3), reading=others).progress
    some = machine.see(1, *workers(1, 2, 3), reading=mixed).progress
    late = machine.see(901, *workers(1, 2, 3), reading=mixed).outcome

    assert none.phase.endswith("0 of 3 registered at dask://scheduler:8787; the scheduler knows 3"
                               " at other addresses")  # fmt: skip
    assert some.phase == "3/3 running; 1 of 3 registered at dask://scheduler:8787"
    assert late is not None
    assert "the scheduler knows 2 at other addresses" in late.reason


def test_a_task_can_have_several_workers_and_addresses():
    task = a_task("r1", addresses=("10.0.9.1", "10.0.1.1"))
    machine = Machine(a_goal(1), probed(replicas=1))

    step = machine.see(0, task, reading=Workers(("10.0.1.1", "10.0.1.1")))

    assert "1 of 1 registered" in step.progress.phase


def test_on_the_host_network_each_task_needs_a_worker_at_its_nodes_address():
    machine = Machine(a_goal(3), probed())
    machine.nodes = tuple(replace(n, address=f"192.0.2.{n.id[1:]}") for n in NODES)
    tasks = (a_task("a", 1), a_task("b", 2), a_task("c", 3, node="n2"))

    step = machine.see(0, *tasks, reading=Workers(("192.0.2.1", "192.0.2.2")))

    assert "2 of 3 registered" in step.progress.phase


def test_a_global_service_names_the_nodes_that_lack_a_worker():
    machine = Machine(a_goal(None), probed(replicas=None))
    tasks = tuple(a_task(f"g{n.id}", 0, node=n.id, addresses=(f"10.0.1.{n.id}",)) for n in NODES)
    there = Workers(tuple(f"10.0.1.{n.id}" for n in NODES[1:]))

    found = machine.see(901, *tasks, reading=there).outcome

    assert found is not None
    assert "not registered: photon-machine-01." in found.reason


NOWHERE = [
    (Reach.UNRESOLVED, "the bot cannot resolve `scheduler`"),
    (Reach.SILENT, f"the bot gets no answer from {DASK}"),
    (Reach.UNREACHABLE, f"the bot cannot reach {DASK}"),
]
NO_SCHEDULER = [
    (Unreached(Reach.REFUSES), f"nothing listens at {DASK} yet"),
    (Unlike("it answers 404"), f"{DASK} does not answer as a Dask scheduler: it answers 404"),
]


@pytest.mark.parametrize(
    ("reading", "words", "hint"),
    [
        *((Unreached(reach), words, True) for reach, words in NOWHERE),
        *((reading, words, False) for reading, words in NO_SCHEDULER),
    ],
)
def test_an_unreachable_probe_is_reported_at_once_and_never_converges(
    reading: Reading, words: str, hint: bool
):
    machine = Machine(a_goal(3), probed())

    first = machine.see(0, *workers(1, 2, 3), reading=reading)
    assert machine.see(899, *workers(1, 2, 3), reading=reading).outcome is None
    found = machine.see(900, *workers(1, 2, 3), reading=reading).outcome

    assert first.progress.phase.startswith(f"3/3 running; registration not verified: {words}")
    assert ("it must share a network with it" in first.progress.phase) is hint
    assert found is not None
    assert found.verdict.value == "timed_out"
    assert found.reason == (f"3/3 running after 15 min: registration not verified because {words}.")
    assert ("Attach the bot" in found.advice) is hint


def test_an_http_probe_waits_for_2xx():
    machine = Machine(a_goal(1), probed(WEB, 1))

    first = machine.see(0, *workers(1), reading=HttpStatus(503))
    machine.see(10, *workers(1), reading=HttpStatus(302))
    machine.see(20, *workers(1), reading=HttpStatus(204))
    found = machine.see(25, *workers(1), reading=HttpStatus(204)).outcome

    assert first.progress.phase == f"1/1 running; {WEB} answers 503, expected 2xx"
    assert found is not None
    assert found.reason == (f"1/1 running, stable for 5 s; {WEB} answers 204.")


def test_a_failing_http_probe_is_reported_at_the_time_limit():
    machine = Machine(a_goal(1, limits=ConvergenceLimits(time_limit=60)), probed(WEB, 1))

    found = machine.see(60, *workers(1), reading=HttpStatus(503)).outcome

    assert found is not None
    assert found.reason == f"1/1 running after 1 min: {WEB} answers 503, expected 2xx."


def test_an_invalid_label_fails_after_everything_else_and_says_how_to_correct_it():
    machine = Machine(a_goal(3), probed("dask:/scheduler"))

    first = machine.see(0, *workers(1, 2, 3))
    assert machine.see(4.9, *workers(1, 2, 3)).outcome is None
    found = machine.see(5, *workers(1, 2, 3)).outcome

    assert "`orochi-bot.probe` is not valid (dask:/scheduler)" in first.progress.phase
    assert found is not None
    assert found.verdict.value == "failed"
    assert found.reason.startswith("3/3 running, but readiness is unknown: ")
    assert found.advice == "Correct the label `orochi-bot.probe` and deploy again."


def test_failures_are_reported_before_a_probe():
    machine = Machine(a_goal(1), probed(replicas=1))

    dead = [failed("a"), failed("bb"), failed("ccc")]

    assert machine.verdict(0, *dead, *workers(1)) == "crash_looping"


def test_missing_tasks_are_reported_before_missing_registrations():
    machine = Machine(a_goal(2), probed(replicas=2))

    found = machine.see(900, *workers(1), a_task("p", 2, PREPARING), reading=registered()).outcome

    assert found is not None
    assert found.reason == (
        "1/2 running after 15 min: slot 2 preparing on photon-machine-01 for 0 s."
    )


def test_a_probe_does_not_delay_a_scale_down():
    machine = Machine(a_goal(1), probed(replicas=1))
    leaving = a_task("r2", 2, desired=REMOVE)

    assert machine.see(0, *workers(1), leaving, reading=registered(1)).outcome is None
    found = machine.see(1, *workers(1), reading=registered(1)).outcome

    assert found is not None
    assert found.verdict.value == "converged"


def test_no_probe_without_tasks():
    machine = Machine(a_goal(0), probed(replicas=0))

    assert machine.outcome(0).reason == "All tasks have stopped."


def test_no_probe_during_the_probation():
    machine = Machine(a_goal(1), probed(replicas=1), since=0)
    machine.see(0, *workers(1))

    assert machine.verdict(60, *workers(1)) == "converged"


@pytest.mark.parametrize(
    ("service", "tasks", "asked"),
    [
        (probed(), workers(1), ProbeSpec(ProbeKind.DASK, "scheduler", 8787)),
        (probed(), (a_task("p", 1, PREPARING),), None),
        (probed(replicas=0), workers(1), None),
        (probed("wrong"), workers(1), None),
        (probed(restart=RestartCondition.NONE), workers(1), None),
        (a_service(3), workers(1), None),
        (None, (), None),
    ],
)
def test_the_probe_of_each_service(
    service: Service | None, tasks: tuple[Task, ...], asked: ProbeSpec | None
):
    look = Look(BEGAN, service, tasks, NODES)

    assert question(Convergence.start(a_goal()), look) == asked
    assert question(Convergence.on_probation(a_goal(), BEGAN), look) is None
