"""What raises an alert, what does not, and what belongs to one incident."""

from dataclasses import replace

import pytest

from bot.domain.incidents.events import Rules
from bot.domain.incidents.model import IncidentState
from bot.domain.incidents.rules import without_names
from bot.domain.swarm.causes import CauseKind
from bot.domain.swarm.model import Mode, Node, NodeState, Resources, RestartCondition, TaskState
from tests.unit.domain.incidents.watcher import Watcher, fetched, told
from tests.unit.looks import (
    BEGAN,
    COMPLETE,
    FAILED,
    NODES,
    PENDING,
    REJECTED,
    REMOVE,
    RUNNING,
    SHUTDOWN,
    STARTING,
    a_service,
    a_task,
    failed,
    running,
)


def test_a_failure_is_posted_at_once_with_its_slot_node_and_cause():
    watcher = Watcher()

    (incident,) = told(watcher.hear(0, failed("a", 2, code=3)))

    assert incident.service == "stack_web"
    assert incident.state is IncidentState.FIRING
    assert (incident.slots, incident.node, incident.nodes) == (
        ("2",),
        "photon-machine-01",
        ("photon-machine-01",),
    )
    assert (incident.cause.kind, incident.cause.exit_code) == (CauseKind.EXIT_CODE, 3)
    assert (incident.count, incident.last_task, incident.began) == (1, "a", 1000.0)
    assert incident.channel == "CALERTS"
    assert not incident.late


def test_a_repeated_failure_is_counted_in_the_same_incident():
    watcher = Watcher()
    (first,) = told(watcher.hear(0, failed("a")))

    (second,) = told(watcher.hear(6, failed("b")))

    assert second.id == first.id
    assert second.revision > first.revision
    assert (second.count, second.began, second.last, second.last_task) == (2, 1000, 1006, "b")


def test_slots_that_fail_alike_are_one_incident_that_lists_them():
    watcher = Watcher(services={"s": a_service(12)})

    (incident,) = told(watcher.hear(0, *(failed(f"t{n}", n) for n in (10, 2, 9))))

    assert incident.slots == ("2", "9", "10")
    assert incident.count == 3


def test_different_exit_codes_are_different_incidents():
    watcher = Watcher()
    watcher.hear(0, failed("a", code=1), failed("b", code=139))

    assert {each.cause.exit_code for each in watcher.open} == {1, 139}


def test_a_service_with_many_causes_does_not_flood_the_channel():
    watcher = Watcher()
    for code in range(1, 60):
        watcher.hear(code, failed(f"t{code}", code=code))

    assert len(watcher.open) == 6
    assert sum(each.count for each in watcher.open) == 59


def test_errors_are_compared_without_names_paths_and_numbers():
    one = "starting container failed: error while mounting volume '/lab/a-07/q/_data': failed to"
    other = "starting container failed: error while mounting volume '/lab/b-03/x/_data': failed to"
    tail = " mount local volume: mount :/var/nfs:/x, data: addr=10.0.0.1: no such device"

    assert without_names(one + tail) == without_names(other + tail)
    assert "no such device" in without_names(one + tail)
    assert without_names(one + tail) != without_names(one + " mount local volume: no route to host")


def test_a_task_reported_repeatedly_is_counted_once():
    watcher = Watcher()
    watcher.hear(0, failed("a", desired=RUNNING))
    state = watcher.state

    assert watcher.hear(0, failed("a", desired=RUNNING)) == ()
    assert watcher.hear(0, failed("a", desired=SHUTDOWN)) == ()
    assert watcher.hear(0, failed("a", desired=REMOVE)) == ()
    assert watcher.state.incidents == state.incidents


def test_each_kind_of_failure():
    watcher = Watcher(services={"s": a_service(9, limit=Resources(memory=2**26))})
    watcher.hear(
        0,
        failed("oom", 1, 137),
        failed("health", 2, 137, err="task: non-zero exit (137): dockerexec: unhealthy container"),
        a_task("image", 3, REJECTED, err="No such image: x:1"),
        a_task("bind", 4, REJECTED, err="invalid mount config for type bind: not there"),
        a_task("ended", 5, COMPLETE, exit_code=0),
    )

    assert {each.last_task: each.cause.kind.value for each in watcher.open} == {
        "oom": "out_of_memory",
        "health": "unhealthy",
        "image": "image_missing",
        "bind": "mount_failed",
        "ended": "ended",
    }


@pytest.mark.parametrize(
    "service",
    [a_service(2, mode=Mode.REPLICATED_JOB), a_service(2, restart=RestartCondition.NONE)],
)
def test_run_to_completion_tasks_may_end_but_not_fail(service):
    watcher = Watcher(services={"s": service})

    assert told(watcher.hear(0, a_task("a", 1, COMPLETE, exit_code=0))) == []
    assert len(told(watcher.hear(1, failed("b", 2)))) == 1


@pytest.mark.parametrize("desired", [SHUTDOWN, REMOVE])
@pytest.mark.parametrize("end", [FAILED, COMPLETE, SHUTDOWN])
def test_a_task_that_was_told_to_stop_is_not_a_failure(desired, end):
    watcher = Watcher()
    watcher.hear(0, a_task("a", desired=desired))
    watcher.hear(3, a_task("a", state=end, desired=desired, exit_code=137))

    assert watcher.open == []
    assert watcher.state.leaving == {}


def test_a_task_that_the_swarm_moved_is_not_a_failure():
    watcher = Watcher()
    moved = a_task("a", state=REJECTED, err="assigned node no longer meets constraints")

    assert watcher.hear(0, moved) == ()


def test_an_unknown_service_has_no_failures():
    assert Watcher(services={}).hear(0, failed("a")) == ()


def test_only_the_watched_stacks_raise_alerts():
    services = {"s": a_service(3, stack="other")}

    assert (
        Watcher(services=services, rules=Rules(stacks=frozenset({"o"}))).hear(0, failed("a")) == ()
    )
    assert Watcher(services=services, rules=Rules(stacks=frozenset({"other"}))).hear(0, failed("a"))


@pytest.mark.parametrize("word", ["off", "OFF ", "false"])
def test_a_service_can_opt_out_by_its_label(word):
    watcher = Watcher(services={"s": a_service(3, labels={"orochi-bot.alerts": word})})

    assert watcher.hear(0, failed("a")) == ()
    watcher.services["s"] = a_service(3)
    assert watcher.hear(1, failed("a", desired=REMOVE), failed("a")) == ()


def test_turning_alerts_off_resolves_what_is_open():
    watcher = Watcher()
    watcher.hear(0, failed("a"))
    watcher.services["s"] = a_service(3, labels={"orochi-bot.alerts": "off"})

    (incident,) = told(watcher.wait(1))

    assert incident.state is IncidentState.RESOLVED
    assert incident.resolution == "alerts were turned off for the service"


@pytest.mark.parametrize(
    ("label", "channel"), [("C0OPS1", "C0OPS1"), ("#ops", "CALERTS"), ("", "CALERTS")]
)
def test_a_service_can_have_its_own_channel(label, channel):
    watcher = Watcher(services={"s": a_service(3, labels={"orochi-bot.channel": label})})

    (incident,) = told(watcher.hear(0, failed("a")))

    assert incident.channel == channel


def test_a_pending_task_is_one_failure_after_ten_seconds():
    watcher = Watcher()
    err = "no suitable node (insufficient resources on 5 nodes)"
    assert watcher.hear(0, a_task("a", 1, PENDING, err=err)) == ()
    assert watcher.hear(9, a_task("a", 1, PENDING, err=f"{err}!")) == ()

    (incident,) = told(watcher.wait_until(10))

    assert incident.cause.kind is CauseKind.UNSCHEDULABLE
    assert incident.cause.raw == f"{err}!"
    assert incident.nodes == ()
    assert told(watcher.hear(30, a_task("a", 1, PENDING, err=err))) == []
    assert watcher.only.count == 1


@pytest.mark.parametrize("err", ["no suitable node (x)", ""])
def test_a_task_placed_in_time_is_not_a_failure(err):
    watcher = Watcher()
    watcher.hear(0, a_task("a", 1, PENDING, err="no suitable node (x)"))
    watcher.hear(8, a_task("a", 1, STARTING if err == "" else RUNNING))
    watcher.wait_until(60)

    assert watcher.open == []
    assert watcher.state.suspects == {}


def test_an_endlessly_retried_start_is_one_failure_after_ten_seconds():
    watcher = Watcher()
    err = "starting container failed: error resolving passed in network volume address: lookup x"
    for second in range(10):
        task = a_task("a", 1, STARTING, err=err, exit_code=128, since=float(second))
        assert told(watcher.hear(second, task)) == []

    (incident,) = told(watcher.wait_until(10))

    assert incident.cause.kind is CauseKind.MOUNT_FAILED
    assert told(watcher.hear(20, failed("a", code=128, err=err))) == []


def test_a_stopped_task_with_an_error_is_not_a_failure():
    watcher = Watcher()
    watcher.hear(0, a_task("a", 1, PENDING, err="no suitable node (x)"))
    watcher.hear(5, a_task("a", 1, PENDING, err="no suitable node (x)", desired=REMOVE))
    watcher.wait_until(60)

    assert watcher.open == []


def test_failures_before_the_watch_are_ignored_if_all_tasks_run():
    watcher = Watcher()
    watcher.hear(0, *running(1, 2, 3), failed("old", 1), reconciled=True, late=True)

    assert watcher.open == []
    assert told(watcher.hear(1, failed("old", 1))) == []


def test_a_replay_from_before_the_first_listing_raises_nothing():
    """A resumed stream may report removed services from before the first listing as new.

    This happens when it is resumed from an older version than the listing's.
    """
    watcher = Watcher(services={})
    watcher.hear(100, reconciled=True, nodes=NODES, cursor=7)
    watcher.services["s"] = a_service(1)
    old = failed("a", since=BEGAN + 60)

    assert told(watcher.hear(110, old, late=True, cursor=8)) == []
    assert told(watcher.hear(111, failed("b", since=BEGAN + 105), late=True, cursor=9))


def test_failures_present_when_the_watcher_starts_are_posted():
    watcher = Watcher()
    past = (failed("old", 3, created=1), failed("new", 3, created=2))
    (incident,) = told(watcher.hear(0, *running(1, 2), *past, reconciled=True, late=True))

    assert (incident.count, incident.last_task, incident.late) == (1, "new", True)


def test_failures_during_a_monitoring_gap_are_posted_with_their_own_time():
    watcher = Watcher()
    watcher.hear(0, *running(1, 2, 3), reconciled=True)
    again = (a_task("r9", 2), failed("a", 2, since=1060.0))

    (incident,) = told(watcher.hear(3600, *running(1, 3), *again, late=True))

    assert (incident.late, incident.began, incident.count) == (True, 1060.0, 1)


def test_a_listing_reports_missed_failures_once():
    watcher = Watcher()
    watcher.hear(0, *running(1, 2, 3), failed("a", 1), reconciled=True)
    listing = (*running(1, 2, 3), failed("a", 1), failed("b", 1, since=1030.0))

    assert [each.count for each in told(watcher.hear(60, *listing, reconciled=True))] == [1]
    assert told(watcher.hear(61, *listing, reconciled=True)) == []


def test_a_listing_shows_stopped_tasks_by_their_successors():
    """A node came back during a monitoring gap: its tasks had been replaced long before."""
    nodes = {"s": a_service(2), "g": a_service(None, id="g", name="stack_glob")}
    watcher = Watcher(services=nodes)
    watcher.hear(0, reconciled=True)
    killed = failed("old", 1, 137, created=900.0, since=1062.0)
    glob = replace(failed("glob", 0, 137, created=900.0, since=1063.0), service_id="g")
    new = a_task("new", 1, created=1000.0, since=1001.0)
    new_glob = replace(a_task("newg", 0, created=1063.1, since=1064.0), service_id="g")

    watcher.hear(100, killed, glob, new, new_glob, a_task("r2", 2), reconciled=True)

    assert watcher.open == []


def test_a_crash_with_a_later_successor_is_found_in_a_listing():
    watcher = Watcher(services={"s": a_service(1)})
    watcher.hear(0, reconciled=True)
    crashed = failed("old", 1, 137, created=900.0, since=1062.0)

    watcher.hear(100, crashed, a_task("new", 1, created=1062.2, since=1067.0), reconciled=True)

    assert watcher.only.count == 1


def test_ids_are_remembered_for_an_hour_then_times_decide():
    watcher = Watcher()
    old = [failed(f"t{n}", since=1000.0 + n) for n in range(300)]
    for n, task in enumerate(old):
        watcher.hear(n, task)
    watcher.hear(9000, *(failed(f"late{n}", since=10000.0) for n in range(300)))

    assert len(watcher.state.earlier) + len(watcher.state.counted) < 400
    assert told(watcher.hear(9001, *old)) == []
    assert told(watcher.hear(9002, failed("fresh", since=10002.0)))


def test_evidence_is_requested_at_the_first_failure_and_then_rarely():
    watcher = Watcher()

    assert fetched(watcher.hear(0, failed("a"), failed("b"))) == ["a"]
    assert fetched(watcher.hear(10, failed("c"))) == []
    assert fetched(watcher.hear(40, failed("d"))) == ["d"]


def test_evidence_is_requested_for_a_pending_task():
    watcher = Watcher()
    watcher.hear(0, a_task("a", 1, PENDING, err="no suitable node (x)"))

    assert fetched(watcher.wait(10)) == ["a"]


def test_a_threshold_ignores_single_failures():
    watcher = Watcher(services={"s": a_service(1)}, rules=Rules(threshold=3))

    assert told(watcher.hear(0, failed("a"))) == []
    assert told(watcher.hear(5, failed("b"))) == []
    assert [each.count for each in told(watcher.hear(10, failed("c")))] == [3]


def test_the_cursor_never_goes_back():
    watcher = Watcher()
    watcher.hear(0, cursor=7)
    watcher.hear(1, cursor=5)
    watcher.hear(2)

    assert watcher.state.cursor == 7


def test_a_global_service_names_its_nodes():
    services = {"s": a_service(None, mode=Mode.GLOBAL)}
    watcher = Watcher(services=services)

    watcher.hear(0, failed("a", 0, node="n3"), failed("b", 0, node="n1"))

    assert watcher.only.slots == ()
    assert watcher.only.nodes == ("photon-machine-01", "photon-machine-03")


def test_an_unknown_node_is_named_by_its_id():
    node = Node(id="n9", hostname="h9", state=NodeState.READY)
    watcher = Watcher()
    watcher.hear(0, failed("a", 1, node="n8"), nodes=(node,))

    assert watcher.only.node == "n8"


def test_orphaned_tasks_are_not_failures():
    watcher = Watcher(nodes={node.id: node for node in NODES})

    assert watcher.hear(0, a_task("a", state=TaskState.ORPHANED)) == ()
