"""The course of an incident: resolved, recurring, acknowledged, silenced, held by a job."""

from bot.domain.incidents.events import Forget, Rules
from bot.domain.incidents.model import IncidentState, Silence, WatcherState
from bot.domain.incidents.reducer import acknowledge, next_tick, silence
from bot.domain.swarm.causes import CauseKind
from bot.domain.swarm.model import RestartCondition
from tests.unit.domain.incidents.watcher import Watcher, broken, fetched, reminded, told
from tests.unit.looks import BEGAN, COMPLETE, PENDING, SHUTDOWN, a_service, a_task, failed, running

WAIT = 65.0
HOUR = 3600.0


def test_a_service_healthy_for_its_monitor_period_and_a_minute_is_resolved():
    watcher = broken()
    assert told(watcher.wait_until(WAIT + 0.9)) == []

    (incident,) = told(watcher.wait_until(WAIT + 1))

    assert incident.state is IncidentState.RESOLVED
    assert incident.resolved == BEGAN + WAIT + 1
    assert incident.resolution == "all tasks run, and none has failed since"
    assert watcher.open == []


def test_a_new_failure_restarts_the_quiet_time():
    watcher = broken()
    watcher.hear(50, a_task("r1", state=SHUTDOWN), failed("b"))
    watcher.hear(55, a_task("r2"))

    assert told(watcher.wait_until(55 + WAIT - 1)) == []
    assert told(watcher.wait_until(55 + WAIT))[0].state is IncidentState.RESOLVED


def test_a_service_with_missing_tasks_is_not_resolved():
    watcher = Watcher(services={"s": a_service(2)})
    watcher.hear(0, failed("a"))
    watcher.hear(1, *running(1))
    watcher.wait_until(HOUR)

    assert watcher.only.state is IncidentState.FIRING
    assert watcher.only.well_since is None


def test_a_task_that_just_started_does_not_make_a_service_healthy():
    watcher = Watcher(services={"s": a_service(1)})
    watcher.hear(0, a_task("a", 1, PENDING, err="no suitable node (x)"))
    watcher.wait_until(HOUR)
    watcher.hear(HOUR, a_task("a", 1))

    assert told(watcher.wait_until(HOUR + WAIT - 1)) == []
    assert told(watcher.wait_until(HOUR + WAIT))[0].state is IncidentState.RESOLVED


def test_a_longer_monitor_period_is_waited_for():
    watcher = broken()
    watcher.services["s"] = a_service(1, monitor=300.0)
    watcher.hear(2, *running(1))

    assert told(watcher.wait_until(360)) == []
    assert told(watcher.wait_until(361))


def test_a_service_scaled_to_zero_is_resolved():
    watcher = broken()
    watcher.services["s"] = a_service(0)
    watcher.tasks.clear()

    assert told(watcher.wait_until(200))[0].resolution == "the service was scaled to 0"


def test_a_removed_service_resolves_its_incidents_at_once():
    watcher = broken()

    (incident,) = told(watcher.hear(2, removed=frozenset({"s"})))

    assert (incident.state, incident.resolution) == (
        IncidentState.RESOLVED,
        "the service was removed",
    )
    assert watcher.state.recent == {}


def test_a_removed_service_is_noticed_in_a_listing():
    watcher = broken()
    watcher.services.clear()

    assert told(watcher.hear(2, reconciled=True))[0].state is IncidentState.RESOLVED


def test_a_removed_service_has_no_pending_tasks():
    watcher = Watcher(services={"s": a_service(1)})
    watcher.hear(0, a_task("a", 1, PENDING, err="no suitable node (x)"))
    watcher.hear(5, removed=frozenset({"s"}))

    assert watcher.state.suspects == {}


def test_a_job_that_was_run_again_successfully_is_resolved():
    watcher = Watcher(services={"s": a_service(1, restart=RestartCondition.NONE)})
    watcher.hear(0, failed("a", created=1))
    watcher.wait_until(HOUR)
    assert watcher.only.state is IncidentState.FIRING

    watcher.hear(HOUR, a_task("b", 1, COMPLETE, exit_code=0, created=2))

    assert told(watcher.wait_until(HOUR + WAIT))[0].state is IncidentState.RESOLVED


def test_a_failure_soon_after_reopens_the_incident_with_a_longer_quiet_time():
    watcher = broken()
    (first,) = told(watcher.wait_until(WAIT + 1))

    (again,) = told(watcher.hear(100, a_task("r1", state=SHUTDOWN), failed("b")))
    watcher.hear(101, a_task("r2"))

    assert again.id == first.id
    assert (again.state, again.count, again.reopened) == (IncidentState.FIRING, 2, 1)
    assert (again.resolved, again.resolution) == (None, "")
    assert told(watcher.wait_until(101 + 124)) == []
    assert told(watcher.wait_until(101 + 125))[0].state is IncidentState.RESOLVED


def test_a_recurring_incident_gets_one_reminder():
    """People who saw it resolved do not look again, and an edit notifies nobody."""
    watcher = broken()
    watcher.wait_until(WAIT + 1)

    back = watcher.hear(100, a_task("r1", state=SHUTDOWN), failed("b"))
    more = watcher.hear(102, failed("c"))

    assert [each.count for each in reminded(back)] == [2]
    assert [each.count for each in told(more)] == [3]
    assert reminded(more) == []


def test_a_failure_after_ten_minutes_is_a_new_incident():
    watcher = broken()
    (first,) = told(watcher.wait_until(WAIT + 1))
    watcher.wait_until(HOUR)
    assert watcher.state.recent == {}

    (again,) = told(watcher.hear(HOUR, failed("b")))

    assert again.id != first.id
    assert again.count == 1


def test_a_service_that_flaps_every_two_minutes_changes_state_twice():
    watcher = broken()
    for turn in range(1, 20):
        watcher.wait_until(120 * turn)
        dead = a_task(f"r{turn}", state=SHUTDOWN)
        watcher.hear(120 * turn, dead, failed(f"f{turn}"), a_task(f"r{turn + 1}"))

    states = [each.state for each in told(watcher.actions)]
    assert states.count(IncidentState.RESOLVED) == 1
    assert watcher.only.count == 20


def test_an_acknowledgement_is_shown_and_stops_reminders():
    watcher = broken()
    watcher.hear(2, a_task("r1", state=SHUTDOWN), failed("b"))

    (incident,) = told(watcher.take(acknowledge(watcher.state, watcher.only.id, "U1", 1010.0)))
    watcher.wait_until(10 * HOUR)

    assert incident.state is IncidentState.ACKNOWLEDGED
    assert (incident.acknowledged_by, incident.acknowledged) == ("U1", 1010.0)
    assert reminded(watcher.actions) == []


def test_a_second_acknowledgement_changes_nothing():
    watcher = broken()
    watcher.take(acknowledge(watcher.state, watcher.only.id, "U1", 1010.0))
    state = watcher.state

    assert watcher.take(acknowledge(state, watcher.only.id, "U2", 1011.0)) == ()
    assert watcher.take(acknowledge(state, "nobody", "U2", 1011.0)) == ()
    assert watcher.state == state


def test_an_acknowledged_incident_still_counts_and_is_resolved():
    watcher = broken()
    watcher.take(acknowledge(watcher.state, watcher.only.id, "U1", 1001.5))
    (more,) = told(watcher.hear(2, a_task("r1", state=SHUTDOWN), failed("b")))
    watcher.hear(3, a_task("r2"))

    assert (more.state, more.count) == (IncidentState.ACKNOWLEDGED, 2)
    assert told(watcher.wait_until(100))[0].state is IncidentState.RESOLVED


def test_an_incident_that_fires_for_four_hours_gets_a_reminder():
    watcher = Watcher(services={"s": a_service(2)})
    watcher.hear(0, failed("a"))
    assert reminded(watcher.wait_until(4 * HOUR - 1)) == []

    assert len(reminded(watcher.wait_until(4 * HOUR))) == 1
    assert len(reminded(watcher.wait_until(9 * HOUR))) == 1


def test_a_silenced_incident_is_counted_but_not_posted_until_the_silence_ends():
    watcher = Watcher(services={"s": a_service(2)})
    watcher.hear(0, failed("a"))
    quiet = Silence("stack_web", "", BEGAN + HOUR, "U1")
    (shown,) = told(watcher.take(silence(watcher.state, quiet)))
    assert (shown.silenced_until, shown.silenced_by) == (BEGAN + HOUR, "U1")

    assert told(watcher.hear(10, failed("b"))) == []
    assert told(watcher.wait_until(HOUR - 1)) == []
    assert watcher.only.count == 2

    (after,) = told(watcher.wait_until(HOUR))
    assert (after.count, after.silenced_until, after.silenced_by) == (2, None, "")
    assert watcher.state.silences == ()


def test_a_new_silenced_incident_is_posted_when_the_silence_ends():
    watcher = Watcher(services={"s": a_service(2)})
    watcher.take(silence(WatcherState(), Silence("stack_web", "exit_code", BEGAN + 100, "U1")))

    assert told(watcher.hear(0, failed("a"))) == []
    assert [each.count for each in told(watcher.wait_until(100))] == [1]


def test_an_incident_resolved_during_a_silence_is_never_posted():
    watcher = Watcher(services={"s": a_service(1)})
    watcher.take(silence(WatcherState(), Silence("stack_web", "", BEGAN + HOUR, "U1")))
    watcher.hear(0, failed("a"))
    watcher.hear(1, *running(1))
    watcher.wait_until(2 * HOUR)

    assert told(watcher.actions) == []
    assert sum(isinstance(action, Forget) for action in watcher.actions) == 1


def test_a_silence_of_another_cause_or_service_has_no_effect():
    watcher = Watcher()
    for other in (Silence("stack_web", "unhealthy", 1e9, "U"), Silence("x_web", "", 1e9, "U")):
        watcher.take(silence(watcher.state, other))

    assert len(told(watcher.hear(0, failed("a")))) == 1


def test_a_silence_does_not_delay_a_resolved_message():
    watcher = broken()
    watcher.take(silence(watcher.state, Silence("stack_web", "", BEGAN + HOUR, "U1")))

    assert told(watcher.wait_until(100))[0].state is IncidentState.RESOLVED


def test_a_new_silence_replaces_the_old_one():
    watcher = Watcher()
    watcher.take(silence(watcher.state, Silence("stack_web", "", BEGAN + 10, "U1")))
    watcher.take(silence(watcher.state, Silence("stack_web", "", BEGAN + 90, "U2")))

    assert [each.by for each in watcher.state.silences] == ["U2"]


def test_nothing_is_posted_about_a_service_during_its_job():
    watcher = Watcher(services={"s": a_service(1)}, busy={"s"})
    watcher.hear(0, failed("a"))
    watcher.hear(1, *running(1))
    watcher.busy.clear()
    watcher.wait(2)
    watcher.wait_until(HOUR)

    assert told(watcher.actions) == []
    assert [each.count for each in watcher.closed.values()] == [1]


def test_a_crash_loop_that_outlasts_the_job_is_posted_with_its_full_count():
    watcher = Watcher(services={"s": a_service(1)}, busy={"s"})
    watcher.hear(0, failed("a"), failed("b"))
    watcher.busy.clear()

    assert [each.count for each in told(watcher.hear(3, failed("c")))] == [3]


def test_a_permanent_failure_is_posted_shortly_after_the_job():
    watcher = Watcher(services={"s": a_service(1)}, busy={"s"})
    watcher.hear(0, failed("a"))
    watcher.wait(5)
    watcher.busy.clear()
    watcher.wait(6)
    assert told(watcher.wait_until(15)) == []

    assert [each.count for each in told(watcher.wait_until(17))] == [1]


def test_a_job_right_after_another_extends_the_hold():
    watcher = Watcher(services={"s": a_service(1)}, busy={"s"})
    watcher.hear(0, failed("a"))
    watcher.busy.clear()
    watcher.wait(1)
    watcher.busy.add("s")
    watcher.wait(2)
    watcher.wait_until(60)

    assert told(watcher.actions) == []
    assert watcher.only.held_until is None


def test_a_pending_task_is_posted_only_after_the_job():
    watcher = Watcher(services={"s": a_service(1)}, busy={"s"})
    watcher.hear(0, a_task("a", 1, PENDING, err="no suitable node (x)"))
    watcher.wait_until(60)
    assert watcher.open == []
    watcher.busy.clear()

    assert [each.cause.kind for each in told(watcher.wait(61))] == [CauseKind.UNSCHEDULABLE]


def test_a_state_in_which_nothing_is_open_needs_no_tick():
    watcher = Watcher()
    watcher.hear(0, *running(1, 2, 3), reconciled=True)

    assert next_tick(watcher.state, BEGAN) == HOUR
    assert watcher.wait(5) == ()


def test_the_next_tick_is_when_time_may_change_something():
    watcher = Watcher(services={"s": a_service(1)})
    watcher.hear(0, a_task("a", 1, PENDING, err="no suitable node (x)"))
    assert next_tick(watcher.state, BEGAN + 4) == 6

    watcher.wait(10)
    watcher.hear(20, a_task("a", 1))
    assert next_tick(watcher.state, BEGAN + 20) == WAIT
    assert next_tick(watcher.state, BEGAN + 99) == 0


def test_incidents_are_found_if_open_or_recently_resolved():
    watcher = broken()
    number = watcher.only.id
    assert watcher.state.find(number) == watcher.only
    watcher.wait_until(100)

    found = watcher.state.find(number)
    assert found is not None
    assert found.state is IncidentState.RESOLVED
    assert watcher.state.find("nobody") is None


def test_evidence_is_fetched_again_for_a_failure_after_a_job():
    watcher = Watcher(services={"s": a_service(1)}, busy={"s"}, rules=Rules(refresh=5))

    assert fetched(watcher.hear(0, failed("a"))) == ["a"]
    assert fetched(watcher.hear(6, failed("b"))) == ["b"]
