"""Jobs that fail: what was found, with the cause and the next step."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

from bot.domain.convergence.machine import StepResult
from bot.domain.convergence.probe_spec import LABEL, Unreached, Workers
from bot.domain.convergence.wording import judge_health, judge_memory, judge_pull
from bot.domain.jobs.model import Job, Target
from bot.domain.swarm import placement
from bot.domain.swarm.model import Look, Resources, RestartCondition, Task, TaskState, UpdateState
from bot.domain.swarm.reachability import Reach
from bot.swarm.registry import registry_error, silent
from handlers.scale import ScaleHandler
from tests.messages.job_kit import (
    FIVE,
    NEW,
    PENDING,
    a_job,
    after_looks,
    crashed,
    finished,
    probed,
    restarting,
    rolling_back,
    scaling,
    shown,
    with_log,
)
from tests.messages.sample import AT, Sample, context, port
from tests.messages.swarm import (
    DJANGO,
    GIB,
    N2,
    NODES,
    NOT_STARTED,
    WORKER,
    a_goal,
    a_service,
    a_task,
    failed,
    judged,
    rejected,
    running,
)


def bad() -> Iterator[Sample]:
    for title, job in _failures():
        yield Sample(title, shown(job))


def _failures() -> Iterator[tuple[str, Job]]:
    limited = replace(DJANGO, limit=Resources(memory=GIB // 2))
    checked = replace(DJANGO, has_health_check=True)
    yield from _unplaced()
    yield "Crash looping", crashed()
    first = _scale_of(failed(FIVE, 4, 1, 1), failed(FIVE, 4, 1, 2), failed(FIVE, 4, 1, 3))
    yield "Crash looping: a scale, with the way back", finished(scaling(), with_log(first))
    missing = "No such image: registry.example.com/django:2.5"
    found = after_looks(DJANGO, *rejected(DJANGO, missing, 1, 2, 3), slot_runs=1)
    yield from _asked(found)
    for title, error in NOT_STARTED.items():
        found = after_looks(DJANGO, *rejected(DJANGO, error, 1, 2, 3), slot_runs=1)
        yield title, finished(restarting(DJANGO), found)
    share = (
        "error while mounting volume '/var/lib/docker/volumes/orochi_data/_data': failed to mount "
        "local volume: mount :/export/data:/var/lib/docker/volumes/orochi_data/_data, data: "
        "addr=192.0.2.40: connection refused"
    )
    found = after_looks(DJANGO, *rejected(DJANGO, share, 1, 2, 3), slot_runs=1)
    yield "Mount failed", finished(restarting(DJANGO), found)
    killed = [failed(limited, 2, 137, n) for n in (1, 2, 3)]
    found = after_looks(limited, *killed, slot_runs=1)
    yield "Out of memory: probably", finished(restarting(limited), found)
    assert found.outcome is not None
    sure = judge_memory(found.outcome, True, GIB // 2)
    yield "Out of memory: recorded by the engine", finished(restarting(limited), sure)
    not_it = judge_memory(found.outcome, False, GIB // 2)
    yield (
        "Crash looping: killed, no out-of-memory kill recorded",
        finished(restarting(limited), not_it),
    )
    ill = "task: non-zero exit (137): dockerexec: unhealthy container"
    sick = [failed(checked, 2, 137, n, err=ill) for n in (1, 2, 3)]
    found = with_log(
        after_looks(checked, *sick, slot_runs=1),
        "curl: (7) Failed to connect to localhost port 8000",
        "The last health probe said",
    )
    yield "Unhealthy", finished(restarting(checked), found)
    ended = [failed(checked, 2, 0, n, err="") for n in (1, 2, 3)]
    quiet = [replace(each, state=TaskState.COMPLETE) for each in ended]
    found = after_looks(checked, *quiet, slot_runs=1)
    yield "Unhealthy: it may have ended by itself", finished(restarting(checked), found)
    found = after_looks(DJANGO, *quiet, slot_runs=1)
    yield "Crash looping: it ends by itself", finished(restarting(DJANGO), found)
    assert found.outcome is not None
    yield (
        "Unhealthy: a failed probe was found",
        finished(restarting(DJANGO), judge_health(found.outcome)),
    )
    yield from _updates()
    yield from _failed()
    yield from _timed_out()


def _scale_of(*tasks: Task) -> StepResult:
    goal, three = a_goal(FIVE, replicas=5), running(FIVE, 1, 2, 3, 5)
    return judged(goal, (0, FIVE, three), (1, FIVE, (*three, *tasks)))


def _asked(found: StepResult) -> Iterator[tuple[str, Job]]:
    """What the registry says to the bot of an image that a node could not pull."""
    host = "registry.example.com"
    answers = {
        "Image missing": registry_error(f"{host}/django:2.5", None, 404, "manifest unknown"),
        "Pull denied: without a login": registry_error(f"{host}/django:2.5", None, 401, ""),
        "Pull failed: nobody reaches the registry": silent(f"{host}/django:2.5", 6.0),
        "Pull failed: the bot may pull it": None,
    }
    assert found.outcome is not None
    goal = a_goal(DJANGO, updates=True)
    for title, refusal in answers.items():
        yield title, finished(restarting(DJANGO), judge_pull(found.outcome, refusal, goal))


def _unplaced() -> Iterator[tuple[str, Job]]:
    goal, three = a_goal(FIVE, replicas=5), running(FIVE, 1, 2, 3, 4)
    pending = a_task(FIVE, 5, TaskState.PENDING, "", err=PENDING)
    found = judged(goal, *((n, FIVE, (*three, pending)) for n in (0, 5)))
    yield "Unschedulable", finished(scaling(), with_log(found, _why(), "Why no node fits"))
    target = Target(WORKER.name, WORKER.id, 5, before=3)
    big = replace(WORKER, reservation=Resources(2 * 10**9, 2 * GIB))
    tasks = running(big, 1, 2, 3, reservation=big.reservation)
    handler = ScaleHandler(context(swarm=port(tasks=tasks * 2)))
    said = asyncio.run(handler.objection(target, Look(AT, big, tasks, NODES)))
    assert said is not None
    yield "Unschedulable: seen before the change", finished(a_job("scale", target), said)
    nowhere = a_service("exporter", None, constraints=("node.labels.gpu==yes",))
    found = judged(a_goal(nowhere), (0, nowhere, ()), (6, nowhere, ()))
    yield "Unschedulable: a global service", finished(restarting(nowhere), found)


def _why() -> str:
    big = replace(
        WORKER, reservation=Resources(4 * 10**9, 6 * GIB), constraints=("node.role==worker",)
    )
    tasks = running(WORKER, 1, 2, 3, reservation=Resources(10**9, 4 * GIB))
    return "\n".join(placement.explain(big, NODES, tasks).sentences(4))


def _updates() -> Iterator[tuple[str, Job]]:
    error = failed(NEW, 2, 1, 1, id="django2f1")
    said = f"update paused due to failure or early termination of task {error.id}"
    before = a_task(NEW, 1, up_to_date=False)
    goal = {"updates": True, "template": "v2"}
    for title, state, can, rollback in (
        ("Update paused", UpdateState.PAUSED, True, False),
        ("Update paused: no other version", UpdateState.PAUSED, False, False),
        ("Update paused: the rollback failed too", UpdateState.ROLLBACK_PAUSED, False, False),
        ("Update paused: a rollback that failed", UpdateState.ROLLBACK_PAUSED, False, True),
    ):
        service = replace(
            NEW, update=state, update_message=said, update_started=AT + 1, can_roll_back=can
        )
        at = judged(
            a_goal(service, rollback=rollback, **goal),
            (0, NEW, (before, error)),
            (1, service, (before, error)),
        )
        job = rolling_back() if rollback else restarting(NEW, template="v2")
        yield title, finished(job, with_log(at))
    back = replace(
        DJANGO,
        update=UpdateState.ROLLBACK_COMPLETED,
        update_message="rollback completed",
        update_started=AT + 1,
    )
    for title, tasks in (
        ("Rolled back by the swarm", running(back, 1, 2)),
        (
            "Rolled back by the swarm: the old version fails too",
            (*running(back, 1), *(failed(back, 2, 3, number) for number in (2, 3, 4))),
        ),
    ):
        at = judged(
            a_goal(NEW, **goal), (0, NEW, (before, error)), (1, back, tasks), (7, back, tasks)
        )
        yield title, finished(restarting(NEW, template="v2"), at)
    by_hand = replace(
        NEW,
        update=UpdateState.ROLLBACK_COMPLETED,
        update_message="manually requested rollback",
        update_started=AT + 1,
    )
    found = judged(a_goal(by_hand, **goal), (0, NEW, (before,)), (1, by_hand, (before,)))
    yield "Superseded: rolled back by hand", finished(restarting(NEW), found)


def _failed() -> Iterator[tuple[str, Job]]:
    never = replace(DJANGO, restart=RestartCondition.NONE)
    found = after_looks(never, failed(never, 2, 2, 1), slot_runs=1)
    yield "Failed: never started again", finished(restarting(never), with_log(found))
    few = replace(DJANGO, max_attempts=2)
    found = after_looks(few, failed(few, 2, 1, 1), slot_runs=1, seconds=(0, 1, 12))
    yield "Failed: no more restarts", finished(restarting(few), found)
    on_failure = replace(DJANGO, restart=RestartCondition.ON_FAILURE, has_health_check=True)
    ended = replace(failed(on_failure, 2, 0, 1, err=""), state=TaskState.COMPLETE)
    found = after_looks(on_failure, ended, slot_runs=1)
    yield "Failed: it restarts on failure only", finished(restarting(on_failure), found)
    command = (
        "starting container failed: failed to create task for container: OCI runtime create "
        'failed: runc create failed: unable to start container process: exec: "gunicorn": '
        "executable file not found in $PATH"
    )
    start = a_task(DJANGO, 2, TaskState.STARTING, N2, err=command, exit_code=127, id="stuck")
    found = after_looks(DJANGO, start, slot_runs=1, seconds=(0, 1, 12))
    yield "Failed: the container cannot start", finished(restarting(DJANGO), found)
    went_on = replace(
        DJANGO, update=UpdateState.COMPLETED, update_started=AT + 1, failure_action="continue"
    )
    found = judged(
        a_goal(went_on, updates=True),
        (0, DJANGO, running(DJANGO, 1)),
        (1, went_on, (*running(went_on, 1), *(failed(went_on, 2, 1, n) for n in (1, 2, 3)))),
    )
    yield "Failed: the update went on over failures", finished(restarting(DJANGO), found)
    for title, label in (
        ("an unknown form", "tcp://scheduler"),
        ("no port", "dask://scheduler"),
        ("a password", "http://admin:secret@web/health"),
    ):
        wrong = replace(DJANGO, labels={LABEL: label})
        tasks = running(wrong, 1, 2)
        found = judged(a_goal(wrong, updates=True), (0, wrong, tasks), (6, wrong, tasks))
        yield f"Failed: the probe's label has {title}", finished(restarting(wrong), found)


def _timed_out() -> Iterator[tuple[str, Job]]:
    goal, four = a_goal(FIVE, replicas=5), running(FIVE, 1, 2, 3, 4)
    slow = a_task(FIVE, 5, TaskState.PREPARING, N2)
    found = judged(goal, *((n, FIVE, (*four, slow)) for n in (0, 901)))
    yield "Timed out: a task is still preparing", finished(scaling(), found, seconds=901)
    three = Workers(("10.0.1.1", "10.0.1.2", "10.0.1.3"))
    for title, reading in (
        ("workers are not registered", three),
        ("workers with other addresses", Workers(("192.0.2.5",) * 5)),
        ("the scheduler cannot be resolved", Unreached(Reach.UNRESOLVED)),
        ("the scheduler does not answer", Unreached(Reach.SILENT)),
    ):
        found = probed(reading, 901)
        yield f"Timed out: {title}", finished(scaling(), found, seconds=901)
