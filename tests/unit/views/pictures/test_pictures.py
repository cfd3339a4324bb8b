"""Pictures before they are drawn: everything is on the sheet, has a text and fits."""

import math
from typing import Any
from unicodedata import category

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.jobs.model import Job, JobState, Target
from bot.domain.jobs.progress import ServiceProgress, SlotProgress
from bot.domain.jobs.timeline import MOST, Moment, extended
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.model import (
    Availability,
    Mode,
    Node,
    NodeState,
    Service,
    StackLook,
    Task,
    TaskState,
)
from bot.domain.swarm.task_tiles import TaskStanding, tiles
from bot.domain.text.figure import MOST_PIXELS, Box, Figure, Stroke, Words
from bot.views.pictures.lettering import fitted, room
from bot.views.pictures.map import map_picture
from bot.views.pictures.palette import LOOKS
from bot.views.pictures.timeline import MOST_ROWS, timeline_picture
from tests.unit.hostile import hostile, moments

often = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
RUNNING, FAILED, SHUTDOWN = TaskState.RUNNING, TaskState.FAILED, TaskState.SHUTDOWN


def a_swarm(nodes: int, tasks: int) -> StackLook:
    """Nodes of which the first is the leader, with one service spread over them."""
    machines = tuple(
        Node(f"n{i}", f"photon-machine-{i:02}", role="worker" if i > 1 else "manager",
             manager="" if i > 1 else "leader")
        for i in range(1, nodes + 1)
    )  # fmt: skip
    service = Service("s", "orochi_worker01", 1, Mode.REPLICATED, tasks, stack="orochi")
    running = tuple(
        Task(f"t{i}", "s", i, f"n{i % nodes + 1}", RUNNING, RUNNING, created=float(i))
        for i in range(1, tasks + 1)
    )
    return StackLook(1000.0, "", (service,), running, machines)


def texts(figure: Figure) -> list[str]:
    return [shape.text for shape in figure.shapes if isinstance(shape, Words)]


def assert_stands(figure: Figure) -> None:
    """Check that every shape is on the sheet, and no text leaves it to the right."""
    assert 0 < figure.pixels <= MOST_PIXELS
    for shape in figure.shapes:
        if isinstance(shape, Box):
            assert shape.width >= 0
            assert -1 <= shape.x <= shape.x + shape.width <= figure.width + 1
            assert -1 <= shape.y <= shape.y + shape.height <= figure.height + 1
        elif isinstance(shape, Stroke):
            assert 0 <= min(shape.x1, shape.x2) <= max(shape.x1, shape.x2) <= figure.width
        else:
            assert not {category(each) for each in shape.text} & {"Cc", "Cs", "Zl", "Zp"}
            wide = room(shape.text, shape.size, bold=shape.bold)
            right = {"left": wide, "center": wide / 2, "right": 0.0}[shape.align]
            assert 0 <= shape.left <= shape.left + right <= figure.width + 1
            assert 0 < shape.middle < figure.height


@pytest.mark.parametrize(("nodes", "tasks"), [(1, 0), (3, 9), (10, 40), (100, 800), (100, 9000)])
def test_a_map_has_every_node_and_stays_readable(nodes, tasks):
    """With three nodes or a hundred: a column for each, readable text, a limited sheet."""
    figure = map_picture(a_swarm(nodes, tasks))
    assert_stands(figure)
    assert len([each for each in texts(figure) if "leader" in each]) == 1
    assert sum(each.endswith(" worker") or each == "worker" for each in texts(figure)) == nodes - 1
    assert min(shape.size for shape in figure.shapes if isinstance(shape, Words)) >= 11
    assert figure.summary.startswith(f"{nodes} node")
    assert figure.width < 2100


def test_a_swarm_of_any_size_is_never_refused():
    """It has as many full columns as fit in an image; the others are counted in the title."""
    nodes = a_swarm(450, 0).nodes
    services = [Service(f"s{n}", f"web{n}", 1, Mode.GLOBAL, None) for n in range(20)]
    tasks = tuple(
        Task(f"{service.id}.{node.id}", service.id, 0, node.id, RUNNING, RUNNING)
        for service in services
        for node in nodes
    )
    figure = map_picture(StackLook(1000.0, "", tuple(services), tasks, nodes))
    assert_stands(figure)
    assert any(each.endswith("UTC") and " nodes not shown" in each for each in texts(figure))


def test_a_task_has_colour_symbol_and_word():
    """No information is only in the colour; the same for each state of the legend."""
    figure = map_picture(a_swarm(1, 1))
    look = LOOKS[TaskStanding.RUNNING]
    assert {"worker01.1", "running", look.sign} <= set(texts(figure))
    assert any(isinstance(each, Box) and each.fill == look.fill for each in figure.shapes)
    assert {each.word for each in LOOKS.values()} <= set(texts(figure))
    assert len({(each.sign, each.fill) for each in LOOKS.values()}) == len(LOOKS)


def test_nodes_that_are_down_are_hatched_and_drained_ones_marked():
    machines = (
        Node("n1", "up"),
        Node("n2", "lost", state=NodeState.DOWN),
        Node("n3", "emptied", availability=Availability.DRAIN),
    )
    look = StackLook(0.0, "", (), (), machines)
    figure = map_picture(look)
    hatches = [each.hatch for each in figure.shapes if isinstance(each, Box) and each.hatch]
    assert hatches == ["dots", "lines"]
    assert {"DOWN · worker", "DRAINED · worker", "worker"} <= set(texts(figure))
    assert "1 down, 1 drained" in figure.summary


def test_tasks_without_a_node_have_their_own_column():
    look = a_swarm(2, 1)
    waiting = Task("p", "s", 2, "", TaskState.PENDING, RUNNING, created=9.0, err="no suitable node")
    service = look.services[0]
    figure = map_picture(StackLook(0.0, "", (service,), (*look.tasks, waiting), look.nodes))
    assert "no node yet" in texts(figure)
    assert "1 waiting" in figure.summary


def test_more_tasks_than_fit_share_tiles_and_none_is_lost():
    """Failed tasks come first; the counts add up to all of them."""
    look = a_swarm(1, 60)
    broken = Task("x", "s", 61, "n1", FAILED, SHUTDOWN, created=99.0)
    service = Service("s", "orochi_worker01", 1, Mode.REPLICATED, 61, stack="orochi")
    figure = map_picture(StackLook(0.0, "", (service,), (*look.tasks, broken), look.nodes))
    assert {"60 x worker01", "worker01.61"} <= set(texts(figure))
    assert "61 tasks: 1 failed, 60 running" in figure.summary


def a_task(id_: str, state: TaskState, desired: TaskState = RUNNING, **more: Any) -> Task:
    return Task(id_, "s", 1, "n1", state, desired, **more)


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ([a_task("a", RUNNING)], [(TaskStanding.RUNNING, "running")]),
        ([a_task("a", FAILED, SHUTDOWN, created=1.0), a_task("b", TaskState.READY, created=2.0)],
         [(TaskStanding.FAILED, "ready again")]),
        ([a_task("a", FAILED, SHUTDOWN, created=1.0), a_task("b", RUNNING, created=2.0)],
         [(TaskStanding.RUNNING, "running")]),
        ([a_task("a", RUNNING, SHUTDOWN, created=1.0), a_task("b", TaskState.PREPARING,
                                                              created=2.0)],
         [(TaskStanding.PREPARING, "preparing"), (TaskStanding.STOPPING, "stopping")]),
        ([a_task("a", FAILED, SHUTDOWN)], [(TaskStanding.FAILED, "failed")]),
        ([a_task("a", TaskState.COMPLETE, SHUTDOWN)], [(TaskStanding.FAILED, "complete")]),
    ],
)  # fmt: skip
def test_which_tasks_of_a_slot_are_shown(tasks, expected):
    """Live tasks are shown; ended ones only if none lives and the service still wants the slot."""
    service = Service("s", "orochi_web", 1, Mode.REPLICATED, 1, stack="orochi")
    look = StackLook(0.0, "", (service,), tuple(tasks), (Node("n1", "one"),))
    assert [(tile.standing, tile.word) for tile in tiles(look)] == expected


def test_removed_slots_and_lost_nodes():
    """Ended tasks of removed slots are not shown; tasks of a lost node are unknown."""
    service = Service("s", "orochi_web", 1, Mode.REPLICATED, 0, stack="orochi")
    one = (Node("n1", "one", state=NodeState.DOWN),)
    assert tiles(StackLook(0.0, "", (service,), (a_task("a", FAILED, SHUTDOWN),), one)) == ()
    (tile,) = tiles(StackLook(0.0, "", (service,), (a_task("a", RUNNING),), one))
    assert (tile.standing, tile.word) == (TaskStanding.UNKNOWN, "running?")


hostile_nodes = st.builds(
    Node, st.sampled_from(["n1", "n2", "n3"]), hostile, st.sampled_from(NodeState),
    st.sampled_from(Availability), st.sampled_from(["worker", "manager"]),
    st.sampled_from(["", "leader", "reachable", "unreachable"]),
)  # fmt: skip
hostile_services = st.builds(
    Service, st.sampled_from(["s1", "s2"]), hostile, st.just(1), st.sampled_from(Mode),
    st.none() | st.integers(0, 50), stack=hostile,
)  # fmt: skip
hostile_tasks = st.builds(
    Task, st.text(max_size=3), st.sampled_from(["s1", "s2"]), st.integers(0, 9),
    st.sampled_from(["n1", "n2", "gone", ""]), st.sampled_from(TaskState),
    st.sampled_from([RUNNING, SHUTDOWN, TaskState.REMOVE]), moments, moments, hostile,
)  # fmt: skip


@often
@given(
    st.lists(hostile_nodes, max_size=4), st.lists(hostile_services, max_size=3),
    st.lists(hostile_tasks, max_size=30), moments,
)  # fmt: skip
def test_a_map_of_any_swarm_can_be_built(nodes, services, tasks, at):
    assert_stands(map_picture(StackLook(at, "", tuple(services), tuple(tasks), tuple(nodes))))


@often
@given(hostile, st.sampled_from([11.0, 13.0, 18.0]), st.integers(40, 500), st.integers(0, 6))
def test_fitted_text_fits_and_is_unchanged_if_it_fits(text, size, most, tail):
    shown = fitted(text, size, most, tail=tail)
    assert room(shown, size) <= most
    if text.isascii() and text.isprintable() and text == text.strip() and "  " not in text:
        assert shown == text or room(text, size) > most


def test_similar_names_keep_their_ends():
    shown = fitted("photon-machine-with-a-long-name-07", 11, 100, tail=5)
    assert shown.startswith("phot")
    assert shown.endswith("me-07")


def slot(place: str, state: str, **more: Any) -> SlotProgress:
    return SlotProgress(place, state, **more)


def seen(*slots: SlotProgress) -> ServiceProgress:
    return ServiceProgress("orochi_web", 0, len(slots), "", slots)


def test_a_course_has_only_changes():
    """A new state, a failure between two looks, a slot that leaves and is gone."""
    course = extended((), 0, None, seen(slot("1", "preparing")), 10.0)
    first = seen(slot("1", "preparing"))
    assert course == (Moment(0, "1", "preparing", 10.0),)
    assert extended(course, 0, first, first, 11.0) == course
    again = seen(slot("1", "ready", failures=1))
    assert extended((), 0, first, again, 12.0) == (
        Moment(0, "1", "failed", 12.0),
        Moment(0, "1", "ready", 12.0),
    )
    leaving = seen(slot("1", "running", leaving=True, failures=1))
    assert extended((), 0, again, leaving, 13.0) == (Moment(0, "1", "leaving", 13.0),)
    other = seen(slot("2", "running"))
    assert Moment(0, "1", "gone", 14.0) in extended((), 0, leaving, other, 14.0)
    assert extended((), 0, leaving, seen(), 14.0) == ()


@pytest.mark.parametrize("state", ["ready", "failed"])
def test_each_failure_between_two_looks_is_in_the_course(state):
    """A slot that failed twice since the last look, and one that failed before it was seen."""
    first, later = seen(slot("1", "running", failures=1)), seen(slot("1", state, failures=3))

    for before, count in ((first, 2), (None, 3)):
        states = [moment.state for moment in extended((), 0, before, later, 12.0)]
        assert states.count("failed") == count
        assert states[-1] == state


def test_a_course_is_limited():
    course: tuple[Moment, ...] = ()
    before = None
    for number in range(3 * MOST):
        after = seen(slot("1", "running" if number % 2 else "starting"))
        course, before = extended(course, 0, before, after, float(number)), after
    assert len(course) == MOST
    assert course[-1].at < MOST + 1


def a_job(course: tuple[Moment, ...], **more: Any) -> Job:
    targets = (Target("orochi_web", "s", 3, applied=101.0),)
    known: dict[str, Any] = {"state": JobState.FINISHED, "finished": 120.0, "targets": targets}
    outcomes = (Outcome(Verdict.CRASH_LOOPING, "again and again"),)
    return Job("abc234", "scale", "orochi", "scale 3", "U1", "C1", 100.0,
               outcomes=outcomes, course=course, **{**known, **more})  # fmt: skip


def test_a_timeline_shows_states_failures_change_and_verdict():
    states = ["preparing", "starting", "running", "failed", "ready", "running"]
    course = tuple(Moment(0, "1", each, 101.0 + 3 * i) for i, each in enumerate(states))
    figure = timeline_picture(a_job(course))
    assert figure is not None
    assert_stands(figure)
    assert {"slot 1", "change made", "verdict", "preparing 3.0 s"} <= set(texts(figure))
    assert figure.summary == "scale web to 3: crash looping after 20 s; 1 slot, 1 failure"


def test_a_job_without_observed_slots_has_no_timeline():
    assert timeline_picture(a_job(())) is None


def test_too_many_slots_leave_out_those_without_failures():
    course = tuple(Moment(0, str(n), "running", 101.0) for n in range(1, 3 * MOST_ROWS))
    course += (Moment(0, "99", "failed", 102.0),)
    figure = timeline_picture(a_job(course))
    assert figure is not None
    assert "slot 99" in texts(figure)
    assert any(f"{3 * MOST_ROWS - 1 - MOST_ROWS} slots not shown" in each for each in texts(figure))


hostile_moments = st.builds(
    Moment, st.integers(0, 3), hostile,
    st.one_of(hostile, st.sampled_from(["running", "failed", "gone", "leaving", "preparing"])),
    st.floats(-1e9, 2e9, allow_nan=False),
)  # fmt: skip


@often
@given(st.lists(hostile_moments, max_size=20), st.none() | st.floats(0, 2e9), hostile)
def test_a_timeline_of_any_job_can_be_built(course, finished, name):
    ordered = tuple(sorted(course, key=lambda each: each.at))
    job = a_job(ordered, finished=finished, targets=(Target(name, "s", 3),))
    figure = timeline_picture(job)
    assert (figure is None) == (not course)
    if figure is not None:
        assert_stands(figure)
        assert all(math.isfinite(shape.left) for shape in figure.shapes if isinstance(shape, Words))
