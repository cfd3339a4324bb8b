"""Updates that the swarm pauses or rolls back, concurrent changes, and the probation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.swarm.model import LastChange, Previous, Service, Task, UpdateState
from tests.unit.looks import (
    COMPLETE,
    READY,
    REJECTED,
    SHUTDOWN,
    Machine,
    a_goal,
    a_service,
    a_task,
    failed,
    running,
)

LAST_WEEK, NOW = 100.0, 990.0


def rejected(id_: str, slot: int = 1) -> Task:
    return a_task(id_, slot, REJECTED, err="No such image: a:1")


def updated(state: UpdateState, message: str = "", *, started: float = NOW, **values) -> Service:
    return a_service(3, update=state, update_message=message, update_started=started, **values)


def updating() -> Machine:
    machine = Machine(a_goal(3, updates=True), updated(UpdateState.UPDATING))
    machine.see(0, *running(1, 2), rejected("bad", 3))
    return machine


def test_a_paused_update_is_paused_with_the_cause_of_the_task_that_it_names():
    machine = updating()
    machine.see(1, *running(1, 2), rejected("bad", 3), failed("other", 3))
    machine.service = updated(UpdateState.PAUSED, "update paused due to failure of task bad")

    outcome = machine.outcome(2, *running(1), a_task("old", 2, up_to_date=False))

    assert outcome.verdict.value == "paused"
    assert outcome.cause is not None
    assert outcome.cause.kind.value == "image_missing"
    assert "1/3 running on the new version, 1 on the old" in outcome.reason
    assert not outcome.can_roll_back
    assert outcome.advice == "Fix what fails, then go on: `/orochi resume stack_web`."


def test_tasks_that_wait_to_be_replaced_run_and_do_not_stop():
    machine = Machine(a_goal(4, updates=True), replace(updated(UpdateState.UPDATING), replicas=4))
    old = [a_task(f"old{slot}", slot, up_to_date=False) for slot in (2, 3)]
    leaving = a_task("old4", 4, desired=SHUTDOWN, up_to_date=False)

    progress = machine.see(1, *running(1), *old, leaving).progress

    assert progress.phase.startswith("1/4 running, and 2 old ones")
    assert (progress.running, progress.former) == (1, 2)
    assert [(each.former, each.leaving) for each in progress.slots] == [
        (False, False), (True, False), (True, False), (False, True),
    ]  # fmt: skip


def test_a_paused_update_offers_a_roll_back_if_possible():
    machine = Machine(a_goal(3, updates=True), updated(UpdateState.UPDATING))
    machine.see(0, *running(1, 2), rejected("bad", 3))
    machine.service = updated(UpdateState.PAUSED, can_roll_back=True)

    outcome = machine.outcome(2, *running(1), a_task("old", 2, up_to_date=False))

    assert outcome.can_roll_back
    assert outcome.advice == "Roll back: `/orochi rollback stack_web`."


def test_a_roll_back_of_a_restart_is_not_offered():
    """It would bring the same version."""
    machine = Machine(a_goal(3, updates=True), updated(UpdateState.UPDATING))
    machine.see(0, *running(1, 2), failed("bad", 3))
    previous = Previous("d", "web:1", LastChange.RESTART)
    machine.service = updated(UpdateState.PAUSED, can_roll_back=True, previous=previous)

    outcome = machine.outcome(2, *running(1), a_task("old", 2, up_to_date=False))

    assert not outcome.can_roll_back
    assert outcome.advice == "Fix what fails, then go on: `/orochi resume stack_web`."


def rolled_back() -> Machine:
    """An update from ``v0`` to ``v1`` that failed three times; the swarm is back at ``v0``."""
    machine = Machine(a_goal(3, updates=True, template="v1"), updated(UpdateState.UPDATING))
    machine.see(0, *running(1, 2), *(rejected("bad" * times, 3) for times in (1, 2, 3)))
    back = "update rolled back due to task bad"
    machine.service = updated(UpdateState.ROLLBACK_STARTED, back, template="v0")
    assert machine.verdict(1, *running(1, 2)) is None
    machine.service = updated(UpdateState.ROLLBACK_COMPLETED, "rollback completed", template="v0")
    return machine


def test_a_rolled_back_update_fails_once_the_old_version_is_stable():
    machine = rolled_back()
    assert machine.verdict(9, *running(1, 2, 3)) is None
    assert machine.verdict(13.9, *running(1, 2, 3)) is None

    outcome = machine.outcome(14, *running(1, 2, 3))

    assert outcome.verdict.value == "rolled_back"
    assert outcome.cause is not None
    assert outcome.cause.kind.value == "image_missing"
    assert "(3/3 running on the old version)" in outcome.reason
    assert "fails too" not in outcome.reason


def test_an_old_version_that_crashes_after_the_roll_back_is_named():
    machine = rolled_back()
    crashes = [failed("x" * times, 1, code=3) for times in (1, 2)]
    assert machine.verdict(9, *running(2, 3), *crashes) is None

    outcome = machine.outcome(12, *running(2, 3), *crashes, failed("xxx", 1, code=3))

    assert outcome.verdict.value == "rolled_back"
    assert outcome.cause is not None
    assert outcome.cause.kind.value == "image_missing"
    assert "The old version fails too: 2/3 running; slot 1 failed 3 times" in outcome.reason
    assert "exit 3" in outcome.reason


def test_an_old_version_that_never_runs_in_full_is_named_at_the_time_limit():
    outcome = rolled_back().outcome(900, *running(1, 2), a_task("late", 3, READY))

    assert outcome.verdict.value == "rolled_back"
    assert "The old version fails too: 2/3 running after 15 min" in outcome.reason


def test_a_paused_roll_back_is_reported_as_failed_too():
    machine = updating()
    machine.service = updated(UpdateState.ROLLBACK_PAUSED, "rollback paused due to task x")

    outcome = machine.outcome(9, *running(1))

    assert outcome.verdict.value == "paused"
    assert "so did the rollback" in outcome.reason


def test_an_update_that_ignored_failures_fails_with_the_running_count():
    machine = updating()
    tries = tuple(rejected("x" * n, 3) for n in (1, 2, 3))
    assert machine.verdict(5, *running(1, 2), *tries) is None
    machine.service = updated(UpdateState.COMPLETED, failure_action="continue")

    outcome = machine.outcome(9, *running(1, 2), *tries, a_task("next", 3, READY, desired=READY))

    assert outcome.verdict.value == "failed"
    assert outcome.reason.startswith("2/3 running; slot 3 failed 4 times")


def test_an_update_that_completed_and_runs_after_all_is_converged():
    machine = updating()
    tries = tuple(rejected("x" * n, 3) for n in (1, 2, 3))
    machine.service = updated(UpdateState.COMPLETED, failure_action="continue")
    machine.see(8, *running(1, 2, 3), *tries)

    assert machine.verdict(13, *running(1, 2, 3), *tries) == "converged"


def test_a_slow_update_still_in_progress_at_the_time_limit_is_timed_out():
    machine = Machine(a_goal(3, updates=True), updated(UpdateState.UPDATING))

    assert "still in progress" in machine.outcome(900, *running(1, 2, 3)).reason


@pytest.mark.parametrize(
    "state", [UpdateState.ROLLBACK_COMPLETED, UpdateState.COMPLETED, UpdateState.PAUSED]
)
def test_an_old_update_is_ignored(state: UpdateState):
    machine = Machine(a_goal(3, updates=True), updated(state, started=LAST_WEEK))
    machine.see(0, *running(1, 2, 3))

    assert machine.verdict(5, *running(1, 2, 3)) == "converged"


def test_a_newer_update_counts_although_it_ended_before_the_first_look():
    goal = a_goal(3, updates=True, update_before=LAST_WEEK)
    machine = Machine(goal, updated(UpdateState.ROLLBACK_COMPLETED))
    machine.see(0, *running(1, 2, 3))

    assert machine.verdict(5, *running(1, 2, 3)) == "rolled_back"


def test_the_jobs_own_roll_back_converges_when_completed():
    goal = a_goal(3, updates=True, rollback=True)
    manual = updated(UpdateState.ROLLBACK_STARTED, "manually requested rollback")
    machine = Machine(goal, manual)
    machine.see(0, *running(1, 2, 3))
    assert machine.verdict(9, *running(1, 2, 3)) is None
    machine.service = updated(UpdateState.ROLLBACK_COMPLETED, "rollback completed")

    assert machine.verdict(10, *running(1, 2, 3)) == "converged"


def test_the_jobs_own_roll_back_can_fail_and_be_paused():
    machine = Machine(a_goal(3, updates=True, rollback=True), updated(UpdateState.ROLLBACK_STARTED))
    machine.see(0, *running(1, 2), rejected("bad", 3))
    machine.service = updated(UpdateState.ROLLBACK_PAUSED, can_roll_back=True)

    outcome = machine.outcome(9, *running(1))

    assert outcome.verdict.value == "paused"
    assert outcome.reason.startswith("The rollback failed and was paused (1/3 running)")
    assert not outcome.can_roll_back


@pytest.mark.parametrize("known_dead", [frozenset({"bad"}), frozenset()])
@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("state", [UpdateState.PAUSED, UpdateState.ROLLBACK_PAUSED])
def test_a_pause_left_by_the_previous_update_is_ignored(
    state: UpdateState, *, listed: bool, known_dead: frozenset[str]
):
    """A stopped update may write its pause over the status of the roll back.

    This happens if the engine's updater is stopped while it judges a failed task; the roll back
    that stopped it continues and ends "completed".
    """
    left_behind = "update paused due to failure or early termination of task bad"
    goal = a_goal(3, updates=True, rollback=True, known_dead=known_dead, update_before=LAST_WEEK)
    machine = Machine(goal, updated(state, left_behind))
    bad = (replace(rejected("bad", 3), up_to_date=False),) if listed else ()
    verdict = machine.verdict(0, *running(1, 2), *bad)
    if not listed and not known_dead:
        assert verdict == "paused", "nothing says whose task it was"
        return
    assert verdict is None
    assert machine.verdict(4, *running(1, 2), *bad) is None
    machine.see(5, *running(1, 2, 3), *bad)
    machine.service = updated(UpdateState.COMPLETED, "update completed")

    assert machine.verdict(10, *running(1, 2, 3), *bad) == "converged"


def test_another_template_supersedes_a_change_that_replaces_tasks():
    machine = Machine(a_goal(None, updates=True, template="v1"), updated(UpdateState.UPDATING))
    machine.see(0, *running(1, 2, 3))
    machine.service = updated(UpdateState.PAUSED, template="v2")

    outcome = machine.outcome(1, *running(1, 2, 3))

    assert outcome.verdict.value == "superseded"
    assert outcome.reason == "Someone else changed its version."


def test_the_previous_template_does_not_supersede_when_the_swarm_rolls_back():
    machine = Machine(a_goal(None, updates=True, template="v1"), updated(UpdateState.UPDATING))
    machine.see(0, *running(1, 2), rejected("bad", 3))
    machine.service = updated(UpdateState.ROLLBACK_STARTED, "rolled back", template="v0")
    assert machine.verdict(1, *running(1, 2)) is None
    machine.service = updated(UpdateState.ROLLBACK_COMPLETED, template="v0")
    machine.see(4, *running(1, 2, 3))

    assert machine.verdict(9, *running(1, 2, 3)) == "rolled_back"


def test_another_number_of_replicas_does_not_supersede_a_template_change():
    machine = Machine(a_goal(None, updates=True, template="v1"), a_service(3))
    machine.see(0, *running(1, 2, 3))
    machine.service = a_service(2)
    machine.see(1, *running(1, 2))

    assert machine.verdict(6, *running(1, 2)) == "converged"


def test_replaced_tasks_are_not_failures_and_new_ones_must_stay_stable():
    machine = Machine(a_goal(None, updates=True, template="v1"), updated(UpdateState.UPDATING))
    old = [a_task(f"old{n}", n, up_to_date=False) for n in (1, 2, 3)]
    assert machine.verdict(0, *old) is None
    killed = [failed(f"old{n}", n, 137, up_to_date=False) for n in (1, 2, 3)]
    leaving = a_task("late", 4, up_to_date=False, desired=COMPLETE)
    machine.service = updated(UpdateState.COMPLETED)
    assert machine.verdict(4, *killed, *running(1, 2, 3), leaving) is None
    assert machine.verdict(5, *killed, *running(1, 2, 3)) is None

    assert machine.verdict(9, *killed, *running(1, 2, 3)) == "converged"


def test_a_roll_back_by_somebody_else_supersedes_the_update():
    machine = updating()
    machine.service = updated(UpdateState.ROLLBACK_STARTED, "manually requested rollback")
    machine.see(1, *running(1, 2))
    machine.service = updated(UpdateState.ROLLBACK_COMPLETED, "rollback completed")

    assert machine.verdict(9, *running(1, 2, 3)) == "superseded"


def test_a_roll_back_of_somebody_elses_update_does_not_supersede_a_scale():
    machine = Machine(a_goal(3), a_service(3))
    machine.see(0, *running(1, 2, 3))
    machine.service = updated(UpdateState.ROLLBACK_COMPLETED, "rollback completed")

    assert machine.verdict(5, *running(1, 2, 3)) == "converged"


def test_a_roll_back_of_the_replicas_supersedes_a_scale():
    machine = Machine(a_goal(3), a_service(3))
    machine.see(0, *running(1))
    machine.service = replace(updated(UpdateState.ROLLBACK_STARTED, "manually …"), replicas=1)

    outcome = machine.outcome(1, *running(1))

    assert outcome.verdict.value == "superseded"
    assert outcome.reason == "A rollback set it to 1; this job wanted 3."


def test_a_roll_back_of_the_replicas_by_the_swarm_is_a_rolled_back_deploy():
    machine = updating()
    machine.service = replace(
        updated(UpdateState.ROLLBACK_COMPLETED, "rollback completed"), replicas=1
    )
    machine.see(4, *running(1))

    assert machine.verdict(9, *running(1)) == "rolled_back"


def test_another_number_of_replicas_by_somebody_else_supersedes():
    machine = Machine(a_goal(3))
    machine.see(0, *running(1))
    machine.service = a_service(7)

    outcome = machine.outcome(1, *running(1))

    assert outcome.verdict.value == "superseded"
    assert outcome.reason == "Someone else set it to 7; this job wanted 3."


def test_another_change_with_the_same_number_is_followed():
    machine = Machine(a_goal(1))
    machine.see(0, *running(1))
    machine.service = a_service(1, template="v2", version=99)
    machine.see(1, replace(running(1)[0], up_to_date=False), a_task("new", 2))

    assert machine.verdict(3, a_task("new")) is None
    assert machine.verdict(8, a_task("new")) == "converged"


def test_a_version_index_that_only_rises_is_ignored():
    machine = Machine(a_goal(1))
    machine.see(0, *running(1))
    machine.service = a_service(1, version=12345)

    assert machine.verdict(5, *running(1)) == "converged"


def test_a_removed_service_supersedes():
    machine = Machine(a_goal(3))
    machine.see(0, *running(1))

    step = machine.see(1, gone=True)

    assert step.outcome is not None
    assert step.outcome.verdict.value == "superseded"
    assert step.progress.phase == "the service is gone"


def test_a_service_recreated_under_its_name_supersedes():
    machine = Machine(a_goal(3), a_service(3, id="another"))

    assert machine.verdict(0) == "superseded"


def test_an_outcome_is_final():
    machine = Machine(a_goal(1))
    machine.see(0, *running(1))
    first = machine.see(5, *running(1))

    again = machine.see(6, *(failed("x" * n) for n in (1, 2, 3)))

    assert (again.outcome, again.progress) == (first.outcome, first.progress)
    assert again.state == first.state


def test_an_update_in_progress_before_the_change_that_is_paused_later_counts():
    machine = Machine(a_goal(3, update_before=NOW), updated(UpdateState.UPDATING))
    machine.see(0, *running(1, 2), rejected("bad", 3))
    machine.service = updated(UpdateState.PAUSED, "update paused due to failure of task bad")

    assert machine.verdict(1, *running(1, 2)) == "paused"


def test_an_update_that_had_ended_before_the_change_is_known_by_its_start():
    machine = Machine(a_goal(3, update_before=NOW), updated(UpdateState.PAUSED))
    machine.see(0, *running(1, 2, 3))

    assert machine.verdict(5, *running(1, 2, 3)) == "converged"
