"""What runs, what does not, why and since when."""

from dataclasses import replace

import pytest

from bot.domain.swarm.causes import Cause, CauseKind
from bot.domain.swarm.health import (
    QUIET_SECONDS,
    Grade,
    Trouble,
    examine,
    examine_look,
    examine_service,
)
from bot.domain.swarm.model import (
    Availability,
    Mode,
    Node,
    NodeState,
    RestartCondition,
    Service,
    StackLook,
    Task,
    TaskState,
    UpdateState,
)
from tests.unit.recordings import recording

NOW = 1_700_000_000.0
NODES = (Node("n1", "node-1"), Node("n2", "node-2"), Node("n3", "node-3", NodeState.DOWN))
WEB = Service("w", "orochi_web", 1, Mode.REPLICATED, 2, stack="orochi")
AGENT = Service("a", "orochi_agent", 1, Mode.GLOBAL, None, stack="orochi")
ONCE = Service("j", "orochi_once", 1, Mode.REPLICATED_JOB, 2, stack="orochi", job_iteration=4)


def task(slot, state=TaskState.RUNNING, ago=1000.0, lived=1.0, **more):
    """A task whose current state was reported ``ago`` seconds before now."""
    name = more.pop("id", f"{slot}-{state.name}-{ago}")
    fields = {
        "service_id": "w",
        "node_id": "n1",
        "desired": TaskState.SHUTDOWN if state.over else TaskState.RUNNING,
        "since": NOW - ago,
        "created": NOW - ago - lived,
    }
    return Task(id=name, slot=slot, state=state, **(fields | more))


def failed(slot, ago, lived=1.0, code=1):
    return task(
        slot, TaskState.FAILED, ago, lived, err=f"task: non-zero exit ({code})", exit_code=code
    )


def health(*tasks, service=WEB, nodes=NODES, alerts=()):
    return examine_service(service, tasks, nodes, NOW, alerts)


def test_a_service_with_all_slots_running_is_healthy():
    seen = health(task(1), task(2, node_id="n2"))

    assert (seen.running, seen.wanted, seen.nodes) == (2, 2, ("n1", "n2"))
    assert seen.grade is Grade.WELL
    assert seen.troubles == ()


def test_a_slot_counts_once_and_only_while_it_should_run():
    seen = health(task(1), task(1, id="twin"), task(2, desired=TaskState.SHUTDOWN))

    assert seen.running == 1
    assert seen.stopping == 1


def test_a_task_on_a_node_that_is_down_does_not_run():
    seen = health(task(1), task(2, node_id="n3"))

    assert seen.running == 1
    assert seen.grade is Grade.BAD
    assert [(t.cause.kind, t.cause.node_id, t.places, t.since) for t in seen.troubles] == [
        (CauseKind.NODE_DOWN, "n3", ("2",), 0.0)
    ]


def test_an_unknown_node_after_an_election_is_not_a_problem():
    nodes = (Node("n1", "node-1", NodeState.UNKNOWN),)

    assert health(task(1), task(2), nodes=nodes).grade is Grade.WELL


def test_starting_tasks_are_counted_by_state():
    seen = health(task(1), task(2, TaskState.PREPARING))

    assert seen.coming == (("preparing", 1),)
    assert seen.grade is Grade.CHANGING


def test_a_slot_that_keeps_failing_has_a_cause_and_a_start_time():
    seen = health(
        task(1),
        task(2, TaskState.STARTING, 1),
        failed(2, 6),
        failed(2, 16),
        failed(2, 26),
    )

    (trouble,) = seen.troubles
    assert trouble.cause.kind is CauseKind.EXIT_CODE
    assert (trouble.places, trouble.failures, trouble.since) == (("2",), 3, NOW - 26)
    assert seen.grade is Grade.BAD


def test_a_series_of_failures_begins_with_the_end_of_a_stable_task():
    seen = health(task(1), failed(2, 6), failed(2, 16, lived=90_000), failed(2, 200_000))

    assert seen.troubles[0].since == NOW - 16
    assert seen.troubles[0].failures == 2


def test_an_old_failure_is_not_a_problem_of_a_running_task():
    assert health(task(1), task(2, ago=50_000), failed(2, 50_001)).grade is Grade.WELL


def test_a_running_slot_with_two_recent_failures_is_unsteady():
    seen = health(task(1), task(2, ago=2), failed(2, 7), failed(2, 17))

    assert seen.running == 2
    assert seen.grade is Grade.BAD
    assert seen.troubles[0].unsteady
    assert (seen.troubles[0].failures, seen.troubles[0].since) == (2, NOW - 17)


def test_failures_of_another_template_do_not_count():
    old = [replace(failed(2, ago), up_to_date=False) for ago in (7, 17, 27)]

    assert health(task(1), task(2, ago=2), *old).grade is Grade.WELL
    assert health(task(1), task(2, TaskState.STARTING, 2), *old).grade is Grade.CHANGING


def test_a_slot_is_steady_again_when_its_incident_would_be_resolved():
    """The last failure was the monitor period and the quiet time ago."""
    quiet = WEB.monitor + QUIET_SECONDS

    for ago, grade in ((quiet - 1, Grade.BAD), (quiet, Grade.WELL)):
        failures = [failed(2, ago), failed(2, ago + 10)]
        assert health(task(1), task(2, ago=ago - 5), *failures).grade is grade


def test_a_service_with_an_open_incident_is_unhealthy_although_everything_runs():
    alert = Trouble(Cause(CauseKind.EXIT_CODE, "It exits"), ("2",), NOW - 90, 3, unsteady=True)
    seen = health(task(1), task(2), alerts=(alert,))

    assert seen.grade is Grade.BAD
    assert seen.troubles == (alert,)


def test_a_failing_slot_has_failed_as_often_as_its_alert_says():
    """The swarm remembers the last tasks of a slot only."""
    told = Cause(CauseKind.EXIT_CODE, "It exits", exit_code=failed(2, 7).exit_code)
    alert = Trouble(told, ("1", "2"), NOW - 900, 30, unsteady=True)

    (trouble,) = health(task(1), failed(2, 7), failed(2, 17), alerts=(alert,)).troubles

    assert (trouble.places, trouble.failures, trouble.since) == (("2",), 30, NOW - 900)


def test_one_failure_alone_does_not_make_a_running_slot_unsteady():
    assert health(task(1), task(2, ago=2), failed(2, 7)).grade is Grade.WELL


def test_slots_with_the_same_cause_are_grouped():
    pending = {"err": "no suitable node (insufficient resources on 2 nodes)", "node_id": ""}
    seen = health(
        task(1, TaskState.PENDING, 30, **pending), task(2, TaskState.PENDING, 40, **pending)
    )

    (trouble,) = seen.troubles
    assert trouble.cause.kind is CauseKind.UNSCHEDULABLE
    assert (trouble.places, trouble.since, trouble.failures) == (("1", "2"), NOW - 40, 0)
    assert seen.coming == ()


def test_ended_tasks_of_removed_slots_are_ignored():
    seen = health(task(1), task(2), failed(3, 5), failed(4, 5))

    assert seen.grade is Grade.WELL


def test_missing_replicas_without_an_error_are_unhealthy():
    assert health(task(1)).grade is Grade.BAD
    assert health(task(1)).troubles == ()


@pytest.mark.parametrize(
    ("update", "grade"),
    [
        (UpdateState.NONE, Grade.WELL),
        (UpdateState.COMPLETED, Grade.WELL),
        (UpdateState.ROLLBACK_COMPLETED, Grade.WELL),
        (UpdateState.UPDATING, Grade.CHANGING),
        (UpdateState.ROLLBACK_STARTED, Grade.CHANGING),
        (UpdateState.PAUSED, Grade.CHANGING),
        (UpdateState.ROLLBACK_PAUSED, Grade.CHANGING),
    ],
)
def test_an_unfinished_update_is_a_change_while_everything_runs(update, grade):
    assert health(task(1), task(2), service=replace(WEB, update=update)).grade is grade


@pytest.mark.parametrize("update", [UpdateState.PAUSED, UpdateState.ROLLBACK_PAUSED])
def test_a_paused_update_with_missing_tasks_is_bad(update):
    assert health(task(1), service=replace(WEB, update=update)).grade is Grade.BAD


def test_a_service_scaled_to_zero_is_healthy_once_nothing_runs():
    none = replace(WEB, replicas=0)

    assert health(service=none).grade is Grade.WELL
    assert health(task(1, desired=TaskState.REMOVE), service=none).grade is Grade.CHANGING


def test_a_global_service_wants_only_the_eligible_nodes():
    tasks = [task(0, service_id="a", node_id="n1"), task(0, service_id="a", node_id="n2")]
    seen = health(*tasks, service=AGENT)

    assert (seen.running, seen.wanted, seen.grade) == (2, 2, Grade.WELL)


def test_tasks_on_a_paused_node_are_not_counted_among_the_wanted():
    paused = Node("n2", "node-2", availability=Availability.PAUSE)
    tasks = [task(0, service_id="a", node_id="n1"), task(0, service_id="a", node_id="n2")]
    seen = health(*tasks, service=AGENT, nodes=(NODES[0], paused))

    assert (seen.running, seen.wanted, seen.beyond, seen.grade) == (1, 1, 1, Grade.WELL)


def test_a_job_is_healthy_when_all_its_tasks_completed():
    run = {"service_id": "j", "job_iteration": 4}
    done = [task(n, TaskState.COMPLETE, exit_code=0, **run) for n in (0, 1)]

    assert health(*done, service=ONCE).completed == 2
    assert health(*done, service=ONCE).grade is Grade.WELL
    assert health(done[0], task(1, **run), service=ONCE).grade is Grade.CHANGING


def test_a_job_counts_only_its_current_run():
    old = task(0, TaskState.COMPLETE, exit_code=0, service_id="j", job_iteration=3)

    assert health(old, service=ONCE).completed == 0


def test_a_task_that_is_never_restarted_and_failed_is_bad():
    once = replace(WEB, replicas=1, restart=RestartCondition.NONE)

    assert health(failed(1, 500), service=once).grade is Grade.BAD
    assert health(task(1, TaskState.COMPLETE, exit_code=0), service=once).grade is Grade.WELL


def test_a_service_that_should_run_but_ended_by_itself_is_bad():
    seen = health(task(1), task(2, TaskState.COMPLETE, exit_code=0))

    assert [trouble.cause.kind for trouble in seen.troubles] == [CauseKind.ENDED]


def last_look(name, of="w"):
    look = recording(name).last(of)
    assert look
    assert look.service
    return examine_look(look, look.service)


@pytest.mark.parametrize(
    ("name", "of", "grade", "count"),
    [
        ("scale_1_to_5", "w", Grade.WELL, "5/5"),
        ("scale_5_to_2", "w", Grade.WELL, "2/2"),
        ("scale_2_to_0", "w", Grade.WELL, "0/0"),
        ("drain_node", "wg", Grade.WELL, "9/9"),
        ("fix_after_continue", "w", Grade.WELL, "3/3"),
        ("update_bad_image_rollback", "w", Grade.WELL, "3/3"),
        ("update_bad_image_continue", "w", Grade.BAD, "0/3"),
        ("update_bad_image_pause", "w", Grade.BAD, "2/3"),
        ("scale_impossible_memory", "wm", Grade.BAD, "10/12"),
        ("node_daemon_killed", "n_rep", Grade.WELL, "12/12"),
        ("stack_deploy_orochi_slow_pull", "orochilab_es01", Grade.CHANGING, "0/1"),
    ],
)
def test_the_end_of_a_recording_is_rated_correctly(name, of, grade, count):
    seen = last_look(name, of)

    assert (seen.grade, f"{seen.running}/{seen.wanted}") == (grade, count)


def test_a_recorded_crash_loop_is_never_healthy_after_two_crashes():
    looks = list(recording("failures").replay("f_crash_late"))
    grades = {
        examine_look(each, each.service).grade
        for each in looks
        if each.service and each.tasks and each.at > looks[0].at + 25
    }

    assert grades == {Grade.BAD}


def test_every_service_of_a_look_is_examined_with_its_own_tasks():
    drained = Node("n2", "node-2", availability=Availability.DRAIN)
    look = StackLook(
        NOW,
        "orochi",
        (WEB, AGENT),
        (task(1), task(2), task(0, service_id="a")),
        (NODES[0], drained),
    )

    web, agent = examine(look)

    assert (web.running, web.wanted, agent.running, agent.wanted) == (2, 2, 1, 1)
