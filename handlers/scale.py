"""``scale``: any number of services to any number of replicas, as one job with one message."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TypeVar

from bot.domain import placement
from bot.domain.command import Scale as Command
from bot.domain.convergence import Convergence, Goal
from bot.domain.errors import (
    OutOfSequenceError,
    RefusedError,
    SwarmError,
    SwarmUnavailableError,
)
from bot.domain.job import Draft, Job, JobState, Target
from bot.domain.names import NotFound, resolve
from bot.domain.preflight import check_scale, missing_places
from bot.domain.progress import ServiceProgress
from bot.domain.swarm import Look, NodeState, Service
from bot.domain.verdict import Outcome, Verdict
from bot.loops.backoff import Backoff
from bot.loops.hold import Hold
from bot.loops.observer import first_of
from bot.views.errors import unknown_service
from bot.views.job import job_message
from handlers.context import Context
from handlers.intake import queue

ACTION = "scale"
WRITE_ATTEMPTS = 8
CHECK_SECONDS = 10.0
ENGINE_PATIENCE = 60.0
"""Seconds that a job waits for an engine that does not answer, before it changes anything."""

T = TypeVar("T")


class Scale:
    """Begins scale jobs and runs them."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def begin(self, draft: Draft, command: Command) -> None:
        """Check the command against the swarm and queue its job. Raises BotError to refuse it."""
        await queue(self._ctx, draft, await self._checked(draft, command))

    async def _checked(self, draft: Draft, command: Command) -> Job:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                services = await self._ctx.swarm.services(self._ctx.stack)
        except TimeoutError as error:
            raise SwarmUnavailableError("The engine does not answer.") from error
        targets: list[Target] = []
        for wanted in command.targets:
            service = resolve(wanted.service, self._ctx.stack, services)
            if isinstance(service, NotFound):
                raise unknown_service(service, self._ctx.stack)
            check_scale(service)
            if any(target.service_id == service.id for target in targets):
                raise RefusedError(f"`{service.short_name}` stands twice in the command.")
            targets.append(
                Target(service.name, service.id, wanted.replicas, before=service.replicas)
            )
        return self._job(draft, tuple(targets))

    def _job(self, draft: Draft, targets: tuple[Target, ...]) -> Job:
        return Job(
            id=draft.id,
            action=ACTION,
            stack=self._ctx.stack,
            text=draft.text,
            user=draft.user,
            channel=draft.channel,
            created=draft.received,
            targets=targets,
        )

    async def run(self, hold: Hold) -> None:
        """Preflight all targets, change them, and follow each to its verdict.

        A wish to cancel is heard before and after the change, never while it is being made.
        """
        job = replace(hold.job, state=JobState.RUNNING, started=self._ctx.clock.now())
        job = await hold.save(job)
        self._show(job)
        looking = asyncio.create_task(self._first_looks(hold))
        if not await first_of(looking, hold.cancelled):
            await self._end(hold, self._cancelled(hold))
            return
        looks = looking.result()
        objection = await self._preflight(job, looks)
        if objection is not None:
            await self._end(hold, objection)
            return
        if hold.cancelled.is_set():
            await self._end(hold, self._cancelled(hold))
            return
        await self._change(hold, looks)
        following = asyncio.create_task(self._follow_all(hold))
        ended = await first_of(following, hold.cancelled)
        await self._end(hold, hold.job if ended else self._cancelled(hold))

    async def watch(self, hold: Hold) -> None:
        """Watch every provisionally converged service on; revise what proves wrong."""
        job = hold.job
        watched = [
            index for index, outcome in enumerate(job.outcomes) if outcome and outcome.provisional
        ]
        outcomes = await asyncio.gather(
            *(self._ctx.observer.follow(self._watching(job, i), _ignore) for i in watched)
        )
        for index, outcome in zip(watched, outcomes, strict=True):
            job = _watched(job, index, outcome)
        await hold.finish(replace(job, watched_until=self._ctx.clock.now()))

    async def _preflight(self, job: Job, looks: list[Look]) -> Job | None:
        """The job with what speaks against it, None when it may go on."""
        outcomes = [
            await self._objection(target, look)
            for target, look in zip(job.targets, looks, strict=True)
        ]
        if not any(outcomes):
            return None
        for index, outcome in enumerate(outcomes):
            job = job.with_outcome(index, outcome or _held_back(job.targets[index]))
        return job

    async def _objection(self, target: Target, look: Look) -> Outcome | None:
        service = look.service
        if service is None:
            return Outcome(
                Verdict.SUPERSEDED, "The service was removed meanwhile. Nothing was changed."
            )
        if target.applied is not None:
            return None
        if target.begun and service.replicas not in {target.before, target.replicas}:
            return Outcome(
                Verdict.SUPERSEDED,
                f"Somebody else set it to {service.replicas} meanwhile; "
                f"this job wanted {target.replicas}.",
            )
        try:
            check_scale(service)
        except RefusedError as error:
            return _refused(error)
        if service.replicas == target.replicas:
            return None
        return await self._cannot_fit(target, look, service)

    async def _cannot_fit(self, target: Target, look: Look, service: Service) -> Outcome | None:
        missing = missing_places(service, look.tasks, target.replicas)
        if not missing or any(node.state is NodeState.UNKNOWN for node in look.nodes):
            return None
        fit = placement.explain(service, look.nodes, await self._ctx.swarm.tasks())
        if fit.room is None or fit.room >= missing:
            return None
        placed = target.replicas - missing
        words = next((task.err for task in look.tasks if task.err and not task.node_id), "")
        return Outcome(
            Verdict.UNSCHEDULABLE,
            f"Only {placed + fit.room} of {target.replicas} replicas would fit"
            + (f" (scheduler: {words})" if words else "")
            + ". Nothing was changed.",
            advice=_room_advice(target, placed + fit.room, self._ctx.command),
            running=placed,
            desired=service.replicas or 0,
            evidence="\n".join(fit.sentences(8)),
            evidence_title="Why no more fit",
        )

    async def _first_looks(self, hold: Hold) -> list[Look]:
        """Every target as it stands. An engine that is away for a moment fails no job."""
        backoff, late = Backoff(), self._ctx.clock.now() + ENGINE_PATIENCE
        while True:
            try:
                return [await self._ctx.swarm.look(t.service_id) for t in hold.job.targets]
            except SwarmUnavailableError as error:
                if self._ctx.clock.now() > late:
                    raise
                self._show(_waiting_for_the_engine(hold.job, error))
                await self._ctx.clock.sleep(backoff.failed())

    async def _change(self, hold: Hold, looks: list[Look]) -> None:
        """Make every change once; what is about to be done is written down first."""
        job = hold.job
        for index, look in enumerate(looks):
            target = job.targets[index]
            if not target.begun:
                job = job.with_target(index, _as_it_was(target, look))
        job = await hold.save(job)
        for index in range(len(job.targets)):
            await self._apply(hold, index)

    async def _follow_all(self, hold: Hold) -> None:
        job = hold.job
        left = [index for index in range(len(job.targets)) if _at(job.outcomes, index) is None]
        await asyncio.gather(*(self._follow(hold, index) for index in left))

    async def _apply(self, hold: Hold, index: int) -> None:
        """Make the change once: what a lost worker did already is found and left alone.

        A service that cannot be changed any more keeps the others from nothing.
        """
        target = hold.job.targets[index]
        if target.applied is not None:
            return
        try:
            changed = await self._write(target, doubtful=hold.lease.attempt > 1)
        except RefusedError as error:
            await hold.note(hold.job.with_outcome(index, _refused(error)))
            return
        except SwarmError as error:
            await hold.note(hold.job.with_outcome(index, _broken_off(target, error)))
            return
        applied = replace(target, applied=self._ctx.clock.now(), changed=changed)
        await hold.note(hold.job.with_target(index, applied))

    async def _write(self, target: Target, *, doubtful: bool) -> bool:
        """Returns whether this job made an update. An unknown outcome is asked for again.

        ``doubtful`` says that a lost worker may have made it.
        """
        backoff = Backoff()
        for attempt in range(1, WRITE_ATTEMPTS + 1):
            try:
                scaled = await self._ctx.swarm.set_replicas(
                    target.service_id, target.replicas, check_scale
                )
            except (SwarmUnavailableError, OutOfSequenceError):
                if attempt == WRITE_ATTEMPTS:
                    raise
                doubtful = True
                await self._ctx.clock.sleep(backoff.failed())
            else:
                return scaled.changed or (doubtful and target.before != target.replicas)
        return False

    async def _follow(self, hold: Hold, index: int) -> None:
        def on_progress(progress: ServiceProgress) -> None:
            if _at(hold.job.progress, index) != progress:
                hold.job = hold.job.with_progress(index, progress)
                self._show(hold.job)

        state = Convergence.start(self._goal(hold.job, index))
        outcome = await self._ctx.observer.follow(state, on_progress)
        outcome = _told_unchanged(hold.job.targets[index], outcome)
        await hold.note(hold.job.with_outcome(index, outcome))
        if len(hold.job.targets) > 1:
            self._show(hold.job)

    def _goal(self, job: Job, index: int) -> Goal:
        target = job.targets[index]
        return Goal(
            service_id=target.service_id,
            service=target.service,
            replicas=target.replicas,
            known_dead=frozenset(target.known_dead),
            began=target.applied or self._ctx.clock.now(),
            limits=self._ctx.limits,
            # A scale restarts a rollout that is under way, and who waits for it wants to know
            # when the swarm takes that back.
            updates=True,
            update_before=target.update_before,
            command=self._ctx.command,
        )

    def _watching(self, job: Job, index: int) -> Convergence:
        return Convergence.watching(
            self._goal(job, index), since=job.finished or self._ctx.clock.now()
        )

    def _cancelled(self, hold: Hold) -> Job:
        job = replace(hold.job, cancelled_by=hold.cancelled_by)
        for index, target in enumerate(job.targets):
            if _at(job.outcomes, index) is None:
                seen = _at(job.progress, index)
                job = job.with_outcome(index, _stopped_waiting(target, seen))
        return job

    async def _end(self, hold: Hold, job: Job) -> None:
        watch = any(outcome and outcome.provisional for outcome in job.outcomes)
        await hold.finish(
            replace(job, state=JobState.FINISHED, finished=self._ctx.clock.now()), watch=watch
        )

    def _show(self, job: Job) -> None:
        message = job_message(job, self._ctx.clock.now(), command=self._ctx.command)
        self._ctx.chat.show(job.channel, job.message, message)


def _at(values: tuple[T | None, ...], index: int) -> T | None:
    return values[index] if index < len(values) else None


def _as_it_was(target: Target, look: Look) -> Target:
    """The target with what must not be taken for the change's doing."""
    dead = tuple(task.id for task in look.tasks if task.state.over)
    service = look.service
    if service is None:
        return replace(target, known_dead=dead, update_before=0.0)
    update = service.update_started or 0.0
    return replace(target, known_dead=dead, update_before=update, before=service.replicas)


def _refused(error: RefusedError) -> Outcome:
    return Outcome(Verdict.REFUSED, f"{error.sentence} Nothing was changed.", error.hint)


def _broken_off(target: Target, error: SwarmError) -> Outcome:
    """The outcome of a change that the engine did not make, as far as it told."""
    known = "" if isinstance(error, SwarmUnavailableError) else " It was not changed."
    return Outcome(
        Verdict.FAILED,
        f"{error.sentence}{known} (ref {error.ref})",
        error.hint or "Look at `status` for what it wants now.",
        desired=target.replicas,
    )


def _told_unchanged(target: Target, outcome: Outcome) -> Outcome:
    """A verdict on a service that had the number already says so."""
    if target.changed or target.before != target.replicas:
        return outcome
    return replace(outcome, reason=f"It was at {target.replicas} already. {outcome.reason}")


def _held_back(target: Target) -> Outcome:
    """The outcome of a service that is well, in a job that another one keeps from going on."""
    if target.begun:
        return Outcome(
            Verdict.FAILED,
            f"It was set to {target.replicas}, and not followed on: another service was refused.",
        )
    return Outcome(Verdict.REFUSED, "Nothing was changed, since another service was refused.")


def _waiting_for_the_engine(job: Job, error: SwarmUnavailableError) -> Job:
    """The job as it is shown meanwhile."""
    for index, target in enumerate(job.targets):
        phase = f"nothing is changed yet, waiting for the engine: {error.sentence}"
        job = job.with_progress(index, ServiceProgress(target.service, 0, target.replicas, phase))
    return job


def _watched(job: Job, index: int, seen: Outcome) -> Job:
    """The job once a watch ended: its first verdict for good, or the one that proved right."""
    first = job.outcomes[index]
    if first is not None and first.verdict is seen.verdict:
        return job.with_outcome(index, replace(first, provisional=False))
    return replace(job.with_outcome(index, seen), revised=True)


def _ignore(_progress: ServiceProgress) -> None:
    """A watched service's message is left alone until its verdict is revised."""


def _stopped_waiting(target: Target, seen: ServiceProgress | None) -> Outcome:
    running = seen.running if seen else 0
    if target.applied is None:
        return Outcome(Verdict.CANCELLED, "Cancelled before the change. Nothing was changed.")
    return Outcome(
        Verdict.CANCELLED,
        f"Stopped waiting; the service still wants {target.replicas} replicas, {running} run.",
        running=running,
        desired=target.replicas,
    )


def _room_advice(target: Target, most: int, command: str) -> str:
    if most <= 0:
        return "Free or add nodes that meet the service's requirements."
    return f"Free or add nodes, or `{command} scale {target.service}={most}`."
