"""Jobs that drain or activate a node."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bot.domain.convergence.machine import ConvergenceLimits, StepResult
from bot.domain.errors import NotFoundError
from bot.domain.jobs.model import NODE, Job, JobState, Target
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.operations.drain_plan import arrivals, plan_drain
from bot.domain.operations.node_change import (
    NodeLook,
    activate_outcome,
    drain_outcome,
    drain_overdue,
    drain_progress,
    gone,
)
from bot.domain.swarm.model import (
    Availability,
    Node,
    NodeState,
    Resources,
    Service,
    StackLook,
    Task,
    TaskState,
)
from bot.jobs.node_change import NOT_FOLLOWED
from handlers.drain import ActivateHandler, DrainHandler
from tests.messages.job_kit import a_job, a_target, finished, shown
from tests.messages.sample import AT, BOB, Sample, context, port
from tests.messages.swarm import (
    DJANGO,
    GIB,
    MIGRATE,
    N2,
    NODES,
    WORKER,
    a_goal,
    a_service,
    a_task,
    judged,
    running,
)


def nodes_running() -> Iterator[Sample]:
    job = _draining()
    yield Sample("Running: drain", shown(job))
    stuck = _drain_job(_crowded())
    yield Sample("Running: drain with `--yes`, tasks fit on no other node", shown(stuck))
    active = replace(NODES[1], availability=Availability.DRAIN)
    look = StackLook(AT, "", (a_service("exporter", None),), (), NODES)
    coming = arrivals(active, look)
    job = a_job("activate", _node_target(0), foretold=coming, state=JobState.RUNNING)
    yield Sample("Running: activate", shown(job))


def _node_target(tasks: int) -> Target:
    return Target(
        f"{NODE}photon-machine-02", N2, tasks, applied=AT, changed=True, update_before=0.0
    )


def _crowded() -> StackLook:
    big = replace(WORKER, reservation=Resources(3 * 10**9, 6 * GIB))
    return StackLook(AT, "", (big,), running(big, 1, 2, 3, reservation=big.reservation), NODES)


def _drain_job(look: StackLook) -> Job:
    foretold = plan_drain(NODES[1], look).sentences
    targets = (_node_target(2), a_target(WORKER), a_target(DJANGO))
    return a_job("drain", *targets, foretold=foretold, state=JobState.RUNNING)


def _node_look(node: Node, *tasks: Task) -> NodeLook:
    return NodeLook(node, tasks, {each.id: each.name for each in (WORKER, DJANGO, MIGRATE)})


def _draining() -> Job:
    exporter = a_service("exporter", None)
    tasks = (
        *running(WORKER, 1, 2, 3),
        *running(DJANGO, 1, 2),
        a_task(exporter, 0, node=N2),
        a_task(MIGRATE, 1, node=N2, desired=TaskState.COMPLETE),
    )
    look = StackLook(AT, "", (WORKER, DJANGO, exporter, MIGRATE), tasks, NODES)
    left = (
        a_task(WORKER, 2, node=N2, desired=TaskState.SHUTDOWN),
        a_task(MIGRATE, 1, node=N2, desired=TaskState.COMPLETE),
    )
    drained = replace(NODES[1], availability=Availability.DRAIN)
    seen = drain_progress("node", _node_look(drained, *left), 4)
    return _drain_job(look).with_progress(0, seen)


def nodes_ended() -> Iterator[Sample]:
    drained = replace(NODES[1], availability=Availability.DRAIN)
    down = replace(drained, state=NodeState.DOWN)
    well = (_well(WORKER), _well(DJANGO))
    left = a_task(MIGRATE, 1, node=N2, desired=TaskState.COMPLETE)
    stubborn = a_task(WORKER, 2, node=N2, desired=TaskState.SHUTDOWN)
    moved = _drain_job(_crowded())
    for title, node, changed, tasks in (
        ("drained", drained, True, ()),
        ("it was drained already", drained, False, ()),
        ("the node is down", down, True, ()),
        ("someone activated it", NODES[1], True, (stubborn,)),
    ):
        outcome = drain_outcome(_node_look(node, *tasks), 2, changed=changed)
        assert outcome is not None
        rest: tuple[StepResult | Outcome, ...] = well
        if outcome.verdict is Verdict.SUPERSEDED:
            rest = (Outcome(Verdict.SUPERSEDED, NOT_FOLLOWED),) * 2
        yield Sample(f"Drain: {title}", shown(finished(moved, outcome, *rest)))
    for title, task in (("a task does not stop", stubborn), ("a job's task stays", left)):
        late = drain_overdue(_node_look(drained, task), 2)
        yield Sample(f"Drain timed out: {title}", shown(finished(moved, late, *well)))
    lost = gone(NotFoundError("It is no longer in the swarm."))
    yield Sample("Drain: the node was removed", shown(finished(moved, lost, *well)))
    activated = a_job("activate", _node_target(0))
    for title, node, changed in (
        ("active", NODES[1], True),
        ("it was active already", NODES[1], False),
        ("the node is down", replace(NODES[1], state=NodeState.DOWN), True),
        ("someone drained it", drained, True),
    ):
        outcome = activate_outcome(node, changed=changed, late=True)
        assert outcome is not None
        yield Sample(f"Activate: {title}", shown(finished(activated, outcome)))


def _well(service: Service) -> StepResult:
    tasks = running(service, *range(1, (service.replicas or 0) + 1))
    goal = a_goal(service, limits=ConvergenceLimits(probation=0))
    return judged(goal, (0, service, tasks), (5, service, tasks))


def stopped_nodes() -> Iterator[Sample]:
    for title, operation, job in (
        ("drain", DrainHandler(context()), _draining()),
        ("activate", ActivateHandler(context()), a_job("activate", _node_target(0))),
    ):
        runner: Any = operation.job
        lease: Any = port()
        lease.job, lease.cancelled_by = job, BOB
        yield Sample(f"Cancelled: {title}", shown(finished(runner._cancelled(lease))))
