"""Tasks that were counted while pending: their later ends count like those of any task."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.incidents.reducer import delayed
from bot.domain.swarm.causes import CauseKind
from bot.domain.swarm.model import RestartCondition
from tests.unit.domain.incidents.watcher import Watcher, told
from tests.unit.looks import (
    FAILED,
    NEW,
    PENDING,
    RUNNING,
    SHUTDOWN,
    STARTING,
    a_service,
    a_task,
    failed,
)

NO_PLACE = "no suitable node (insufficient resources on 10 nodes)"
NO_MOUNT = "error while mounting volume '/x': failed to mount local volume: no such device"


def waited(service=None) -> Watcher:
    """A watcher of one slot whose task ``a`` was pending, was reported, and runs now."""
    watcher = Watcher(services={"s": service or a_service(1)})
    pending = a_task("a", 1, PENDING, err=NO_PLACE)
    watcher.hear(0, pending)
    (incident,) = told(watcher.wait(10))
    assert incident.cause.kind is CauseKind.UNSCHEDULABLE
    watcher.hear(20, replace(pending, state=RUNNING, node_id="n1", err=""))
    return watcher


def test_a_task_placed_late_that_fails_days_later_is_reported():
    watcher = waited()
    watcher.wait_until(200)
    assert watcher.open == []

    (incident,) = told(watcher.hear(250_000, failed("a", code=3)))

    assert (incident.cause.kind, incident.cause.exit_code) == (CauseKind.EXIT_CODE, 3)
    assert (incident.count, incident.last_task) == (1, "a")
    assert told(watcher.hear(250_001, failed("a", code=3))) == []


def test_a_run_once_task_that_was_pending_reports_its_failure():
    watcher = waited(a_service(1, restart=RestartCondition.NONE))

    (incident,) = told(watcher.hear(21, failed("a", code=3)))

    assert incident.cause.exit_code == 3


def test_a_task_that_never_started_and_ends_for_the_same_cause_counts_once():
    watcher = Watcher(services={"s": a_service(1)})
    watcher.hear(0, a_task("a", 1, STARTING, err=NO_MOUNT))
    watcher.wait(10)

    watcher.hear(30, a_task("a", 1, FAILED, err=NO_MOUNT, exit_code=128))

    assert (watcher.only.count, watcher.only.cause.kind) == (1, CauseKind.MOUNT_FAILED)


def test_a_task_that_stays_pending_is_counted_once():
    watcher = Watcher(services={"s": a_service(1)})
    pending = a_task("a", 1, PENDING, err=NO_PLACE)
    watcher.hear(0, pending)
    watcher.wait(10)

    watcher.hear(30, replace(pending, err="no suitable node (host-mode port in use on 2 nodes)"))
    watcher.wait_until(100)

    assert watcher.only.count == 1


def test_a_pending_task_that_is_stopped_is_not_a_failure():
    watcher = waited()
    watcher.hear(30, a_task("a", 1, RUNNING, desired=SHUTDOWN))

    watcher.hear(31, failed("a", code=137))

    assert [each.cause.kind for each in watcher.open] == [CauseKind.UNSCHEDULABLE]


def test_a_task_that_stays_new_is_reported_once_and_resolved_when_it_runs():
    """A network without a free address: swarmkit gives no error."""
    watcher = Watcher(services={"s": a_service(1)})
    waiting = a_task("a", 1, NEW)
    watcher.hear(0, waiting)
    assert told(watcher.wait(9)) == []

    (incident,) = told(watcher.wait(10))
    watcher.wait_until(60)

    assert incident.cause.kind is CauseKind.NETWORK_FAILED
    assert "waits for an address" in incident.cause.text
    assert watcher.only.count == 1
    watcher.hear(61, replace(waiting, state=RUNNING, node_id="n1"))
    watcher.wait_until(300)
    assert watcher.open == []


def test_a_task_that_is_new_for_a_moment_is_no_failure():
    watcher = Watcher(services={"s": a_service(1)})
    task = a_task("a", 1, NEW)
    watcher.hear(0, task)
    watcher.hear(1, replace(task, state=PENDING))

    watcher.wait_until(60)

    assert watcher.open == []


def test_a_time_in_which_nothing_was_read_is_not_waited():
    """The task may have started since, as the next news tells."""
    watcher = Watcher(services={"s": a_service(2)})
    waiting = a_task("a", 1, NEW)
    watcher.hear(0, waiting)

    watcher.state = delayed(watcher.state, 30.0)
    watcher.hear(30, a_task("b", 2))
    assert watcher.open == []
    watcher.wait(40)

    assert watcher.only.cause.kind is CauseKind.NETWORK_FAILED


@pytest.mark.parametrize(
    "now", [{"state": RUNNING, "err": ""}, {"desired": SHUTDOWN}], ids=["it runs", "it is stopped"]
)
def test_a_task_that_waited_when_a_watcher_was_lost_is_judged_by_what_it_is_now(
    now: dict[str, Any],
):
    """The next watcher has listed the swarm, but has not read all changes yet."""
    watcher = Watcher(services={"s": a_service(2)})
    tasks = a_task("a", 1, NEW), a_task("b", 2, PENDING, err=NO_PLACE)
    watcher.hear(0, *tasks)
    watcher.tasks = {task.id: replace(task, **now) for task in tasks}

    watcher.wait(16)

    assert watcher.open == []


def test_a_waiting_task_that_the_swarm_has_forgotten_is_no_failure():
    """It was removed while nobody watched, so no event said so."""
    watcher = Watcher(services={"s": a_service(1)})
    watcher.hear(0, a_task("a", 1, NEW), a_task("b", 2, PENDING, err=NO_PLACE))
    watcher.tasks.clear()

    watcher.wait_until(60)

    assert watcher.open == []
