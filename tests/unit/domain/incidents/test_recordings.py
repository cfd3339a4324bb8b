"""Recorded real swarms, replayed: exactly the right incidents, none for intentional changes."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from bot.domain.incidents.model import Incident, IncidentState
from bot.domain.swarm.model import TaskState
from tests.unit.domain.incidents.watcher import Watcher, replay, show, stack_looks, told
from tests.unit.looks import BEGAN
from tests.unit.recordings import FOLDER

QUIET = [
    "drain_node",
    "undrain_node",
    "force_update_3",
    "global_create",
    "global_update",
    "replicated_job_4",
    "scale_1_to_5",
    "scale_2_to_0",
    "scale_3_to_1_sigkill_after_grace10s",
    "scale_5_to_2",
    "scale_impossible_back",
    "service_remove",
    "stack_deploy_orochi_ok",
    "stack_deploy_orochi_slow_pull",
    "stack_redeploy_resets_scale_8_to_4",
    "stack_rm",
    "update_env_parallel0",
    "update_sigkill_after_grace10s",
    "update_start_first",
]
"""Intentional changes: scales, rolling updates, drains and removals."""

BAD = frozenset({TaskState.FAILED, TaskState.REJECTED, TaskState.COMPLETE})
Row = tuple[str, str, int]


def rows(incidents: Iterable[Incident]) -> set[Row]:
    return {(each.service, each.cause.kind.value, each.count) for each in incidents}


@pytest.mark.parametrize("name", QUIET)
def test_intentional_changes_raise_no_incident(name: str):
    watcher = replay(name)

    assert watcher.actions == []
    assert watcher.everything() == {}


FAILING: dict[str, set[Row]] = {
    "failures": {
        ("f_crash", "exit_code", 14),
        ("f_crash_late", "exit_code", 5),
        ("f_crash_max3", "exit_code", 4),
        ("f_exit0", "ended", 14),
        ("f_nfs", "mount_failed", 15),
        ("f_nfs_dns", "mount_failed", 1),
        ("f_nocmd", "start_failed", 14),
        ("f_noimage", "image_missing", 16),
        ("f_oom", "out_of_memory", 10),
        ("f_sigkill", "exit_code", 7),
        ("f_unhealthy", "ended", 6),
        ("f_constraint", "unschedulable", 1),
    },
    "failures2": {
        ("c_d0", "exit_code", 68),
        ("c_d1", "exit_code", 33),
        ("c_d5", "exit_code", 11),
        ("c_d5x4", "exit_code", 45),
        ("c_glob", "exit_code", 110),
        ("u_late_kill", "unhealthy", 4),
        ("u_late_onfail_trap", "ended", 1),
        ("u_late_trap", "ended", 5),
        ("u_never_exit5", "unhealthy", 7),
        ("u_never_kill", "unhealthy", 6),
    },
    "node_daemon_killed": {("photon-machine-10", "node_down", 1)},
    "update_bad_image_pause": {("w", "image_missing", 6)},
    "update_bad_image_rollback": {("w", "image_missing", 1)},
    "update_bad_image_rollback_startfirst": {("w", "image_missing", 1)},
    "update_bad_image_continue": {("w", "image_missing", 27)},
    "update_crashing_cmd_rollback": {("w", "exit_code", 1)},
    "scale_impossible_maxreplicas": {("wp", "unschedulable", 3)},
    "scale_impossible_memory": {("wm", "unschedulable", 2)},
    "fix_after_continue": {("w", "image_missing", 3)},
    "rollback_after_pause": {("w", "image_missing", 1)},
    "stack_redeploy_fixed": {("orochilab_redis", "image_missing", 1)},
    "stack_deploy_orochi_broken_fresh": {
        ("orochilab_redis", "image_missing", 10),
        ("orochilab_django", "exit_code", 5),
        ("orochilab_es01", "unschedulable", 1),
    },
}
"""Service (or node), cause and how many tasks failed, counted in the recordings by hand."""


@pytest.mark.parametrize("name", FAILING)
def test_every_failure_is_in_exactly_one_incident(name: str):
    watcher = replay(name)

    assert rows(watcher.everything().values()) == FAILING[name]
    assert {each.id for each in told(watcher.actions)} == set(watcher.everything())


def test_every_recording_is_replayed():
    names = {path.name.removesuffix(".json.gz") for path in FOLDER.glob("*.json.gz")}

    assert names == {*QUIET, *FAILING}


@pytest.mark.parametrize("name", ["failures", "failures2"])
def test_as_many_failures_are_counted_as_tasks_ended_badly(name: str):
    ended: set[str] = set()
    for look in stack_looks(name):
        mine = {each.id for each in look.services if each.name != "f_exit0_onfail"}
        ended |= {t.id for t in look.tasks if t.state in BAD and t.service_id in mine}
    stuck = {"failures": {"f_constraint", "f_nfs_dns"}}.get(name, set())

    incidents = replay(name).everything().values()

    assert sum(each.count for each in incidents if each.service not in stuck) == len(ended)


def test_a_removed_service_is_resolved_with_that_reason():
    watcher = replay("failures")

    assert watcher.open == []
    assert {each.resolution for each in watcher.closed.values()} == {"the service was removed"}


def test_slots_that_fail_alike_are_listed_in_one_alert():
    incidents = {each.service: each for each in replay("failures2").everything().values()}

    assert incidents["c_d5x4"].slots == ("1", "2", "3", "4")
    assert incidents["c_glob"].slots == ()
    assert len(incidents["c_glob"].nodes) == 10


def test_a_lost_node_names_affected_and_unplaceable_services():
    (incident,) = replay("node_daemon_killed").everything().values()

    assert incident.services == ("n_glob", "n_pin", "n_rep")
    assert incident.unplaced == ("n_pin",)
    assert incident.resolution == "the node is ready again"


@pytest.mark.parametrize("name", ["fix_after_continue", "rollback_after_pause"])
def test_a_repaired_service_is_resolved_after_its_quiet_time(name: str):
    watcher = replay(name)
    assert watcher.only.state is IncidentState.FIRING
    last = stack_looks(name)[-1].at

    (incident,) = told(watcher.wait_until(last + 80.0 - BEGAN))

    assert incident.state is IncidentState.RESOLVED
    assert watcher.open == []


def test_a_rolled_back_update_of_a_job_is_never_posted():
    looks = stack_looks("update_bad_image_rollback")
    watcher = replay("update_bad_image_rollback", busy={each.id for each in looks[0].services})
    watcher.busy.clear()
    watcher.wait(looks[-1].at - BEGAN)
    watcher.wait_until(looks[-1].at + 100 - BEGAN)

    assert told(watcher.actions) == []
    assert rows(watcher.closed.values()) == FAILING["update_bad_image_rollback"]


def away(name: str, begin: float, end: float) -> tuple[Watcher, set[str]]:
    """A recording without a watcher between two times (seconds since its first look).

    Returned with the ids of the tasks that were seen to have failed.
    """
    looks = stack_looks(name)
    watcher, before, ended = Watcher(services={}, nodes={}), None, set[str]()
    for look in looks:
        if begin < look.at - looks[0].at < end:
            before = None
            continue
        show(watcher, before, look, late=before is None)
        before = look
        ended |= {task.id for task in look.tasks if task.state in BAD}
    return watcher, ended


@pytest.mark.parametrize("span", [(5.0, 12.0), (20.0, 60.0), (1.0, 69.0)])
def test_a_watcher_that_was_away_reports_remaining_failures_once(span: tuple[float, float]):
    watcher, ended = away("failures2", *span)

    assert sum(each.count for each in watcher.everything().values()) == len(ended)


def test_incidents_that_began_during_a_monitoring_gap_are_late():
    watcher, _ = away("failures", 1.2, 20.0)

    on_time = {each.service for each in watcher.everything().values() if not each.late}

    assert on_time == {"f_constraint", "f_nfs_dns"}  # these become failures after ten seconds


def test_a_node_lost_and_back_during_a_monitoring_gap_leaves_no_failures():
    watcher, ended = away("node_daemon_killed", 10.0, 85.0)

    assert len(ended) == 4
    assert watcher.everything() == {}
