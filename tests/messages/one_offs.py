"""``run``: a command once, from its start to its exit code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bot.domain.jobs.model import Job, JobState
from bot.domain.jobs.progress import ServiceProgress
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.operations.one_off import SHOWN, judged, labels_of, name_of, with_output
from bot.domain.swarm.causes import Cause, CauseKind, classify
from bot.domain.swarm.model import Mode, Service, TaskState
from tests.messages.job_kit import a_job, a_target, finished, shown
from tests.messages.sample import Sample
from tests.messages.swarm import DJANGO, a_task

COMMAND = "python manage.py migrate"
ONCE = Service(
    "run", name_of(DJANGO, "k3f9ab"), 1, Mode.REPLICATED_JOB, 1, labels=labels_of(DJANGO, "k3f9ab")
)
MIGRATED = tuple(f"  Applying website.{n:04}_auto... OK" for n in range(1, 31))
ABSENT = 'OCI runtime create failed: exec: "manage": executable file not found in $PATH: unknown'


def one_offs() -> Iterator[Sample]:
    """The states of its message."""
    seen = ServiceProgress(ONCE.name, 1, 1, "0/1 completed, 1 running")
    yield Sample("A command runs", shown(_job().with_progress(0, seen)))
    for title, outcome in _ends():
        yield Sample(f"A command: {title}", shown(finished(_job(), outcome)))


def _job() -> Job:
    target = replace(a_target(ONCE, 1), changed=False)
    return replace(a_job("run", target, text=f"run django -- {COMMAND}"), state=JobState.RUNNING)


def _ends() -> Iterator[tuple[str, Outcome]]:
    done = judged(Outcome(Verdict.COMPLETED, "1/1 completed."))
    yield "completed", with_output(done, MIGRATED)
    yield "completed without output", done
    cause = Cause(CauseKind.EXIT_CODE, "Exit 1", exit_code=1)
    bad = judged(Outcome(Verdict.FAILED, "0/1", "", cause))
    yield "failed", with_output(bad, (*MIGRATED[:SHOWN], "django.db.utils.OperationalError: …"))
    refused = classify(a_task(ONCE, 1, TaskState.FAILED, err=ABSENT), ONCE)
    assert refused is not None
    yield "no such program", judged(Outcome(Verdict.FAILED, "0/1 completed.", "", refused))
    full = judged(Outcome(Verdict.UNSCHEDULABLE, "0/1 running; 1 task cannot be placed: …."))
    yield "no node fits", full
    yield (
        "stopped",
        with_output(Outcome(Verdict.CANCELLED, "The command was told to stop."), MIGRATED),
    )
    text = "The node photon-machine-02 was lost before the task ended, so it is unknown how far"
    lost = Cause(CauseKind.NODE_DOWN, f"{text} it came", node_id="n2")
    yield "its node is lost", judged(Outcome(Verdict.FAILED, "0/1 completed.", "", lost))
    late = Outcome(
        Verdict.TIMED_OUT, "0/1 completed, 1 running after 1 h. The command was told to stop."
    )
    yield "too long", with_output(late, MIGRATED[:3])
