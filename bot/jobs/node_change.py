"""Runs jobs that change a node, until the verdicts of the node and of every service it moves.

The node is the job's first target; the services follow once they are known. Setting an availability
is absolute, so every step can be repeated safely.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from bot.domain.convergence.machine import Goal
from bot.domain.errors import (
    NotFoundError,
    RefusedError,
    SwarmError,
    SwarmUnavailableError,
)
from bot.domain.jobs.model import NODE, Job, JobState, PendingCommand, Target
from bot.domain.jobs.progress import ServiceProgress
from bot.domain.jobs.verdict import Outcome, Verdict, changed_or_not
from bot.domain.operations.node_change import NodeLook, find_node, gone, unseen
from bot.domain.swarm.model import Availability, Node, Service, StackLook
from bot.jobs.context import Context
from bot.jobs.engine_calls import in_time, insist, wait_for_engine
from bot.jobs.follower import Following, at
from bot.jobs.submit import queue
from bot.loops.job_lease import JobLease
from bot.loops.observer import first_of
from bot.runtime.backoff import Backoff
from bot.runtime.tasks import first_error

TICK = 1.0
"""Maximum seconds between two looks at the node."""
NOT_FOLLOWED = "No longer watched: the node was changed by someone else."


class NodeOperation(Protocol):
    """A change of a node; ``left`` describes the node's state after a person stops waiting."""

    action: str
    wanted: Availability
    left: str

    def check(self, node: Node, look: StackLook, *, forced: bool) -> None:
        """Raise RefusedError if the change is not allowed.

        ``forced`` allows that tasks fit on no other node.
        """

    def foretold(self, node: Node, look: StackLook) -> tuple[str, ...]:
        """Sentences on what the change is about to do."""

    def followed(self, node: Node, look: StackLook) -> list[Service]:
        """The services that must run in full once the change is done."""

    def progress(self, target: Target, look: NodeLook) -> ServiceProgress:
        """The node's progress."""

    def begun(self, look: NodeLook) -> bool:
        """Whether the swarm has reacted to the change.

        Before that, services may look healthy although they are about to lose tasks.
        """

    def outcome(self, target: Target, look: NodeLook, waited: float) -> Outcome | None:
        """The node's outcome, None while there is none; ``waited`` is in seconds since the change.

        After the time limit there always is one.
        """


class NodeJob:
    """Starts and runs the jobs of one operation."""

    def __init__(self, ctx: Context, operation: NodeOperation) -> None:
        self._ctx = ctx
        self._operation = operation
        self._following = Following(ctx, self._aim, _for_good)

    async def queue(self, pending: PendingCommand, typed: str, *, forced: bool = False) -> None:
        """Check the command against the swarm and queue its job. Raises BotError to refuse it."""
        look = await in_time(self._ctx.looks.stack_look(""))
        node = find_node(typed, look.nodes)
        await self._check(node, look, forced=forced)
        target = Target(f"{NODE}{node.hostname}", node.id, len(_living(node, look)))
        job = Job(
            id=pending.id,
            action=self._operation.action,
            stack="",
            text=pending.text,
            user=pending.user,
            channel=pending.channel,
            thread=pending.thread,
            created=pending.received,
            targets=(target,),
            foretold=await asyncio.to_thread(self._operation.foretold, node, look),
            forced=forced,
        )
        await queue(self._ctx, pending, job)

    async def _check(self, node: Node, look: StackLook, *, forced: bool) -> None:
        """Check in a thread, because every task of the swarm is placed anew."""
        await asyncio.to_thread(self._operation.check, node, look, forced=forced)

    async def run(self, lease: JobLease) -> None:
        """Change the node once, then follow it and all services to their verdicts.

        A request to cancel is honoured before and after the change, but not while it is made: a
        write without a known outcome is made again, so that it cannot take effect later.
        """
        started = replace(lease.job, state=JobState.RUNNING, started=self._ctx.clock.now())
        job = await lease.save(started)
        self._following.show(lease)
        if job.targets[0].applied is None and not await self._begin(lease):
            return
        following = asyncio.create_task(self._follow_all(lease))
        ended = await first_of(following, lease.cancelled)
        await self._following.end(lease, lease.job if ended else self._cancelled(lease))

    async def _begin(self, lease: JobLease) -> bool:
        """Look and make the change; False if the job has ended instead."""
        may_stop = asyncio.Event() if lease.job.targets[0].begun else lease.cancelled
        looking = asyncio.create_task(self._first_look(lease))
        if not await first_of(looking, may_stop) or may_stop.is_set():
            await self._following.end(lease, self._cancelled(lease))
            return False
        try:
            await self._change(lease, looking.result())
        except (RefusedError, NotFoundError) as error:
            await self._following.end(lease, lease.job.with_outcome(0, _not_begun(error)))
            return False
        return True

    async def run_probation(self, lease: JobLease) -> None:
        """Nothing to do: no outcome of these jobs is provisional."""
        await lease.finish(lease.job)

    async def _first_look(self, lease: JobLease) -> StackLook:
        """The present state of the swarm."""

        def waits(error: SwarmUnavailableError) -> None:
            phase = f"waiting for the engine: {error.sentence}"
            progress = ServiceProgress(lease.job.targets[0].service, 0, 0, phase)
            self._following.progress(lease, 0, progress)

        return await wait_for_engine(
            self._ctx.clock, lambda: in_time(self._ctx.swarm.stack_look("")), waits
        )

    async def _change(self, lease: JobLease, look: StackLook) -> None:
        """Make the change once, after noting what is about to be done."""
        target = lease.job.targets[0]
        if not target.begun:
            node = _node(target, look)
            await self._check(node, look, forced=lease.job.forced)
            target = replace(target, replicas=len(_living(node, look)), update_before=0.0)
            services = _targets(self._operation.followed(node, look), look)
            told = await asyncio.to_thread(self._operation.foretold, node, look)
            if node.availability is self._operation.wanted:  # so a lost worker changes nothing
                target = replace(target, applied=self._ctx.clock.now())
            await lease.save(replace(lease.job, targets=(target, *services), foretold=told))
            self._following.show(lease)
            if target.applied is not None:
                return
            doubtful = False
        else:
            doubtful = True
        changed = await self._made(lease, target.service_id, doubtful=doubtful)
        applied = replace(target, applied=self._ctx.clock.now(), changed=changed)
        await lease.note(lease.job.with_target(0, applied))

    async def _made(self, lease: JobLease, node_id: str, *, doubtful: bool) -> bool:
        """Whether this job made the change."""
        wanted = self._operation.wanted

        async def make(doubt: bool) -> bool:  # noqa: FBT001 (called by ``insist``)
            set_now = self._ctx.nodes.set_availability(node_id, wanted, still=lease.still)
            return await set_now or doubt

        return await insist(lease, self._ctx.clock, make, doubtful=doubtful)

    async def _follow_all(self, lease: JobLease) -> None:
        """Follow the node and the services in parallel.

        If somebody reverses the node's change, the services have nothing to wait for.
        """
        begun = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                services = group.create_task(self._follow_services(lease, begun))
                if at(lease.job.outcomes, 0) is None:
                    await self._follow_node(lease, begun)
                begun.set()
                outcome = at(lease.job.outcomes, 0)
                if outcome is not None and outcome.verdict is Verdict.SUPERSEDED:
                    services.cancel()
        except BaseExceptionGroup as ended:
            raise first_error(ended) from None
        job = lease.job
        for index in job.services_at:
            if at(job.outcomes, index) is None:
                job = job.with_outcome(index, Outcome(Verdict.SUPERSEDED, NOT_FOLLOWED))
        await lease.note(job)

    async def _follow_services(self, lease: JobLease, begun: asyncio.Event) -> None:
        await begun.wait()
        await self._following.follow(lease, lease.job.services_at)

    async def _follow_node(self, lease: JobLease, begun: asyncio.Event) -> None:
        target, began = lease.job.targets[0], self._ctx.clock.now()
        late = (target.applied or began) + self._ctx.limits.time_limit
        ids = frozenset(t.service_id for t in lease.job.targets[1:])
        backoff = Backoff()
        names: dict[str, str] = {}
        async with self._ctx.feed.subscribe(ids) as changes:
            while True:
                try:
                    names = names or await self._names()
                    look = await self._look(target, names)
                except NotFoundError as error:
                    await lease.note(lease.job.with_outcome(0, gone(error)))
                    return
                except SwarmError as error:
                    if self._ctx.clock.now() > late:
                        await lease.note(lease.job.with_outcome(0, unseen(error)))
                        return
                    self._following.progress(lease, 0, _blind(lease.job, error))
                    await self._ctx.clock.sleep(backoff.failed())
                    continue
                backoff.worked()
                if self._operation.begun(look):
                    begun.set()
                if await self._judged(lease, look):
                    return
                await changes.wait(TICK)

    async def _judged(self, lease: JobLease, look: NodeLook) -> bool:
        """Update the node's progress and outcome from a look; returns whether it has an outcome."""
        target, now = lease.job.targets[0], self._ctx.clock.now()
        self._following.progress(lease, 0, self._operation.progress(target, look))
        outcome = self._operation.outcome(target, look, now - (target.applied or now))
        if outcome is not None:
            await lease.note(lease.job.with_outcome(0, outcome))
            self._following.show(lease)
        return outcome is not None

    async def _names(self) -> dict[str, str]:
        """The full names of services by their ids, including those that only lose a task."""
        return {s.id: s.name for s in await in_time(self._ctx.swarm.services())}

    async def _look(self, target: Target, names: dict[str, str]) -> NodeLook:
        node = await in_time(self._ctx.nodes.node(target.service_id))
        tasks = await in_time(self._ctx.nodes.tasks_on(target.service_id))
        return NodeLook(node, tasks, names)

    def _aim(self, job: Job, _index: int, goal: Goal) -> Goal:
        """The goal of a service: the same number and version, running elsewhere."""
        return replace(goal, began=job.targets[0].applied or goal.began, updates=False)

    def _cancelled(self, lease: JobLease) -> Job:
        job = replace(lease.job, cancelled_by=lease.cancelled_by)
        node = job.targets[0]
        before = "Cancelled before the change. Nothing was changed."
        reason = f"Stopped waiting; {self._operation.left}" if node.begun else before
        for index in range(len(job.targets)):
            if at(job.outcomes, index) is None:
                job = job.with_outcome(index, _stopped(job, index, reason))
        return job


def _living(node: Node, look: StackLook) -> list[str]:
    """The ids of the live tasks on a node."""
    return [t.id for t in look.tasks if t.node_id == node.id and not t.state.over]


def _node(target: Target, look: StackLook) -> Node:
    """The target's node. Raises NotFoundError if it is no longer in the swarm."""
    for node in look.nodes:
        if node.id == target.service_id:
            return node
    raise NotFoundError("It is no longer in the swarm.")


def _targets(services: Sequence[Service], look: StackLook) -> list[Target]:
    dead: dict[str, list[str]] = {}
    for task in look.tasks:
        if task.state.over:
            dead.setdefault(task.service_id, []).append(task.id)
    return [
        Target(
            service.name,
            service.id,
            service.replicas or 0,
            known_dead=tuple(dead.get(service.id, ())),
            update_before=service.update_started or 0.0,
        )
        for service in services
    ]


def _for_good(_target: Target, outcome: Outcome) -> Outcome:
    """A final outcome: these jobs have no probation, as tasks are moved but not changed."""
    return replace(outcome, provisional=False)


def _not_begun(error: RefusedError | NotFoundError) -> Outcome:
    if isinstance(error, NotFoundError):
        return gone(error)
    return Outcome(Verdict.REFUSED, f"{error.sentence} {changed_or_not(error)}", error.hint)


def _stopped(job: Job, index: int, reason: str) -> Outcome:
    seen = at(job.progress, index)
    running, desired = (seen.counts if seen else None) or (0, 0)
    return Outcome(Verdict.CANCELLED, reason, running=running, desired=desired)


def _blind(job: Job, error: SwarmError) -> ServiceProgress:
    """The last known progress of the node, with a note that the engine does not answer."""
    target = job.targets[0]
    last = at(job.progress, 0) or ServiceProgress(target.service, 0, target.replicas, "")
    return replace(last, phase=f"unknown at the moment, still checking: {error.sentence}")
