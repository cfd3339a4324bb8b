"""Jobs that several topics show, and what brings them there.

The verdicts are what the convergence machine says of looks at a swarm.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.domain.convergence.machine import StepResult
from bot.domain.convergence.probe_spec import LABEL, Reading, Workers
from bot.domain.errors import SwarmUnavailableError
from bot.domain.jobs.model import Job, JobState, Target
from bot.domain.jobs.verdict import Outcome
from bot.domain.operations.image_change import by_next_deploy
from bot.domain.swarm.model import Service, Task
from bot.domain.text.message import Message
from bot.swarm.failures import translate
from bot.views.jobs.message import job_message
from tests.messages.sample import ANN, AT, CHANNEL, COMMAND, REFERENCE
from tests.messages.swarm import DJANGO, N2, WORKER, Seen, a_goal, failed, judged, running

FIVE = replace(WORKER, replicas=5)
NEW = replace(DJANGO, template="v2", image="registry.example.com/django:2.5")
LOG = (
    "Traceback (most recent call last):\n"
    '  File "/app/worker.py", line 12, in <module>\n'
    "    broker = os.environ['BROKER_URL']\n"
    "KeyError: 'BROKER_URL'"
)
PENDING = "no suitable node (insufficient resources on 3 nodes)"


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
    found = after_looks(DJANGO, *(failed(DJANGO, 2, 1, n, node=N2) for n in (1, 2, 3)), slot_runs=1)
    return finished(restarting(DJANGO), with_log(found))


def revised() -> Job:
    """A scale that converged and then failed."""
    goal, tasks = a_goal(FIVE, replicas=5), running(FIVE, 1, 2, 3, 4, 5)
    crashes = (*running(FIVE, 1, 2, 3, 4), *(failed(FIVE, 5, 1, n) for n in (1, 2, 3)))
    found = judged(goal, (6, FIVE, tasks), (30, FIVE, crashes), watching=True)
    job = finished(converged(), with_log(found), seconds=6.4)
    return replace(job, revised=True, watched_until=AT + 30)


def shown(job: Job, **values: Any) -> Message:
    return job_message(job, AT + 30, command=COMMAND, home="orochi", **values)


def restarting(service: Service, **values: Any) -> Job:
    return replace(a_job("restart", a_target(service, **values)), state=JobState.RUNNING)


def updating(image: str = f"{DJANGO.image}-2", **values: Any) -> Job:
    """An update of ``django`` to another tag, which the stack's file does not name."""
    pinned = f"{image}@sha256:{'3f9a1b2c' * 8}"
    target = a_target(NEW, image=pinned, image_before=DJANGO.image, **values)
    foretold = by_next_deploy("orochi", "orochi.yml", 12, f"image: {DJANGO.image}")
    job = a_job("update", target, text="update django …", foretold=(foretold,))
    return replace(job, state=JobState.RUNNING)


def newest() -> Job:
    """An update of a tag that was pushed again."""
    job = updating(DJANGO.image)
    target = replace(job.targets[0], image_before=f"{DJANGO.image}@sha256:{'9c4e77d0' * 8}")
    return replace(job.with_target(0, target), foretold=())


def renewing() -> Job:
    """An update whose image stays, for the present login of its registry."""
    job = updating(DJANGO.image)
    target = replace(job.targets[0], image_before=job.targets[0].image, restarts=1)
    return replace(job.with_target(0, target), foretold=())


def rolling_back() -> Job:
    target = a_target(NEW, image=DJANGO.image, image_before=NEW.image, rollback=True)
    return replace(a_job("rollback", target, text="rollback django"), state=JobState.RUNNING)


def after_looks(
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


def with_log(step: StepResult, text: str = LOG, title: str = "Last log lines") -> StepResult:
    assert step.outcome is not None, step.progress
    return replace(step, outcome=replace(step.outcome, evidence=text, evidence_title=title))


def probed(reading: Reading | None, seconds: float = 5.0) -> StepResult:
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
