"""A run in which everything is right, to be made wrong in one respect at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.domain.incidents.model import Incident, IncidentState
from bot.domain.jobs.model import Job, JobState, Target
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.causes import Cause, CauseKind
from bot.slack.wording import edit_arguments, post_arguments
from bot.views.jobs.message import job_message, thread_mention
from playground.slack import Content, Message
from playground.slack.model import Edit
from tests.chaos.invariants import violations
from tests.chaos.invariants.jobs import STACK
from tests.chaos.recorded import Asked, Failure, Recorded, Update
from tests.chaos.schedule import Action

ANN, BOB = "U1", "U2"
CHANNEL, ALERTS, DIRECT = "C1", "C2", "D1"
SERVICE = "orochi_web"
NOISY = "noisy_one"
AT = 1_790_000_000.0


def spec(replicas: int) -> dict[str, Any]:
    """A service's spec."""
    container = {"Image": "lab/busy:1"}
    return {
        "Name": SERVICE,
        "TaskTemplate": {"ContainerSpec": container, "ForceUpdate": 0},
        "Mode": {"Replicated": {"Replicas": replicas}},
    }


def scaled(job_id: str = "aaaaaa", to: int = 3, **more: Any) -> Job:
    """A finished scale of one service."""
    target = Target(SERVICE, "s1", to, before=2, applied=AT + 1, changed=True, update_before=0.0)
    outcome = Outcome(Verdict.CONVERGED, "All is well.", running=to, desired=to)
    job = Job(job_id, "scale", "orochi", f"scale web={to}", ANN, CHANNEL, AT, (target,), "10.1")
    return replace(
        job, state=JobState.FINISHED, finished=AT + 5, outcomes=(outcome,), watched_until=AT + 6,
        **more,
    )  # fmt: skip


def content(job: Job) -> Content:
    """What a job's message says."""
    arguments = edit_arguments(job_message(job, AT, probation_seconds=1.0, home=STACK))
    return Content(arguments["text"], tuple(arguments["blocks"]), metadata=arguments["metadata"])


def message(job: Job, *before: Job, **more: Any) -> Message:
    """A job's message that was posted as queued, with further earlier states of it."""
    return posted(job, queued(job), *before, **more)


def posted(job: Job, *before: Job, **more: Any) -> Message:
    """A job's message with exactly these earlier states."""
    history = [Edit(AT, content(each)) for each in (*before, job)]
    return Message(**{"ts": "10.1", "channel": CHANNEL, "user": "B", "history": history, **more})


def mention(job: Job, ts: str = "11.1") -> Message:
    """The mention in the thread of a job's message."""
    arguments = post_arguments(thread_mention(job))
    said = Content(arguments["text"], metadata=arguments["metadata"])
    return Message(ts, CHANNEL, "B", [Edit(AT, said)], thread_ts="10.1")


def incident(**more: Any) -> Incident:
    """A resolved incident with one failure."""
    cause = Cause(CauseKind.EXIT_CODE, "Exit code 1", "", 1, "t1", "1")
    made = Incident(
        "iiiiii", "n1|exit_code|1", NOISY, "n1", cause, IncidentState.RESOLVED, AT, AT + 1,
        last_task="t1",
    )  # fmt: skip
    return replace(made, **more)


def alert(told: Incident, ts: str = "20.1") -> Message:
    """An incident's message."""
    payload = {
        "incident_id": told.id,
        "state": told.state.value,
        "count": told.count,
        "last_task": told.last_task,
    }
    metadata = {"event_type": "swarm_incident", "event_payload": payload}
    return Message(ts, ALERTS, "B", [Edit(AT, Content("it fails", metadata=metadata))])


def whisper(user: str) -> Message:
    """A message that one person sees."""
    return Message("30.1", CHANNEL, "B", [Edit(AT, Content("no"))], only_for=user)


def a_run(**changed: Any) -> Recorded:
    """One scale and one failure, with everything as it should be."""
    job = scaled()
    right = Recorded(
        asked=(Asked(1, Action.SCALE, ANN, "scale web=3", "key"),),
        messages=(message(job), mention(job), alert(incident())),
        accepted={"key": job.id},
        jobs={job.id: job},
        order=(job.id,),
        ends={job.id: 1},
        updates=(Update(AT, SERVICE, spec(2), spec(3)),),
        services={SERVICE: spec(3)},
        nodes={"node:machine-03": "active"},
        failures=(Failure(AT, "t1", NOISY, 1),),
        incidents=(incident(),),
        lasting={"orochi:audit": 3, "orochi:watch": 5},
        names=("bot-1 with 0 turns",),
        unforgotten=1,
        exits=(0, 0),
    )
    return replace(right, **changed)


def queued(job: Job) -> Job:
    """The job as it was queued."""
    target = replace(job.targets[0], applied=None, changed=False, update_before=None)
    return replace(
        job,
        state=JobState.QUEUED,
        finished=None,
        outcomes=(),
        watched_until=None,
        targets=(target,),
    )


def running(job: Job) -> Job:
    """The job while it runs."""
    return replace(job, state=JobState.RUNNING, finished=None, outcomes=(), watched_until=None)


def broken(recorded: Recorded) -> list[tuple[str, str]]:
    """The rules that are violated, each with its subject."""
    return [(each.rule, each.subject) for each in violations(recorded)]
