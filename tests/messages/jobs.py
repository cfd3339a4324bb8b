"""A job's one message from queued to its verdict, and the mention in its thread.

The verdicts are what the convergence machine says of looks at a swarm.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from bot.domain.convergence.machine import Convergence, ConvergenceLimits, StepResult
from bot.domain.convergence.probe_spec import LABEL, Reading, Unreached, Workers
from bot.domain.convergence.wording import judge_health, judge_memory
from bot.domain.errors import (
    BotError,
    NotFoundError,
    SupersededError,
    SwarmError,
    SwarmUnavailableError,
)
from bot.domain.jobs.model import NODE, Job, JobState, Target
from bot.domain.jobs.progress import ServiceProgress
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
from bot.domain.swarm import placement
from bot.domain.swarm.model import (
    Availability,
    LastChange,
    Look,
    Node,
    NodeState,
    Previous,
    Resources,
    RestartCondition,
    Service,
    StackLook,
    Task,
    TaskState,
    UpdateState,
)
from bot.domain.swarm.reachability import Reach
from bot.domain.text.message import Message
from bot.jobs.node_change import NOT_FOLLOWED
from bot.jobs.service_change import (
    ChangeRunner,
    _broken_off,
    _refused,
    _waiting_for_the_engine,
)
from bot.jobs.submit import AGAIN, INTERRUPTED, settle_unbegun
from bot.loops.observer import _blind, _unseen
from bot.loops.worker import Worker
from bot.swarm.failures import translate
from bot.views.errors import refused
from bot.views.jobs.message import job_message, thread_mention, unbegun_metadata
from bot.views.pictures.timeline import timeline_picture
from handlers.drain import ActivateHandler, DrainHandler
from handlers.restart import RestartHandler
from handlers.rollback import RollBackHandler, _check_previous
from handlers.scale import ScaleHandler
from tests.messages.sample import (
    ANN,
    AT,
    BOB,
    CHANNEL,
    COMMAND,
    REFERENCE,
    Sample,
    Topic,
    context,
    port,
    raised,
)
from tests.messages.swarm import (
    DJANGO,
    GIB,
    MIGRATE,
    N2,
    NODES,
    WORKER,
    Seen,
    a_goal,
    a_service,
    a_task,
    failed,
    judged,
    rejected,
    running,
)

FIVE = replace(WORKER, replicas=5)
NEW = replace(DJANGO, template="v2", image="registry.example.com/django:2.5")
LOG = (
    "Traceback (most recent call last):\n"
    '  File "/app/worker.py", line 12, in <module>\n'
    "    broker = os.environ['BROKER_URL']\n"
    "KeyError: 'BROKER_URL'"
)
_PREVIOUS = Previous("other", DJANGO.image, LastChange.VERSION)
_ROLLED_BACK = UpdateState.ROLLBACK_COMPLETED
PENDING = "no suitable node (insufficient resources on 3 nodes)"


def topics() -> tuple[Topic, ...]:
    """The messages by how far the job is."""
    return (
        Topic(
            "Jobs: queued and running",
            "One message per job, in the channel. It is edited until the verdict is known.",
            (*_queued(), *_running(), *_nodes_running()),
        ),
        Topic(
            "Jobs: verdicts of services",
            "The last state of the job's message.",
            (*_good(), *_bad(), *_stopped(), *_superseded(), *_refusals(), *_given_up_jobs()),
        ),
        Topic(
            "Jobs: verdicts of nodes",
            "The last state of the job's message.",
            (*_nodes_ended(), *_stopped_nodes()),
        ),
        Topic(
            "Jobs: revised verdicts, thread and timeline",
            "Revisions edit the job's message; mentions and timelines are in its thread.",
            (*_revised(), *_mentions(), *_timelines()),
        ),
    )


def a_job(action: str, *targets: Target, **values: Any) -> Job:
    """A job that Ann asked for."""
    text = values.pop("text", f"{action} …")
    return Job("k3f9ab", action, "orochi", text, ANN, CHANNEL, AT, targets, **values)


def a_target(service: Service, replicas: int | None = None, **values: Any) -> Target:
    """A service of a job once the change is made."""
    number = (service.replicas or 0) if replicas is None else replicas
    defaults: dict[str, Any] = {"applied": AT + 1, "changed": True, "update_before": 0.0}
    return Target(service.name, service.id, number, **{**defaults, **values})


def scaling(**values: Any) -> Job:
    """A scale to 5 that runs."""
    job = a_job("scale", a_target(WORKER, 5, before=3), text="scale 5", **values)
    return replace(job, state=JobState.RUNNING, started=AT + 1)


def queued_scale() -> Job:
    """A scale to 5 that waits."""
    return a_job("scale", Target(WORKER.name, WORKER.id, 5, before=3), text="scale 5")


def away() -> SwarmUnavailableError:
    """The error of an engine that does not answer."""
    error = translate(TimeoutError(), "unix:///var/run/docker.sock", 5.0)
    assert isinstance(error, SwarmUnavailableError)
    error.ref = REFERENCE
    return error


def queued() -> Job:
    """A restart that waits."""
    return replace(a_job("restart", Target(DJANGO.name, DJANGO.id, 2)), id="m7p2xq")


def finished(job: Job, *results: Outcome | StepResult, seconds: float = 20.0) -> Job:
    """The job with its outcomes."""
    for index, result in enumerate(results):
        if isinstance(result, StepResult):
            assert result.outcome is not None
            job = job.with_progress(index, result.progress).with_outcome(index, result.outcome)
        else:
            job = job.with_outcome(index, result)
    return replace(job, state=JobState.FINISHED, finished=AT + seconds)


def converged(*, provisional: bool = True) -> Job:
    """A scale that ended well, before or after its watch."""
    goal = a_goal(FIVE, replicas=5)
    tasks = running(FIVE, 1, 2, 3, 4, 5)
    job = finished(scaling(), judged(goal, (0, FIVE, tasks), (5, FIVE, tasks)), seconds=6.4)
    if provisional:
        return job
    kept = judged(goal, (6, FIVE, tasks), (66, FIVE, tasks), watching=True)
    job = finished(job, kept, seconds=6.4)
    return replace(job, watched_until=AT + 66, timeline="https://example.slack.com/files/F1")


def crashed() -> Job:
    """A restart whose tasks crash again and again."""
    found = _of(DJANGO, *(failed(DJANGO, 2, 1, n, node=N2) for n in (1, 2, 3)), slot_runs=1)
    return finished(_restart(DJANGO), _with_log(found))


def _shown(job: Job, **values: Any) -> Message:
    return job_message(job, AT + 30, command=COMMAND, **values)


def _restart(service: Service, **values: Any) -> Job:
    return replace(a_job("restart", a_target(service, **values)), state=JobState.RUNNING)


def _of(
    service: Service,
    *tasks: Task,
    slot_runs: int = 0,
    seconds: tuple[float, ...] = (0, 1, 60),
    reading: Reading | None = None,
    **goal: Any,
) -> StepResult:
    """The verdict on a restarted service whose tasks stay as they are."""
    slots = range(1, slot_runs + 1)
    all_ = (*running(service, *slots), *tasks)
    looks: list[Seen] = [(0, service, running(service, *slots))]
    looks += [(each, service, all_) for each in seconds[1:]]
    return judged(a_goal(service, updates=True, **goal), *looks, reading=reading)


def _with_log(step: StepResult, text: str = LOG, title: str = "Last log lines") -> StepResult:
    assert step.outcome is not None, step.progress
    return replace(step, outcome=replace(step.outcome, evidence=text, evidence_title=title))


def _queued() -> Iterator[Sample]:
    yield Sample("Queued, nothing ahead", _shown(queued()))
    yield Sample("Queued behind another job", _shown(queued(), ahead=1, queued_behind="k3f9ab"))
    drain = a_job("drain", Target(f"{NODE}photon-machine-02", N2, 2))
    yield Sample("Queued: drain", _shown(drain, ahead=2, queued_behind="k3f9ab"))


def _running() -> Iterator[Sample]:
    yield Sample("Running: not looked at yet", _shown(scaling()))
    for title, seen in _looks():
        yield Sample(f"Running: {title}", _shown(scaling().with_progress(0, seen.progress)))
    for title, job in (("before", queued_scale()), ("after", scaling())):
        waiting = replace(_waiting_for_the_engine(job, away()), state=JobState.RUNNING)
        yield Sample(f"Running: the engine is away {title} the change", _shown(waiting))
    looking = Convergence.start(a_goal(FIVE, replicas=5))
    blind = scaling().with_progress(0, _blind(looking, away()))
    yield Sample("Running: the engine is away while the service is followed", _shown(blind))
    pair = a_job("scale", a_target(WORKER, 5, before=3), a_target(DJANGO, 3, before=2))
    goal, tasks = a_goal(FIVE, replicas=5), running(FIVE, 1, 2, 3, 4, 5)
    pair = replace(pair, state=JobState.RUNNING)
    pair = pair.with_progress(0, judged(goal, (0, FIVE, tasks)).progress)
    yield Sample("Running: two services", _shown(pair))
    updating = replace(NEW, update=UpdateState.UPDATING, update_started=AT)
    both = (*running(updating, 1), a_task(updating, 2, node=N2, up_to_date=False))
    half = judged(a_goal(NEW, updates=True), (0, updating, both)).progress
    yield Sample("Running: restart", _shown(_restart(NEW).with_progress(0, half)))
    back = _roll_back().with_progress(0, half)
    yield Sample("Running: roll back of a service", _shown(back))


def _looks() -> Iterator[tuple[str, StepResult]]:
    goal = a_goal(FIVE, replicas=5)
    three, all_ = running(FIVE, 1, 2, 3), running(FIVE, 1, 2, 3, 4, 5)
    coming = (
        a_task(FIVE, 4, TaskState.PREPARING, N2),
        a_task(FIVE, 5, TaskState.ASSIGNED, N2),
    )
    yield "tasks are starting", judged(goal, (0, FIVE, (*three, *coming)))
    pending = a_task(FIVE, 5, TaskState.PENDING, "", err=PENDING)
    yield "a task has no place", judged(goal, (0, FIVE, (*three, coming[0], pending)))
    broken = (failed(FIVE, 5, 1, 1), a_task(FIVE, 5, TaskState.STARTING, N2, id="again"))
    yield "a task failed once", judged(goal, (0, FIVE, three), (1, FIVE, (*three, *broken)))
    yield "all run, the monitor period is not over", judged(goal, (0, FIVE, all_))
    down = replace(WORKER, replicas=2)
    leaving = (*running(down, 1, 2), a_task(down, 3, desired=TaskState.SHUTDOWN))
    yield "scaled down, a container stops", judged(a_goal(down, replicas=2), (0, down, leaving))
    probed = replace(FIVE, labels={LABEL: "dask://scheduler:8787"})
    some = tuple(replace(each, addresses=(f"10.0.1.{each.slot}",)) for each in all_)
    for title, reading in (
        ("the probe was not asked yet", None),
        ("three workers are registered", Workers(("10.0.1.1", "10.0.1.2", "10.0.1.3"))),
        ("the scheduler cannot be resolved", Unreached(Reach.UNRESOLVED)),
        ("the scheduler refuses connections", Unreached(Reach.REFUSES)),
    ):
        seen = judged(a_goal(probed, replicas=5), (0, probed, some), reading=reading)
        yield title, seen


def _roll_back() -> Job:
    target = a_target(NEW, image=DJANGO.image, image_before=NEW.image, rollback=True)
    return replace(a_job("rollback", target, text="rollback django"), state=JobState.RUNNING)


def _good() -> Iterator[Sample]:
    yield Sample("Converged, on probation", _shown(converged()))
    yield Sample("Converged for good, with its timeline", _shown(converged(provisional=False)))
    pair = a_job("scale", a_target(WORKER, 5, before=3), a_target(DJANGO, 2, before=2))
    fives, twos = running(FIVE, 1, 2, 3, 4, 5), running(DJANGO, 1, 2)
    one = judged(a_goal(FIVE, replicas=5), (0, FIVE, fives), (5, FIVE, fives))
    two = judged(a_goal(DJANGO, replicas=2), (0, DJANGO, twos), (5, DJANGO, twos))
    yield Sample("Converged: two services", _shown(finished(pair, one, two)))
    assert two.outcome is not None
    same = ScaleHandler(context()).told(a_target(DJANGO, 2, before=2, changed=False), two.outcome)
    job = finished(a_job("scale", a_target(DJANGO, 2, before=2, changed=False)), same)
    yield Sample("Converged: it had that number before", _shown(job))
    none = replace(WORKER, replicas=0)
    empty = judged(a_goal(none, replicas=0), (0, none, ()))
    job = finished(a_job("scale", a_target(WORKER, 0, before=3)), empty)
    yield Sample("Converged: scaled to 0", _shown(job))
    fewer = replace(WORKER, replicas=2)
    leaving = (*running(fewer, 1, 2), a_task(fewer, 3, desired=TaskState.SHUTDOWN))
    less = judged(a_goal(fewer, replicas=2), (0, fewer, leaving), (9, fewer, running(fewer, 1, 2)))
    job = finished(a_job("scale", a_target(WORKER, 2, before=3)), less)
    yield Sample("Converged: scaled down", _shown(job))
    yield Sample("Converged: restart", _shown(finished(_restart(DJANGO), two)))
    yield Sample("Converged: nothing to restart", _shown(_nothing_to_restart()))
    other = RestartHandler(context()).told(a_target(DJANGO, changed=False), two.outcome)
    yield Sample("Converged: restarted by somebody else", _shown(finished(_restart(DJANGO), other)))
    yield Sample("Converged: roll back", _shown(finished(_roll_back(), two)))
    back = RollBackHandler(context()).told(a_target(DJANGO, changed=False), two.outcome)
    yield Sample("Converged: it was back already", _shown(finished(_roll_back(), back)))
    yield Sample("Converged: with a probe", _shown(finished(scaling(), _probed(None))))
    ends = TaskState.COMPLETE
    done = tuple(a_task(MIGRATE, n, ends, desired=ends, exit_code=0) for n in (1, 2))
    complete = judged(a_goal(MIGRATE), (0, MIGRATE, done))
    yield Sample("Completed", _shown(finished(_restart(MIGRATE), complete)))
    daemon = replace(WORKER, restart=RestartCondition.NONE)
    tasks = running(daemon, 1, 2, 3)
    lasting = judged(a_goal(daemon), (0, daemon, tasks), (901, daemon, tasks))
    job = finished(_restart(daemon), lasting)
    yield Sample("Converged at the time limit: never restarted, and still running", _shown(job))


def _nothing_to_restart() -> Job:
    none = replace(DJANGO, replicas=0)
    target = Target(none.name, none.id, 0)
    said = asyncio.run(RestartHandler(context()).objection(target, Look(AT, none, (), NODES)))
    assert said is not None
    return finished(a_job("restart", target), said)


def _probed(reading: Reading | None, seconds: float = 5.0) -> StepResult:
    """The scale to 5 of a service whose tasks register at a scheduler; None: all did."""
    service = replace(FIVE, labels={LABEL: "dask://scheduler:8787"})
    tasks = tuple(
        replace(each, addresses=(f"10.0.1.{each.slot}",))
        for each in running(service, 1, 2, 3, 4, 5)
    )
    everyone = Workers(tuple(f"10.0.1.{n}" for n in range(1, 6)))
    goal = a_goal(service, replicas=5)
    looks: list[Seen] = [(0, service, tasks), (seconds, service, tasks)]
    return judged(goal, *looks, reading=reading or everyone)


def _bad() -> Iterator[Sample]:
    for title, job in _failures():
        yield Sample(title, _shown(job))


def _failures() -> Iterator[tuple[str, Job]]:
    limited = replace(DJANGO, limit=Resources(memory=GIB // 2))
    checked = replace(DJANGO, has_health_check=True)
    yield from _unplaced()
    yield "Crash looping", crashed()
    first = _scale_of(failed(FIVE, 4, 1, 1), failed(FIVE, 4, 1, 2), failed(FIVE, 4, 1, 3))
    yield "Crash looping: a scale, with the way back", finished(scaling(), _with_log(first))
    missing = "No such image: registry.example.com/django:2.5"
    found = _of(DJANGO, *rejected(DJANGO, missing, 1, 2, 3), slot_runs=1)
    yield "Image missing", finished(_restart(DJANGO), found)
    share = (
        "error while mounting volume '/var/lib/docker/volumes/orochi_data/_data': failed to mount "
        "local volume: mount :/export/data:/var/lib/docker/volumes/orochi_data/_data, data: "
        "addr=192.0.2.40: connection refused"
    )
    found = _of(DJANGO, *rejected(DJANGO, share, 1, 2, 3), slot_runs=1)
    yield "Mount failed", finished(_restart(DJANGO), found)
    killed = [failed(limited, 2, 137, n) for n in (1, 2, 3)]
    found = _of(limited, *killed, slot_runs=1)
    yield "Out of memory: probably", finished(_restart(limited), found)
    assert found.outcome is not None
    sure = judge_memory(found.outcome, True, GIB // 2)
    yield "Out of memory: recorded by the engine", finished(_restart(limited), sure)
    not_it = judge_memory(found.outcome, False, GIB // 2)
    yield (
        "Crash looping: killed, no out-of-memory kill recorded",
        finished(_restart(limited), not_it),
    )
    ill = "task: non-zero exit (137): dockerexec: unhealthy container"
    sick = [failed(checked, 2, 137, n, err=ill) for n in (1, 2, 3)]
    found = _with_log(
        _of(checked, *sick, slot_runs=1),
        "curl: (7) Failed to connect to localhost port 8000",
        "The last health probe said",
    )
    yield "Unhealthy", finished(_restart(checked), found)
    ended = [failed(checked, 2, 0, n, err="") for n in (1, 2, 3)]
    quiet = [replace(each, state=TaskState.COMPLETE) for each in ended]
    found = _of(checked, *quiet, slot_runs=1)
    yield "Unhealthy: it may have ended by itself", finished(_restart(checked), found)
    found = _of(DJANGO, *quiet, slot_runs=1)
    yield "Crash looping: it ends by itself", finished(_restart(DJANGO), found)
    assert found.outcome is not None
    yield (
        "Unhealthy: a failed probe was found",
        finished(_restart(DJANGO), judge_health(found.outcome)),
    )
    yield from _updates()
    yield from _failed()
    yield from _timed_out()


def _scale_of(*tasks: Task) -> StepResult:
    goal, three = a_goal(FIVE, replicas=5), running(FIVE, 1, 2, 3, 5)
    return judged(goal, (0, FIVE, three), (1, FIVE, (*three, *tasks)))


def _unplaced() -> Iterator[tuple[str, Job]]:
    goal, three = a_goal(FIVE, replicas=5), running(FIVE, 1, 2, 3, 4)
    pending = a_task(FIVE, 5, TaskState.PENDING, "", err=PENDING)
    found = judged(goal, *((n, FIVE, (*three, pending)) for n in (0, 5)))
    yield "Unschedulable", finished(scaling(), _with_log(found, _why(), "Why no node fits"))
    target = Target(WORKER.name, WORKER.id, 5, before=3)
    big = replace(WORKER, reservation=Resources(2 * 10**9, 2 * GIB))
    tasks = running(big, 1, 2, 3, reservation=big.reservation)
    handler = ScaleHandler(context(swarm=port(tasks=tasks * 2)))
    said = asyncio.run(handler.objection(target, Look(AT, big, tasks, NODES)))
    assert said is not None
    yield "Unschedulable: seen before the change", finished(a_job("scale", target), said)
    nowhere = a_service("exporter", None, constraints=("node.labels.gpu==yes",))
    found = judged(a_goal(nowhere), (0, nowhere, ()), (6, nowhere, ()))
    yield "Unschedulable: a global service", finished(_restart(nowhere), found)


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
        ("Update paused: the roll back failed too", UpdateState.ROLLBACK_PAUSED, False, False),
        ("Update paused: a roll back that failed", UpdateState.ROLLBACK_PAUSED, False, True),
        ("Rolled back by the swarm", UpdateState.ROLLBACK_COMPLETED, False, False),
    ):
        service = replace(
            NEW, update=state, update_message=said, update_started=AT + 1, can_roll_back=can
        )
        at = judged(
            a_goal(service, rollback=rollback, **goal),
            (0, NEW, (before, error)),
            (1, service, (before, error)),
        )
        job = _roll_back() if rollback else _restart(NEW, template="v2")
        yield title, finished(job, _with_log(at))
    by_hand = replace(
        NEW,
        update=UpdateState.ROLLBACK_COMPLETED,
        update_message="manually requested rollback",
        update_started=AT + 1,
    )
    found = judged(a_goal(by_hand, **goal), (0, NEW, (before,)), (1, by_hand, (before,)))
    yield "Superseded: rolled back by hand", finished(_restart(NEW), found)


def _failed() -> Iterator[tuple[str, Job]]:
    never = replace(DJANGO, restart=RestartCondition.NONE)
    found = _of(never, failed(never, 2, 2, 1), slot_runs=1)
    yield "Failed: never started again", finished(_restart(never), _with_log(found))
    few = replace(DJANGO, max_attempts=2)
    found = _of(few, failed(few, 2, 1, 1), slot_runs=1, seconds=(0, 1, 12))
    yield "Failed: no more restarts", finished(_restart(few), found)
    on_failure = replace(DJANGO, restart=RestartCondition.ON_FAILURE)
    ended = replace(failed(on_failure, 2, 0, 1, err=""), state=TaskState.COMPLETE)
    found = _of(on_failure, ended, slot_runs=1)
    yield "Failed: it restarts on failure only", finished(_restart(on_failure), found)
    command = (
        "starting container failed: failed to create task for container: OCI runtime create "
        'failed: runc create failed: unable to start container process: exec: "gunicorn": '
        "executable file not found in $PATH"
    )
    start = a_task(DJANGO, 2, TaskState.STARTING, N2, err=command, exit_code=127, id="stuck")
    found = _of(DJANGO, start, slot_runs=1, seconds=(0, 1, 12))
    yield "Failed: the container cannot start", finished(_restart(DJANGO), found)
    went_on = replace(
        DJANGO, update=UpdateState.COMPLETED, update_started=AT + 1, failure_action="continue"
    )
    found = judged(
        a_goal(went_on, updates=True),
        (0, DJANGO, running(DJANGO, 1)),
        (1, went_on, (*running(went_on, 1), *(failed(went_on, 2, 1, n) for n in (1, 2, 3)))),
    )
    yield "Failed: the update went on over failures", finished(_restart(DJANGO), found)
    for title, label in (
        ("an unknown form", "tcp://scheduler"),
        ("no port", "dask://scheduler"),
        ("a password", "http://admin:secret@web/health"),
    ):
        wrong = replace(DJANGO, labels={LABEL: label})
        tasks = running(wrong, 1, 2)
        found = judged(a_goal(wrong, updates=True), (0, wrong, tasks), (6, wrong, tasks))
        yield f"Failed: the probe's label has {title}", finished(_restart(wrong), found)


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
        found = _probed(reading, 901)
        yield f"Timed out: {title}", finished(scaling(), found, seconds=901)


def _stopped() -> Iterator[Sample]:
    scale, restart, back = (
        ScaleHandler(context()),
        RestartHandler(context()),
        RollBackHandler(context()),
    )
    seen = ServiceProgress(WORKER.name, 2, 3, "")
    for title, operation, job in (
        ("before the change", scale, a_job("scale", Target(WORKER.name, WORKER.id, 5, before=3))),
        ("scale", scale, scaling()),
        ("restart", restart, _restart(WORKER)),
        ("roll back", back, replace(_roll_back(), targets=(a_target(WORKER),))),
    ):
        runner: Any = ChangeRunner(context(), operation)
        outcome = runner._stopped_waiting(job.targets[0], seen)
        ended = replace(finished(job, outcome), cancelled_by=BOB)
        yield Sample(f"Cancelled: {title}", _shown(ended))


def _stopped_nodes() -> Iterator[Sample]:
    for title, operation, job in (
        ("drain", DrainHandler(context()), _draining()),
        ("activate", ActivateHandler(context()), a_job("activate", _node_target(0))),
    ):
        runner: Any = operation.job
        lease: Any = port()
        lease.job, lease.cancelled_by = job, BOB
        yield Sample(f"Cancelled: {title}", _shown(finished(runner._cancelled(lease))))


def _superseded() -> Iterator[Sample]:
    goal, seven = a_goal(FIVE, replicas=5), replace(FIVE, replicas=7)
    found = judged(goal, (0, FIVE, running(FIVE, 1)), (1, seven, running(FIVE, 1)))
    yield Sample("Superseded: another number", _shown(finished(scaling(), found)))
    found = judged(a_goal(NEW, updates=True, template="v2"), (0, DJANGO, running(DJANGO, 1)))
    yield Sample("Superseded: another version", _shown(finished(_restart(NEW), found)))
    found = judged(goal, (0, FIVE, running(FIVE, 1)), (1, None, ()))
    yield Sample("Superseded: the service was removed", _shown(finished(scaling(), found)))
    job = _objected(
        ScaleHandler(context()), a_job("scale", Target(WORKER.name, WORKER.id, 5)), None
    )
    yield Sample("Superseded: removed before the change", _shown(job))
    spec = a_target(NEW, spec="other")
    for title, service in (
        ("another previous version", NEW),
        ("rolled back meanwhile", replace(NEW, previous=_PREVIOUS, update=_ROLLED_BACK)),
    ):
        error = raised(partial(_check_previous, spec, service))
        assert isinstance(error, SupersededError)
        outcome = _refused(error)
        yield Sample(f"Superseded: {title}", _shown(finished(_roll_back(), outcome)))


def _objected(operation: Any, job: Job, service: Service | None) -> Job:
    """The job with what speaks against its first service."""
    runner: Any = ChangeRunner(context(), operation)
    look = Look(AT, service, (), NODES)
    return finished(job, asyncio.run(runner._objection(job.targets[0], look)))


def _refusals() -> Iterator[Sample]:
    paused = replace(WORKER, update=UpdateState.PAUSED, can_roll_back=True)
    scale, restart = ScaleHandler(context()), RestartHandler(context())
    target = Target(WORKER.name, WORKER.id, 5, before=3)
    job = _objected(scale, a_job("scale", target), paused)
    yield Sample("Refused: a scale while an update is paused", _shown(job))
    yield Sample(
        "Refused: a restart while an update is paused",
        _shown(_objected(restart, a_job("restart", target), paused)),
    )
    pair = a_job("scale", target, Target(DJANGO.name, DJANGO.id, 3, before=2))
    runner: Any = ChangeRunner(context(), scale)
    looks = [Look(AT, paused, (), NODES), Look(AT, replace(DJANGO, replicas=3), (), NODES)]
    both = asyncio.run(runner._preflight(pair, looks))
    yield Sample("Refused: one of two services", _shown(finished(both)))
    yield Sample("Refused: it never began", asyncio.run(_unbegun("It took too long to start.")))
    lost = replace(refused(INTERRUPTED, AGAIN), metadata=unbegun_metadata("k3f9ab"))
    yield Sample("Refused: the bot was interrupted", lost)


async def _unbegun(why: str) -> Message:
    said: list[Message] = []

    async def settle(_channel: str, _ts: str, message: Message) -> None:
        said.append(message)

    chat = port()
    chat.settle = settle
    await settle_unbegun(context(chat=chat), queued(), why)
    return said[0]


def _given_up_jobs() -> Iterator[Sample]:
    target = replace(scaling().targets[0], applied=None, changed=False)
    error = SwarmError("The engine says: rpc error: code = Internal.")
    error.ref = REFERENCE
    unmade = finished(scaling().with_target(0, target), _broken_off(target, error))
    yield Sample("Failed: the engine refuses the change", _shown(unmade))
    unseen = finished(scaling(), _unseen(away()), seconds=901)
    yield Sample("Timed out: the engine did not answer", _shown(unseen))
    for title, why, job in (
        ("the engine did not answer", away(), scaling()),
        ("an unexpected error", ValueError(), scaling()),
        ("an unexpected error before the change", ValueError(), queued()),
        (
            "three workers were lost",
            BotError("3 workers were lost during this job."),
            scaling(),
        ),
    ):
        yield Sample(f"Failed: {title}", _shown(asyncio.run(_given_up(job, why))))


async def _given_up(job: Job, error: Exception) -> Job:
    """The job as a worker ends it that cannot go on."""
    ended: list[Job] = []

    async def finish(job: Job) -> None:
        ended.append(job)

    lease: Any = port()
    lease.job, lease.token, lease.finish = job, port(), finish
    lease.token.turn = None
    clock = context().clock
    worker: Any = Worker(port(), port(), {}, clock, at_once=1, lease_seconds=1.0)
    logging.disable()
    try:
        await worker._give_up(lease, error)
    finally:
        logging.disable(logging.NOTSET)
    return ended[0].with_outcome(0, _with_reference(ended[0].outcome))


def _with_reference(outcome: Outcome | None) -> Outcome:
    """The outcome with a reference that is the same at every run."""
    assert outcome is not None
    reason = re.sub(r"\(ref \w+\)", f"(ref {REFERENCE})", outcome.reason)
    return replace(outcome, reason=reason)


def _nodes_running() -> Iterator[Sample]:
    job = _draining()
    yield Sample("Running: drain", _shown(job))
    stuck = _drain_job(_crowded())
    yield Sample("Running: drain with `--yes`, tasks fit on no other node", _shown(stuck))
    active = replace(NODES[1], availability=Availability.DRAIN)
    look = StackLook(AT, "", (a_service("exporter", None),), (), NODES)
    coming = arrivals(active, look)
    job = a_job("activate", _node_target(0), foretold=coming, state=JobState.RUNNING)
    yield Sample("Running: activate", _shown(job))


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


def _nodes_ended() -> Iterator[Sample]:
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
        ("somebody activated it", NODES[1], True, (stubborn,)),
    ):
        outcome = drain_outcome(_node_look(node, *tasks), 2, changed=changed)
        assert outcome is not None
        rest: tuple[StepResult | Outcome, ...] = well
        if outcome.verdict is Verdict.SUPERSEDED:
            rest = (Outcome(Verdict.SUPERSEDED, NOT_FOLLOWED),) * 2
        yield Sample(f"Drain: {title}", _shown(finished(moved, outcome, *rest)))
    for title, task in (("a task does not stop", stubborn), ("a job's task stays", left)):
        late = drain_overdue(_node_look(drained, task), 2)
        yield Sample(f"Drain timed out: {title}", _shown(finished(moved, late, *well)))
    lost = gone(NotFoundError("It is no longer in the swarm."))
    yield Sample("Drain: the node was removed", _shown(finished(moved, lost, *well)))
    activated = a_job("activate", _node_target(0))
    for title, node, changed in (
        ("active", NODES[1], True),
        ("it was active already", NODES[1], False),
        ("the node is down", replace(NODES[1], state=NodeState.DOWN), True),
        ("somebody drained it", drained, True),
    ):
        outcome = activate_outcome(node, changed=changed, late=True)
        assert outcome is not None
        yield Sample(f"Activate: {title}", _shown(finished(activated, outcome)))


def _well(service: Service) -> StepResult:
    tasks = running(service, *range(1, (service.replicas or 0) + 1))
    goal = a_goal(service, limits=ConvergenceLimits(probation=0))
    return judged(goal, (0, service, tasks), (5, service, tasks))


def _revised() -> Iterator[Sample]:
    yield Sample("Revised: it crashed while it was watched", _shown(revised()))


def revised() -> Job:
    """A scale that converged and then failed."""
    goal, tasks = a_goal(FIVE, replicas=5), running(FIVE, 1, 2, 3, 4, 5)
    crashes = (*running(FIVE, 1, 2, 3, 4), *(failed(FIVE, 5, 1, n) for n in (1, 2, 3)))
    found = judged(goal, (6, FIVE, tasks), (30, FIVE, crashes), watching=True)
    job = finished(converged(), _with_log(found), seconds=6.4)
    return replace(job, revised=True, watched_until=AT + 30)


def _mentions() -> Iterator[Sample]:
    for title, job in (
        ("converged", converged()),
        ("crash looping", crashed()),
        ("revised", revised()),
    ):
        yield Sample(f"The mention in the thread: {title}", thread_mention(job))


def _timelines() -> Iterator[Sample]:
    for title, job in (("converged", converged()), ("crash looping", crashed())):
        seen = job.progress[0]
        assert seen is not None
        figure = timeline_picture(replace(job, progress=()).seen(0, seen, AT + 5))
        assert figure is not None
        yield Sample(f"Beside the timeline's picture: {title}", Message(figure.summary))
