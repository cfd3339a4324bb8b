"""The Home tab: its content, the buttons of each role, and that Slack accepts it for any text."""

import json
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.deploys.version import Version
from bot.domain.incidents.model import Incident, IncidentState
from bot.domain.jobs.model import Job, JobState, Target
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.operations.dashboard import Dashboard
from bot.domain.swarm.causes import Cause, CauseKind
from bot.domain.swarm.model import Mode, Node, Service, StackLook, Task, TaskState
from bot.slack.wording import home_view
from bot.views.home import MOST_BLOCKS, home_message
from playground.slack.limits import check_view
from playground.slack.model import texts_within
from tests.unit.hostile import _OURS, STRUCTURE, hostile, shown
from tests.unit.views.incidents.test_properties import incidents
from tests.unit.views.pictures.test_pictures import hostile_nodes, hostile_services, hostile_tasks

NOW = 1_700_000_000.0
SERVICES = (
    Service("s1", "orochi_worker01", 1, Mode.REPLICATED, 2, stack="orochi"),
    Service("s2", "orochi_django", 1, Mode.REPLICATED, 1, stack="orochi"),
)
RUNNING, SHUTDOWN = TaskState.RUNNING, TaskState.SHUTDOWN
TASKS = (
    Task("t1", "s1", 1, "n1", RUNNING, RUNNING, created=1.0),
    Task("t2", "s1", 2, "n1", TaskState.FAILED, SHUTDOWN, created=2.0, exit_code=7,
         err="task: non-zero exit (7)"),
    Task("t3", "s2", 1, "n1", RUNNING, RUNNING, created=3.0),
)  # fmt: skip
LOOK = StackLook(NOW, "", SERVICES, TASKS, (Node("n1", "photon-machine-01"),))
FIRE = Incident(
    "fire22", "s1|exit_code", "orochi_worker01", "s1", Cause(CauseKind.EXIT_CODE, "exit 7"),
    IncidentState.FIRING, NOW - 60, NOW - 5,
)  # fmt: skip
QUEUED = Job(
    "job222",
    "scale",
    "orochi",
    "scale 3",
    "U1",
    "C1",
    NOW - 5,
    (Target("orochi_worker01", "s1", 3),),
)
DONE = Job(
    "job333", "scale", "orochi", "scale 2", "U1", "C1", NOW - 90,
    (Target("orochi_worker01", "s1", 2),), state=JobState.FINISHED, finished=NOW - 60,
    outcomes=(Outcome(Verdict.CONVERGED, "All run."),),
)  # fmt: skip
VERSION = Version("orochi", "job111", "U1", NOW - 600, Verdict.CONVERGED, "d", {}, {}, number=3)
BOARD = Dashboard(NOW, LOOK, (FIRE,), (QUEUED,), (DONE,), {"orochi": VERSION})


def buttons(message):
    """The action ids of all its buttons, with their values."""
    shown = [each for block in message.blocks for each in block.get("elements", [])]
    shown += [block["accessory"] for block in message.blocks if "accessory" in block]
    return [(e["action_id"], e["value"]) for e in shown if e.get("type") == "button"]


def test_the_headline_does_not_call_a_service_healthy_that_is_starting():
    starting = replace(TASKS[1], state=TaskState.STARTING, desired=RUNNING, exit_code=None, err="")
    look = replace(LOOK, tasks=(TASKS[0], starting, TASKS[2]))
    board = replace(BOARD, look=look, incidents=())

    assert "🟡 1 of 2 services healthy" in shown(home_message(board, NOW, NOW + 600, operator=True))


def test_the_tab_shows_what_an_operator_needs():
    message = home_message(BOARD, NOW, NOW + 600, operator=True)
    text = shown(message)
    assert "1 of 2 services unhealthy · 1 open incident · 1 job under way" in text
    assert "fire22" in text
    assert "*worker01*" in text
    assert "*orochi* · 1 of 2 services healthy · version 3, converged, by <@U1>" in text
    assert "job222" in text
    assert "job333" in text
    assert "Converged" in text


def test_only_operators_see_buttons_that_change_something():
    """People who may not press a button do not see it."""
    changing = [
        ("incident.ack", "fire22"),
        ("incident.silence", "fire22"),
        ("job.cancel", "job222"),
    ]
    looking = [("incident.logs", "fire22"), ("home.refresh", "all")]
    operator = home_message(BOARD, NOW, NOW, operator=True)
    viewer = home_message(BOARD, NOW, NOW, operator=False)
    assert sorted(buttons(operator)) == sorted([*changing, *looking])
    assert sorted(buttons(viewer)) == sorted(looking)
    assert "Read-only" in shown(viewer)


def test_unknown_states_are_reported():
    """With the engine or Redis away, no empty list is shown as the truth."""
    board = Dashboard(NOW, troubles=("The engine does not answer.",))
    text = shown(home_message(board, NOW, NOW, operator=True))
    assert "The swarm does not answer" in text
    assert "The engine does not answer." in text
    assert "all well" not in text


def test_the_same_dashboard_later_differs_only_in_its_times():
    """Without times, two looks at an unchanged swarm give the same tab."""
    later = Dashboard(
        NOW + 5, StackLook(NOW + 5, "", SERVICES, TASKS, LOOK.nodes), (FIRE,), (QUEUED,),
        (DONE,), {"orochi": VERSION},
    )  # fmt: skip
    assert home_message(BOARD, 0, 0, operator=True) == home_message(later, 0, 0, operator=True)
    assert home_message(BOARD, NOW, 0, operator=True) != home_message(
        later, NOW + 5, 0, operator=True
    )


def test_jobs_that_were_not_read_are_counted():
    text = shown(home_message(replace(BOARD, more_active=9_999), NOW, NOW, operator=False))

    assert "10000 jobs under way" in text
    assert "and 9999 more jobs" in text


def assert_slack_takes_the_tab(message):
    view = json.loads(json.dumps(home_view(message)))
    assert check_view(view, "home") == []
    assert STRUCTURE(view["blocks"]) == []
    assert len(view["blocks"]) <= MOST_BLOCKS
    for text in texts_within(view["blocks"]):
        assert not set("<>") & set(_OURS.sub("", text)), text


jobs = st.builds(
    Job, st.text("abc234", min_size=6, max_size=6), st.sampled_from(["scale", "restart"]),
    hostile, hostile, st.just("U1"),
    st.just("C1"), st.floats(0, 2e9), st.builds(Target, hostile, st.just("s"), st.integers(0, 9))
    .map(lambda target: (target,)), state=st.sampled_from(JobState),
    finished=st.none() | st.floats(0, 2e9),
)  # fmt: skip
versions = st.builds(
    Version, hostile, hostile, st.just("U1"), st.floats(0, 2e9), st.sampled_from(Verdict),
    hostile, st.just({}), st.just({}), number=st.integers(0, 999),
)  # fmt: skip
looks = st.builds(
    StackLook, st.just(NOW), st.just(""), st.lists(hostile_services, max_size=3).map(tuple),
    st.lists(hostile_tasks, max_size=20).map(tuple), st.lists(hostile_nodes, max_size=3).map(tuple),
)  # fmt: skip
boards = st.builds(
    Dashboard, st.just(NOW), st.none() | looks,
    st.one_of(st.lists(incidents, max_size=2), incidents.map(lambda one: [one] * 40)).map(tuple),
    st.one_of(st.lists(jobs, max_size=2), jobs.map(lambda one: [one] * 40)).map(tuple),
    st.lists(jobs, max_size=9).map(tuple), st.dictionaries(hostile, versions, max_size=3),
    st.lists(hostile, max_size=6).map(tuple),
)  # fmt: skip


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(boards, st.booleans(), hostile)
def test_slack_accepts_any_tab_and_foreign_text_is_never_markup(board, operator, command):
    assert_slack_takes_the_tab(
        home_message(board, NOW, NOW + 600, operator=operator, command=command)
    )
