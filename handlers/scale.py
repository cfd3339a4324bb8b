"""``scale``: set the replica counts of any number of services, as one job with one message.

The button *Scale back* starts a new scale job with the numbers from before a job.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.domain.commands.values import Scale as Command
from bot.domain.convergence.machine import Goal
from bot.domain.errors import RefusedError
from bot.domain.jobs.model import Job, JobState, PendingCommand, Target
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.operations.preflight import check_scale, missing_places
from bot.domain.swarm import placement
from bot.domain.swarm.model import Look, NodeState, Service
from bot.jobs.context import Context
from bot.jobs.engine_calls import in_time
from bot.jobs.service_lookup import look_if_paused, to_change
from bot.jobs.staleness import check_target
from bot.jobs.submit import queue
from bot.ports import Still

ACTION = "scale"


class ScaleHandler:
    """Starts scale jobs, and defines what they do to each service."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def begin(self, pending: PendingCommand, command: Command) -> None:
        """Check the command against the swarm and queue its job. Raises BotError to refuse it."""
        await queue(self._ctx, pending, await self._checked(pending, command))

    async def _checked(self, pending: PendingCommand, command: Command) -> Job:
        services = [
            (await to_change(self._ctx, each.service, pending.channel), each.replicas)
            for each in command.targets
        ]
        return await self.checked(pending, services)

    async def checked(self, pending: PendingCommand, wanted: Sequence[tuple[Service, int]]) -> Job:
        """The job that gives services these numbers. Raises BotError to refuse it."""
        targets: list[Target] = []
        stacks: set[str] = set()
        for service, replicas in wanted:
            look = await look_if_paused(self._ctx, service)
            check_scale(service, look, self._ctx.command)
            if any(target.service_id == service.id for target in targets):
                raise RefusedError(f"`{service.short_name}` is listed twice. List it once.")
            stacks.add(service.stack)
            targets.append(Target(service.name, service.id, replicas, before=service.replicas))
        return Job(
            id=pending.id,
            action=ACTION,
            stack=stacks.pop() if len(stacks) == 1 else "",
            text=pending.text,
            user=pending.user,
            channel=pending.channel,
            thread=pending.thread,
            created=pending.received,
            targets=tuple(targets),
        )

    async def objection(self, target: Target, look: Look) -> Outcome | None:
        """As in ``ServiceOperation``: refuses a paused update or too many replicas."""
        service = look.service
        if service is None:
            return None
        if target.begun and service.replicas not in {target.before, target.replicas}:
            return Outcome(
                Verdict.SUPERSEDED,
                f"Someone else set it to {service.replicas}; this job wanted {target.replicas}.",
            )
        check_scale(service, look, self._ctx.command)
        if service.replicas == target.replicas:
            return None
        return await self._cannot_fit(target, look, service)

    def noted(self, target: Target, look: Look) -> Target:
        """As in ``ServiceOperation``: the number before the change."""
        return replace(target, before=look.service.replicas) if look.service else target

    async def make(self, target: Target, *, doubtful: bool, still: Still) -> Target:
        """As in ``ServiceOperation``."""
        look = await self._ctx.swarm.look(target.service_id)

        def check(service: Service) -> None:
            check_scale(service, look, self._ctx.command)

        scaled = await self._ctx.swarm.set_replicas(
            target.service_id, target.replicas, check, still=still
        )
        ours = doubtful and target.before != target.replicas
        return replace(target, changed=scaled.changed or ours)

    def goal(self, target: Target, goal: Goal) -> Goal:
        """As in ``ServiceOperation``: the requested number."""
        return replace(goal, replicas=target.replicas)

    def told(self, target: Target, outcome: Outcome) -> Outcome:
        """As in ``ServiceOperation``: the verdict says so if the service already had the number."""
        if target.changed or target.before != target.replicas:
            return outcome
        return replace(outcome, reason=f"It was already at {target.replicas}. {outcome.reason}")

    def left(self, target: Target, running: int | None) -> str:
        """As in ``ServiceOperation``."""
        seen = "" if running is None else f", {running} running"
        return f"the service stays at {target.replicas} replicas{seen}."

    async def _cannot_fit(self, target: Target, look: Look, service: Service) -> Outcome | None:
        missing = missing_places(service, look.tasks, target.replicas)
        if not missing or any(node.state is NodeState.UNKNOWN for node in look.nodes):
            return None
        tasks = await self._ctx.swarm.tasks()
        fit = placement.explain(service, look.nodes, tasks)
        if fit.room is None or fit.room >= missing:
            return None
        placed = target.replicas - missing
        words = next((task.err for task in look.tasks if task.err and not task.node_id), "")
        return Outcome(
            Verdict.UNSCHEDULABLE,
            f"Only {placed + fit.room} of {target.replicas} replicas fit"
            + (f" (scheduler: {words})" if words else "")
            + ". Nothing was changed.",
            advice=_room_advice(service, placed + fit.room, self._ctx.command),
            running=placed,
            desired=service.replicas or 0,
            evidence="\n".join(placement.explain_full(service, look.nodes, tasks).sentences(8)),
            evidence_title="Why more do not fit",
        )


def _room_advice(service: Service, most: int, command: str) -> str:
    if most <= 0:
        return "Free or add nodes that meet the service's requirements."
    return f"Free or add nodes, or try `{command} scale {service.advised_name}={most}`."


class ScaleBack:
    """Starts the job that undoes another."""

    def __init__(self, ctx: Context, scale: ScaleHandler) -> None:
        self._ctx = ctx
        self._scale = scale

    async def begin(self, pending: PendingCommand, job_id: str) -> None:
        """Queue the job.

        Raises RefusedError if the other job changed nothing, still runs, or is not the newest
        change of its services.
        """
        job = await self._ctx.jobs.load(job_id)
        if job is None or job.state is not JobState.FINISHED:
            raise RefusedError(f"Job `{job_id}` cannot be undone: it is still running or unknown.")
        undone = [target for target in job.undone if target.before is not None]
        if not undone:
            raise RefusedError(f"Job `{job_id}` changed nothing. There is nothing to undo.")
        for target in job.undone:
            await check_target(self._ctx, job, target)
        wanted = [
            (await in_time(self._ctx.swarm.service(target.service_id)), target.before or 0)
            for target in undone
        ]
        await queue(self._ctx, pending, await self._scale.checked(pending, wanted))
