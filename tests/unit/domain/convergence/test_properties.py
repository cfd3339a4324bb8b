"""Invariants of the state machine for any course of events."""

from __future__ import annotations

import random
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.convergence.machine import Convergence, Goal, StepResult, step
from bot.domain.convergence.probe_spec import (
    LABEL,
    HttpStatus,
    ProbeSpec,
    Reading,
    Unlike,
    Unreached,
    Workers,
    read,
)
from bot.domain.convergence.rule import Phase
from bot.domain.convergence.rules import CONVERGING, PROBATION
from bot.domain.jobs.verdict import Verdict
from bot.domain.swarm.model import (
    Availability,
    Look,
    Mode,
    Node,
    NodeState,
    Resources,
    RestartCondition,
    Service,
    Task,
    TaskState,
    UpdateState,
)
from bot.domain.swarm.reachability import Reach
from bot.domain.swarm.slots import count, runs_to_completion
from tests.unit.looks import BEGAN

ERRORS = [
    "",
    "task: non-zero exit (1)",
    "task: non-zero exit (137)",
    "task: non-zero exit (137): dockerexec: unhealthy container",
    "No such image: a:1",
    "no suitable node (insufficient resources on 3 nodes)",
    "starting container failed: error while mounting volume '/x': no such device",
    'starting container failed: exec: "/x": no such file',
    "assigned node no longer meets constraints",
    "something nobody has seen before",
]
Course = list[tuple[Look, tuple[Task, ...], Reading | None, float]]
T = TypeVar("T")
NODE_IDS = ["n1", "n2", "n3"]

nodes = st.tuples(
    *(
        st.builds(
            Node,
            id=st.just(id_),
            hostname=st.just(f"photon-{id_}"),
            state=st.sampled_from([NodeState.READY, *NodeState]),
            availability=st.sampled_from([Availability.ACTIVE, *Availability]),
        )
        for id_ in NODE_IDS
    )
)
tasks = st.builds(
    Task,
    id=st.sampled_from([f"t{n}" for n in range(12)]),
    service_id=st.just("s"),
    slot=st.integers(0, 4),
    node_id=st.sampled_from(["", "gone", *NODE_IDS]),
    state=st.sampled_from(list(TaskState)),
    desired=st.sampled_from(list(TaskState)),
    created=st.integers(0, 3).map(float),
    err=st.sampled_from(ERRORS),
    exit_code=st.sampled_from([None, 0, 1, 137]),
    up_to_date=st.booleans(),
    job_iteration=st.integers(0, 1),
    addresses=st.sampled_from([(), ("10.0.1.1",), ("10.0.1.2", "10.0.2.2")]),
)
readings = st.one_of(
    st.none(),
    st.builds(Workers, st.lists(st.sampled_from(["10.0.1.1", "10.0.2.2", ""])).map(tuple)),
    st.builds(HttpStatus, st.sampled_from([200, 204, 302, 404, 503])),
    st.builds(Unreached, st.sampled_from([each for each in Reach if each is not Reach.ANSWERS])),
    st.just(Unlike("it answers 404")),
)
labels = st.sampled_from(["", "", "dask://scheduler:8787", "http://django/ready", "wrong"])
services = st.builds(
    Service,
    id=st.just("s"),
    name=st.just("stack_web"),
    version=st.integers(1, 9),
    mode=st.sampled_from([Mode.REPLICATED, *Mode]),
    replicas=st.sampled_from([3, 3, 3, 0, 1]),
    restart=st.sampled_from(RestartCondition),
    max_attempts=st.integers(0, 2),
    limit=st.sampled_from([Resources(), Resources(memory=2**24)]),
    has_health_check=st.booleans(),
    update=st.sampled_from([UpdateState.NONE, *UpdateState]),
    update_started=st.sampled_from([None, 1.0, 2.0]),
    update_message=st.sampled_from(["", "update paused due to failure of task t1"]),
    failure_action=st.sampled_from(["pause", "continue"]),
    labels=labels.map(lambda label: {LABEL: label} if label else {}),
)
looks = st.builds(
    Look,
    at=st.just(0.0),
    service=st.one_of(services, services, services, st.none()),
    tasks=st.lists(tasks, max_size=8, unique_by=lambda task: task.id).map(tuple),
    nodes=nodes,
)
heard = st.lists(tasks, max_size=4).map(tuple)
courses = st.lists(st.tuples(looks, heard, readings, st.floats(0.1, 60.0)), min_size=1, max_size=8)
starts = st.builds(
    Goal,
    service_id=st.just("s"),
    service=st.just("stack_web"),
    replicas=st.sampled_from([3, 3, None]),
    known_dead=st.sampled_from([frozenset(), frozenset({"t1"})]),
    began=st.just(BEGAN),
    updates=st.booleans(),
).flatmap(
    lambda goal: st.sampled_from(
        [Convergence.start(goal), Convergence.on_probation(goal, BEGAN + 1)]
    )
)


def run(state: Convergence, course: Course) -> list[tuple[Look, StepResult, Phase]]:
    """All steps up to the first outcome, with the phase of each."""
    now, steps = BEGAN, []
    for look, said, reading, seconds in course:
        now += seconds
        phase = state.phase
        result = step(state, look, said, now, reading)
        steps.append((look, result, phase))
        state = result.state
        if result.outcome:
            break
    return steps


@given(state=starts, course=courses)
@settings(max_examples=75, deadline=None)
def test_every_course_has_described_steps_and_verdicts_of_the_tables(
    state: Convergence, course: Course
):
    allowed = {
        Phase.CONVERGING: {v for rule in CONVERGING for v in rule.ends} | {Verdict.SUPERSEDED},
        Phase.PROBATION: {v for rule in PROBATION for v in rule.ends},
    }

    for _, result, phase in run(state, course):
        assert result.look_again_in >= 0
        assert result.progress.phase
        assert result.progress.running >= 0
        if result.outcome:
            assert result.outcome.verdict in allowed[phase]
            assert result.outcome.reason.endswith(".")


@given(state=starts, course=courses)
@settings(max_examples=75, deadline=None)
def test_nothing_converges_while_the_running_count_is_wrong(state: Convergence, course: Course):
    for look, result, phase in run(state, course):
        said = result.outcome is not None and result.outcome.verdict is Verdict.CONVERGED
        if said and phase is Phase.CONVERGING:
            assert look.service is not None
            census = count(look, look.service)
            assert len(census.running) + census.completed == census.wanted
            assert not census.surplus


@given(state=starts, course=courses)
@settings(max_examples=75, deadline=None)
def test_nothing_converges_while_a_probe_is_not_ready(state: Convergence, course: Course):
    steps = run(state, course)

    for (look, result, phase), (_, _, reading, _) in zip(steps, course, strict=False):
        said = result.outcome is not None and result.outcome.verdict is Verdict.CONVERGED
        service = look.service
        if (
            not said
            or phase is not Phase.CONVERGING
            or service is None
            or LABEL not in service.labels
        ):
            continue
        census = count(look, service)
        if census.wanted and not runs_to_completion(service):
            assert isinstance(read(service.labels[LABEL]), ProbeSpec)
            assert isinstance(reading, Workers | HttpStatus)
            if isinstance(reading, Workers):
                assert len(reading.hosts) >= len(census.running)
            else:
                assert reading.code in {200, 204}


@given(state=starts, course=courses)
@settings(max_examples=75, deadline=None)
def test_nothing_is_completed_before_every_wanted_task_succeeded(
    state: Convergence, course: Course
):
    for look, result, _ in run(state, course):
        if result.outcome and result.outcome.verdict is Verdict.COMPLETED:
            assert look.service is not None
            census = count(look, look.service)
            assert census.completed == census.wanted
            assert not census.chosen


@given(state=starts, course=courses, more=looks)
@settings(max_examples=75, deadline=None)
def test_an_outcome_is_final(state: Convergence, course: Course, more: Look):
    last = run(state, course)[-1][1]
    if last.outcome is None:
        return

    again = step(last.state, more, more.tasks, BEGAN + 5000)

    assert (again.outcome, again.progress, again.state) == (last.outcome, last.progress, last.state)


@given(state=starts, course=courses, seed=st.integers(0, 999))
@settings(max_examples=75, deadline=None)
def test_the_order_of_tasks_and_nodes_does_not_matter(
    state: Convergence, course: Course, seed: int
):
    shuffle = random.Random(seed)

    def mixed(values: tuple[T, ...]) -> tuple[T, ...]:
        return tuple(shuffle.sample(values, len(values)))

    shuffled = [
        (Look(look.at, look.service, mixed(look.tasks), mixed(look.nodes)), said, reading, seconds)
        for look, said, reading, seconds in course
    ]

    here, there = run(state, course)[-1][1], run(state, shuffled)[-1][1]

    assert here.outcome == there.outcome
    assert here.progress == there.progress


@given(state=starts, course=courses)
@settings(max_examples=75, deadline=None)
def test_every_observation_ends_by_its_time_limit(state: Convergence, course: Course):
    last = run(state, course)[-1][1]
    if last.outcome is None:
        look = course[-1][0]

        assert step(last.state, look, (), BEGAN + 901).outcome is not None
