"""For any events: nothing raises, each failure counts once, a replay changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.incidents.events import Forget, News, ReducerContext, Rules, Tell
from bot.domain.incidents.model import Incident, IncidentState, WatcherState
from bot.domain.incidents.reducer import acknowledge, next_tick, reduce, tick
from bot.domain.incidents.rules import failure_of
from bot.domain.swarm.model import Mode, Node, NodeState, RestartCondition, Service, Task, TaskState

often = settings(max_examples=80, deadline=None)
SERVICES = {
    "s0": Service("s0", "st_web", 1, Mode.REPLICATED, 3),
    "s1": Service("s1", "st_glob", 1, Mode.GLOBAL, None),
    "s2": Service("s2", "st_once", 1, Mode.REPLICATED, 1, restart=RestartCondition.NONE),
    "s3": Service("s3", "st_job", 1, Mode.REPLICATED_JOB, 4, max_concurrent=2),
}
NODES = {f"n{index}": Node(f"n{index}", f"host-{index}") for index in range(3)}
ERRORS = (
    "",
    "task: non-zero exit (1)",
    "task: non-zero exit (137)",
    "No such image: x:1",
    "assigned node no longer meets constraints",
    "starting container failed: mount local volume: no such device",
)
ended = st.sampled_from([TaskState.FAILED, TaskState.REJECTED, TaskState.COMPLETE])
tasks = st.builds(
    Task,
    st.integers(0, 25).map(lambda number: f"t{number}"),
    st.sampled_from([*SERVICES, "gone"]),
    st.integers(0, 4),
    st.sampled_from(["", *NODES, "elsewhere"]),
    st.one_of(ended, st.sampled_from(TaskState)),
    st.sampled_from(TaskState),
    since=st.just(0.0) | st.floats(0, 2000),
    created=st.floats(0, 2000),
    err=st.sampled_from(ERRORS) | st.text(max_size=20),
    exit_code=st.none() | st.sampled_from([0, 1, 137]),
)
nodes = st.builds(
    lambda node, state: replace(node, state=state),
    st.sampled_from(list(NODES.values())),
    st.sampled_from(NodeState),
)
news = st.builds(
    News,
    st.lists(tasks, max_size=6).map(tuple),
    st.lists(nodes, max_size=2).map(tuple),
    removed=st.frozensets(st.sampled_from(["s0", "n0", "gone"]), max_size=1),
    reconciled=st.booleans(),
    late=st.booleans(),
    cursor=st.none() | st.integers(0, 100),
)
stories = st.lists(st.tuples(news, st.floats(0, 200), st.booleans()), max_size=12)
failures = st.lists(
    st.builds(
        lambda number, service, slot, code: Task(
            f"t{number}",
            service,
            slot,
            "n1",
            TaskState.FAILED,
            TaskState.RUNNING,
            err=f"task: non-zero exit ({code})",
            exit_code=code,
        ),
        st.integers(0, 60),
        st.sampled_from(list(SERVICES)),
        st.integers(1, 5),
        st.sampled_from([1, 3, 137]),
    ),
    max_size=60,
    unique_by=lambda task: task.id,
)


def around(tasks_by_service: dict[str, list[Task]] | None = None, **more) -> ReducerContext:
    known = tasks_by_service or {}
    return ReducerContext(SERVICES, NODES, lambda service_id: known.get(service_id, []), **more)


def play(story: Iterable[tuple[News, float, bool]]) -> tuple[WatcherState, list[object], float]:
    state, actions, now = WatcherState(), list[object](), 1000.0
    for each, pause, busy in story:
        now += pause
        context = around(busy=frozenset({"s0"} if busy else ()))
        heard = reduce(state, each, context, now)
        ticked = tick(heard.state, context, now)
        state = ticked.state
        actions += [*heard.actions, *ticked.actions]
        assert next_tick(state, now) >= 0
    return state, actions, now


def failures_of(state: WatcherState) -> dict[str, int]:
    everyone = [*state.incidents.values(), *state.recent.values()]
    counts: dict[str, int] = {}
    for each in everyone:
        if not each.is_node:
            counts[each.service_id] = counts.get(each.service_id, 0) + each.count
    return counts


@often
@given(stories)
def test_nothing_raises_and_alerts_match_their_incidents(story):
    state, actions, _ = play(story)

    newest: dict[str, Incident] = {}
    for action in actions:
        if isinstance(action, Tell | Forget):
            known = newest.get(action.incident.id)
            assert known is None or known.revision < action.incident.revision
            newest[action.incident.id] = action.incident
    for each in state.incidents.values():
        assert each.state is not IncidentState.RESOLVED
        assert each.told <= each.revision
        if each.told == each.revision:
            assert newest[each.id].count == each.count


@often
@given(stories)
def test_repeated_events_change_nothing(story):
    state, _, now = play(story)
    context = around()
    for each, _, _ in story:
        again = News(each.tasks, cursor=0)
        once = reduce(state, again, context, now)
        twice = reduce(once.state, again, context, now)

        assert twice.state == once.state
        assert twice.actions == ()
        state = once.state


@often
@given(stories)
def test_no_task_is_counted_twice(story):
    _, actions, _ = play(story)
    ids = {task.id for each, _, _ in story for task in each.tasks}
    last: dict[str, Incident] = {}
    for action in actions:
        if isinstance(action, Tell | Forget):
            last[action.incident.id] = action.incident

    assert sum(each.count for each in last.values() if not each.is_node) <= len(ids)


@often
@given(failures, st.randoms(use_true_random=False), st.integers(1, 7))
def test_every_failure_is_in_exactly_one_incident_in_whatever_order(failed, random, size):
    real: dict[str, int] = {}
    for task in failed:
        real[task.service_id] = real.get(task.service_id, 0) + 1
    counts = []
    for _ in range(2):
        random.shuffle(failed)
        state = WatcherState()
        for start in range(0, len(failed), size):
            batch = News(tuple(failed[start : start + size]))
            state = reduce(state, batch, around(), 1000.0 + start).state
        counts.append(failures_of(state))

    assert counts == [real, real]


@often
@given(failures, st.data())
def test_a_replay_from_any_older_cursor_posts_nothing_again(failed, data):
    began = data.draw(st.integers(0, len(failed)))
    state = WatcherState()
    for cursor, task in enumerate(failed):
        state = reduce(state, News((task,), cursor=cursor), around(), 1000.0).state
    after = state
    for cursor, task in list(enumerate(failed))[began:]:
        result = reduce(after, News((task,), late=True, cursor=cursor), around(), 1000.0)
        after = result.state
        assert result.actions == ()

    assert after.incidents == state.incidents
    assert after.cursor == state.cursor


@often
@given(failures, failures)
def test_events_of_different_services_can_arrive_in_any_order(one, other):
    ours = tuple(replace(task, service_id="s0") for task in one)
    theirs = tuple(replace(task, id=f"o{task.id}", service_id="s2") for task in other)
    results = []
    for first, second in ((ours, theirs), (theirs, ours)):
        state = reduce(WatcherState(), News(first), around(), 1000.0).state
        results.append(reduce(state, News(second), around(), 1000.0).state.incidents)

    assert results[0] == results[1]


@often
@given(st.lists(st.floats(0.1, 120), min_size=1, max_size=25))
def test_nothing_is_resolved_while_a_failure_is_younger_than_the_quiet_time(pauses):
    live = {
        "s0": [
            Task(f"r{n}", "s0", n, "n1", TaskState.RUNNING, TaskState.RUNNING) for n in (1, 2, 3)
        ]
    }
    state, now, last = WatcherState(), 1000.0, 1000.0
    for number, pause in enumerate(pauses):
        failed = Task(f"t{number}", "s0", 1, "n1", TaskState.FAILED, TaskState.RUNNING, exit_code=1)
        assert failure_of(failed, SERVICES["s0"])
        state = reduce(state, News((failed,)), around(live), now).state
        last, end = now, now + pause
        while state.due is not None and state.due <= end:
            assert state.due > now
            now = state.due
            result = tick(state, around(live), now)
            state = result.state
            ended = [
                a.incident for a in result.actions if isinstance(a, Tell) and a.incident.resolved
            ]
            assert all((each.resolved or 0.0) - last > 64.999 for each in ended)
        now = end


@often
@given(stories, st.text(max_size=8))
def test_acknowledging_anything_changes_no_count(story, number):
    state, _, now = play(story)
    for each in [*state.incidents.values()]:
        state = acknowledge(state, each.id, "U1", now).state
    after = acknowledge(state, number, "U1", now).state

    assert failures_of(after) == failures_of(play(story)[0])


def test_each_of_thousands_of_events_is_counted_once():
    """One failure in four events, over fifty services."""
    services = {f"s{n}": Service(f"s{n}", f"st_{n}", 1, Mode.REPLICATED, 50) for n in range(50)}
    states = (TaskState.RUNNING, TaskState.STARTING, TaskState.PREPARING, TaskState.FAILED)
    stream = [
        Task(
            f"t{n}",
            f"s{n % 50}",
            1 + n % 50,
            "n1",
            states[n % 4],
            TaskState.RUNNING,
            exit_code=n % 3,
        )
        for n in range(4000)
    ]
    state, context = (
        WatcherState(),
        ReducerContext(services, NODES, lambda service_id: [], rules=Rules()),
    )

    for task in stream:
        state = reduce(state, News((task,)), context, 1000.0).state

    assert sum(each.count for each in state.incidents.values()) == 1000
