"""A job's one message from queued to its verdict, and the mention in its thread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bot.domain.convergence.machine import Convergence, StepResult
from bot.domain.convergence.probe_spec import LABEL, Unreached, Workers
from bot.domain.jobs.model import NODE, JobState, Target
from bot.domain.swarm.model import TaskState, UpdateState
from bot.domain.swarm.reachability import Reach
from bot.domain.text.message import Message
from bot.jobs.service_change import _waiting_for_the_engine
from bot.loops.observer import _blind
from bot.views.jobs.message import thread_mention
from bot.views.pictures.timeline import timeline_picture
from tests.messages.failures import bad
from tests.messages.job_kit import (
    FIVE,
    NEW,
    PENDING,
    a_job,
    a_target,
    away,
    converged,
    crashed,
    queued,
    queued_scale,
    restarting,
    revised,
    rolling_back,
    scaling,
    shown,
)
from tests.messages.node_jobs import nodes_ended, nodes_running, stopped_nodes
from tests.messages.one_offs import one_offs
from tests.messages.sample import AT, Sample, Topic
from tests.messages.swarm import DJANGO, N2, WORKER, a_goal, a_task, failed, judged, running
from tests.messages.verdicts import given_up, good, refusals, stopped, superseded


def topics() -> tuple[Topic, ...]:
    """The messages by how far the job is."""
    return (
        Topic(
            "Jobs: queued and running",
            "One message per job, in the channel. It is edited until the verdict is known.",
            (*_queued(), *_running(), *nodes_running()),
        ),
        Topic(
            "Jobs: verdicts of services",
            "The last state of the job's message.",
            (*good(), *bad(), *stopped(), *superseded(), *refusals(), *given_up()),
        ),
        Topic(
            "Jobs: commands in a container of their own",
            "`run`: one message per job, in the channel; the whole output is a file in its thread.",
            tuple(one_offs()),
        ),
        Topic(
            "Jobs: verdicts of nodes",
            "The last state of the job's message.",
            (*nodes_ended(), *stopped_nodes()),
        ),
        Topic(
            "Jobs: revised verdicts, thread and timeline",
            "Revisions edit the job's message; mentions and timelines are in its thread.",
            (*_revised(), *_mentions(), *_timelines()),
        ),
    )


def _queued() -> Iterator[Sample]:
    yield Sample("Queued, nothing ahead", shown(queued()))
    yield Sample("Queued behind another job", shown(queued(), ahead=1, queued_behind="k3f9ab"))
    drain = a_job("drain", Target(f"{NODE}photon-machine-02", N2, 2))
    yield Sample("Queued: drain", shown(drain, ahead=2, queued_behind="k3f9ab"))


def _running() -> Iterator[Sample]:
    yield Sample("Running: not looked at yet", shown(scaling()))
    for title, seen in _looks():
        yield Sample(f"Running: {title}", shown(scaling().with_progress(0, seen.progress)))
    for title, job in (("before", queued_scale()), ("after", scaling())):
        waiting = replace(_waiting_for_the_engine(job, away()), state=JobState.RUNNING)
        yield Sample(f"Running: the engine is away {title} the change", shown(waiting))
    looking = Convergence.start(a_goal(FIVE, replicas=5))
    blind = scaling().with_progress(0, _blind(looking, away()))
    yield Sample("Running: the engine is away while the service is followed", shown(blind))
    pair = a_job("scale", a_target(WORKER, 5, before=3), a_target(DJANGO, 3, before=2))
    goal, tasks = a_goal(FIVE, replicas=5), running(FIVE, 1, 2, 3, 4, 5)
    pair = replace(pair, state=JobState.RUNNING)
    pair = pair.with_progress(0, judged(goal, (0, FIVE, tasks)).progress)
    yield Sample("Running: two services", shown(pair))
    updating = replace(NEW, update=UpdateState.UPDATING, update_started=AT)
    both = (*running(updating, 1), a_task(updating, 2, node=N2, up_to_date=False))
    half = judged(a_goal(NEW, updates=True), (0, updating, both)).progress
    yield Sample("Running: restart", shown(restarting(NEW).with_progress(0, half)))
    back = rolling_back().with_progress(0, half)
    yield Sample("Running: rollback of a service", shown(back))


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


def _revised() -> Iterator[Sample]:
    yield Sample("Revised: it crashed while it was watched", shown(revised()))


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
