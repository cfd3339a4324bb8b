"""Jobs that ended well, were stopped, superseded or refused, or that a worker gave up."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from bot.domain.errors import BotError, SupersededError, SwarmError
from bot.domain.jobs.model import Job, Target
from bot.domain.jobs.progress import ServiceProgress
from bot.domain.jobs.verdict import Outcome
from bot.domain.swarm.model import (
    LastChange,
    Look,
    Previous,
    RestartCondition,
    Service,
    Task,
    TaskState,
    UpdateState,
)
from bot.domain.text.message import Message
from bot.jobs.service_change import ChangeRunner, _broken_off, _refused
from bot.jobs.submit import AGAIN, INTERRUPTED, settle_unbegun
from bot.loops.observer import _unseen
from bot.loops.worker import Worker
from bot.views.errors import refused
from bot.views.jobs.message import unbegun_metadata
from handlers.restart import RestartHandler
from handlers.rollback import RollBackHandler, _check_previous
from handlers.scale import ScaleHandler
from handlers.update import UpdateHandler
from tests.messages.job_kit import (
    FIVE,
    NEW,
    a_job,
    a_target,
    away,
    converged,
    finished,
    newest,
    probed,
    queued,
    renewing,
    restarting,
    rolling_back,
    scaling,
    shown,
    updating,
)
from tests.messages.sample import AT, BOB, REFERENCE, Sample, context, port, raised
from tests.messages.swarm import DJANGO, MIGRATE, NODES, WORKER, a_goal, a_task, judged, running

_PREVIOUS = Previous("other", DJANGO.image, LastChange.VERSION)
_ROLLED_BACK = UpdateState.ROLLBACK_COMPLETED


def good() -> Iterator[Sample]:
    yield Sample("Converged, on probation", shown(converged()))
    yield Sample("Converged for good, with its timeline", shown(converged(provisional=False)))
    pair = a_job("scale", a_target(WORKER, 5, before=3), a_target(DJANGO, 2, before=2))
    fives, twos = running(FIVE, 1, 2, 3, 4, 5), running(DJANGO, 1, 2)
    one = judged(a_goal(FIVE, replicas=5), (0, FIVE, fives), (5, FIVE, fives))
    two = judged(a_goal(DJANGO, replicas=2), (0, DJANGO, twos), (5, DJANGO, twos))
    yield Sample("Converged: two services", shown(finished(pair, one, two)))
    assert two.outcome is not None
    same = ScaleHandler(context()).told(a_target(DJANGO, 2, before=2, changed=False), two.outcome)
    job = finished(a_job("scale", a_target(DJANGO, 2, before=2, changed=False)), same)
    yield Sample("Converged: it had that number before", shown(job))
    none = replace(WORKER, replicas=0)
    empty = judged(a_goal(none, replicas=0), (0, none, ()))
    job = finished(a_job("scale", a_target(WORKER, 0, before=3)), empty)
    yield Sample("Converged: scaled to 0", shown(job))
    fewer = replace(WORKER, replicas=2)
    leaving = (*running(fewer, 1, 2), a_task(fewer, 3, desired=TaskState.SHUTDOWN))
    less = judged(a_goal(fewer, replicas=2), (0, fewer, leaving), (9, fewer, running(fewer, 1, 2)))
    job = finished(a_job("scale", a_target(WORKER, 2, before=3)), less)
    yield Sample("Converged: scaled down", shown(job))
    yield Sample("Converged: restart", shown(finished(restarting(DJANGO), two)))
    handler = UpdateHandler(context(), port())
    for title, job in (
        ("Converged: update to another tag", updating()),
        ("Converged: update to the newest image of its tag", newest()),
        ("Converged: update that renewed a registry's login", renewing()),
    ):
        outcome = handler.told(job.targets[0], two.outcome)
        yield Sample(title, shown(finished(job, outcome)))
    yield Sample("Converged: nothing to restart", shown(_nothing_to_restart()))
    other = RestartHandler(context()).told(a_target(DJANGO, changed=False), two.outcome)
    yield Sample("Converged: restarted by someone else", shown(finished(restarting(DJANGO), other)))
    yield Sample("Converged: rollback", shown(finished(rolling_back(), two)))
    back = RollBackHandler(context()).told(a_target(DJANGO, changed=False), two.outcome)
    yield Sample("Converged: it was back already", shown(finished(rolling_back(), back)))
    yield Sample("Converged: with a probe", shown(finished(scaling(), probed(None))))
    ends = TaskState.COMPLETE
    done = tuple(a_task(MIGRATE, n, ends, desired=ends, exit_code=0) for n in (1, 2))
    complete = judged(a_goal(MIGRATE), (0, MIGRATE, done))
    yield Sample("Completed", shown(finished(restarting(MIGRATE), complete)))
    daemon = replace(WORKER, restart=RestartCondition.NONE)
    tasks = running(daemon, 1, 2, 3)
    lasting = judged(a_goal(daemon), (0, daemon, tasks), (901, daemon, tasks))
    job = finished(restarting(daemon), lasting)
    yield Sample("Converged at the time limit: never restarted, and still running", shown(job))


def _nothing_to_restart() -> Job:
    none = replace(DJANGO, replicas=0)
    target = Target(none.name, none.id, 0)
    said = asyncio.run(RestartHandler(context()).objection(target, Look(AT, none, (), NODES)))
    assert said is not None
    return finished(a_job("restart", target), said)


def stopped() -> Iterator[Sample]:
    scale, restart, back = (
        ScaleHandler(context()),
        RestartHandler(context()),
        RollBackHandler(context()),
    )
    seen = ServiceProgress(WORKER.name, 2, 3, "")
    for title, operation, job in (
        ("before the change", scale, a_job("scale", Target(WORKER.name, WORKER.id, 5, before=3))),
        ("scale", scale, scaling()),
        ("restart", restart, restarting(WORKER)),
        ("roll back", back, replace(rolling_back(), targets=(a_target(WORKER),))),
    ):
        runner: Any = ChangeRunner(context(), operation)
        outcome = runner._stopped_waiting(job.targets[0], seen)
        ended = replace(finished(job, outcome), cancelled_by=BOB)
        yield Sample(f"Cancelled: {title}", shown(ended))


def superseded() -> Iterator[Sample]:
    goal, seven = a_goal(FIVE, replicas=5), replace(FIVE, replicas=7)
    found = judged(goal, (0, FIVE, running(FIVE, 1)), (1, seven, running(FIVE, 1)))
    yield Sample("Superseded: another number", shown(finished(scaling(), found)))
    found = judged(a_goal(NEW, updates=True, template="v2"), (0, DJANGO, running(DJANGO, 1)))
    yield Sample("Superseded: another version", shown(finished(restarting(NEW), found)))
    found = judged(goal, (0, FIVE, running(FIVE, 1)), (1, None, ()))
    yield Sample("Superseded: the service was removed", shown(finished(scaling(), found)))
    job = _objected(
        ScaleHandler(context()), a_job("scale", Target(WORKER.name, WORKER.id, 5)), None
    )
    yield Sample("Superseded: removed before the change", shown(job))
    spec = a_target(NEW, spec="other")
    for title, service in (
        ("another previous version", NEW),
        ("rolled back meanwhile", replace(NEW, previous=_PREVIOUS, update=_ROLLED_BACK)),
    ):
        error = raised(partial(_check_previous, spec, service))
        assert isinstance(error, SupersededError)
        outcome = _refused(error)
        yield Sample(f"Superseded: {title}", shown(finished(rolling_back(), outcome)))


def _objected(operation: Any, job: Job, service: Service | None) -> Job:
    """The job with what speaks against its first service."""
    runner: Any = ChangeRunner(context(), operation)
    look = Look(AT, service, _former(service) if service else (), NODES)
    return finished(asyncio.run(runner._preflight(job, [look])))


def _former(service: Service) -> tuple[Task, ...]:
    """Two running tasks of its former version."""
    return tuple(replace(task, up_to_date=False) for task in running(service, 1, 2))


def refusals() -> Iterator[Sample]:
    paused = replace(WORKER, update=UpdateState.PAUSED, can_roll_back=True)
    scale, restart = ScaleHandler(context()), RestartHandler(context())
    target = Target(WORKER.name, WORKER.id, 5, before=3)
    job = _objected(scale, a_job("scale", target), paused)
    yield Sample("Refused: a scale while an update is paused", shown(job))
    yield Sample(
        "Refused: a restart while an update is paused",
        shown(_objected(restart, a_job("restart", target), paused)),
    )
    pair = a_job("scale", target, Target(DJANGO.name, DJANGO.id, 3, before=2))
    runner: Any = ChangeRunner(context(), scale)
    looks = [
        Look(AT, paused, _former(paused), NODES),
        Look(AT, replace(DJANGO, replicas=3), running(DJANGO, 1, 2, 3), NODES),
    ]
    both = asyncio.run(runner._preflight(pair, looks))
    yield Sample("Refused: one of two services", shown(finished(both)))
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


def given_up() -> Iterator[Sample]:
    target = replace(scaling().targets[0], applied=None, changed=False)
    error = SwarmError("The engine says: rpc error: code = Internal.")
    error.ref = REFERENCE
    unmade = finished(scaling().with_target(0, target), _broken_off(error))
    yield Sample("Failed: the engine refuses the change", shown(unmade))
    unseen = finished(scaling(), _unseen(away()), seconds=901)
    yield Sample("Timed out: the engine did not answer", shown(unseen))
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
        yield Sample(f"Failed: {title}", shown(asyncio.run(_given_up(job, why))))


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
