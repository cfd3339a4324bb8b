"""``rollback``: restore a service's previous spec, keeping its present replicas.

A whole stack goes back to its last successful version, by a deploy of that version's files.

Handles ``rollback``, and the buttons *Roll back* and *Scale back*, for a service, a stack, or
replica counts.
"""

from __future__ import annotations

from dataclasses import replace

from bot.domain.commands.names import SERVICE_VALUE, SLASH
from bot.domain.commands.values import RollBack as Command
from bot.domain.convergence.machine import Goal
from bot.domain.deploys.history import way_back
from bot.domain.errors import RefusedError, SupersededError
from bot.domain.jobs.model import Job, PendingCommand, Target
from bot.domain.jobs.verdict import Outcome
from bot.domain.operations.preflight import check_roll_back
from bot.domain.swarm.model import Look, Service
from bot.jobs import service_lookup
from bot.jobs.context import Context
from bot.jobs.engine_calls import in_time
from bot.jobs.previous_spec import FormerSpec
from bot.jobs.staleness import check_service
from bot.jobs.submit import queue
from bot.ports import Still
from handlers.deploy import DeployHandler
from handlers.scale import ScaleBack

ACTION = "rollback"


class RollBackHandler:
    """Starts rollback jobs, and defines what they do to a service."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._former = FormerSpec(ctx)

    async def begin(self, pending: PendingCommand, name: str) -> None:
        """Check the command against the swarm and queue its job. Raises BotError to refuse it."""
        service = await service_lookup.to_change(self._ctx, name, pending.channel, ACTION)
        await self._queue(pending, service)

    async def press(self, pending: PendingCommand, full_name: str) -> None:
        """Handle the button *Roll back*, for a service of any stack by its full name."""
        await self._queue(pending, await check_service(self._ctx, pending, full_name))

    async def _queue(self, pending: PendingCommand, service: Service) -> None:
        job = await service_lookup.job_for(self._ctx, pending, ACTION, service)
        if not service.can_roll_back:
            version = await self._former.version_for(service)
            if version is None:
                check_roll_back(service, self._ctx.command)
            else:
                target = replace(job.targets[0], version=version.number)
                job = job.with_target(0, replace(target, image=version.images[service.name]))
        await queue(self._ctx, pending, job)

    async def objection(self, target: Target, look: Look) -> Outcome | None:
        """As in ``ServiceOperation``: refuses a service without another version."""
        if look.service is not None and not target.begun and not target.version:
            check_roll_back(look.service, self._ctx.command)
        return None

    def noted(self, target: Target, look: Look) -> Target:
        """As in ``ServiceOperation``: the spec to restore: a second rollback undoes the first."""
        service = look.service
        if service is not None and target.version:
            return self._former.noted(target, service_lookup.wanted(look), service)
        if service is None or service.previous is None:
            return target
        return replace(
            target,
            replicas=service_lookup.wanted(look),
            spec=service.previous.digest,
            image=service.previous.image,
            image_before=service.image,
        )

    async def make(self, target: Target, *, doubtful: bool, still: Still) -> Target:
        """As in ``ServiceOperation``."""
        if target.version:
            return await self._former.make(target, doubtful=doubtful, still=still)

        def check(service: Service) -> None:
            _check_previous(target, service)

        updated = await self._ctx.swarm.roll_back(
            target.service_id, target.spec, check, still=still
        )
        return replace(
            target,
            changed=updated.changed or doubtful,
            template=updated.template,
            rollback=updated.rollback,
        )

    def goal(self, target: Target, goal: Goal) -> Goal:
        """As in ``ServiceOperation``: the present number of tasks, with the previous spec."""
        return replace(goal, template=target.template, rollback=target.rollback)

    def told(self, target: Target, outcome: Outcome) -> Outcome:
        """As in ``ServiceOperation``."""
        if target.changed:
            return outcome
        return replace(outcome, reason=f"It was already at that version. {outcome.reason}")

    def left(self, target: Target, running: int | None) -> str:
        """As in ``ServiceOperation``."""
        seen = "" if running is None else f"; {running}/{target.replicas} on the previous version"
        return f"the swarm continues the rollback{seen}."


def _check_previous(target: Target, service: Service) -> None:
    """Raise SupersededError if the spec to restore is not the previous one any more.

    A service that was rolled back since is left alone, whether the swarm rolled back this job's own
    change or somebody else rolled back: another rollback would restore the wrong version.
    """
    if service.previous is None or service.previous.digest != target.spec:
        raise SupersededError("Someone else changed it.")
    if service.update.is_roll_back:
        raise SupersededError("It has already been rolled back.")


class StackBack:
    """Starts rollbacks of stacks."""

    def __init__(self, ctx: Context, deploy: DeployHandler) -> None:
        self._ctx = ctx
        self._deploy = deploy

    async def begin(self, pending: PendingCommand, stack: str, *, asks: bool = True) -> None:
        """Plan it and (if ``asks``) ask for a confirmation. Raises BotError to refuse it."""
        if not stack:
            raise RefusedError(
                "No default stack.",
                hint="Name a service or set `BOT_STACK`.",
            )
        versions = await self._ctx.versions.of(stack)
        if not versions:
            await service_lookup.check_stack(self._ctx, stack)
        services = await in_time(self._ctx.looks.services(""))
        gone = all(each.stack != stack for each in services)
        version = way_back(stack, versions, gone=gone)
        await self._deploy.propose(pending, stack, version=version.number, asks=asks)

    async def press(self, pending: PendingCommand, job: Job) -> None:
        """Handle the button *Roll back* of a deploy, if no other deploy came after it."""
        versions = await self._ctx.versions.of(job.stack)
        if versions and versions[0].job != job.id and versions[0].removed:
            raise RefusedError(
                f"Stack `{job.stack}` was removed since.",
                hint=f"To bring it back: `{self._ctx.command} rollback {job.stack}{SLASH}`",
            )
        if versions and versions[0].job != job.id:
            raise RefusedError(
                f"Stack `{job.stack}` has been deployed again since; it is now at version "
                f"{versions[0].number}.",
            )
        await self.begin(pending, job.stack)


class WayBack:
    """Starts the job for a rollback command or for a button's value."""

    def __init__(
        self, ctx: Context, scale_back: ScaleBack, roll_back: RollBackHandler, stack_back: StackBack
    ) -> None:
        self._ctx = ctx
        self._scale_back = scale_back
        self._roll_back = roll_back
        self._stack_back = stack_back

    async def typed(self, pending: PendingCommand, command: Command) -> None:
        """Start the typed rollback: of one service, or of the whole stack."""
        if command.service is not None:
            await self._roll_back.begin(pending, command.service)
        else:
            stack = command.stack or self._ctx.stack_in(pending.channel)
            await self._stack_back.begin(pending, stack, asks=not command.yes)

    async def begin(self, pending: PendingCommand, value: str) -> None:
        """Start a button's rollback.

        ``value`` is ``service:FULLNAME``, or the id of a deploy or of a job that changed replica
        counts.
        """
        name = value.removeprefix(SERVICE_VALUE)
        if name != value:
            await self._roll_back.press(pending, name)
            return
        job = await self._ctx.jobs.load(value)
        if job is not None and job.plan is not None:
            await self._stack_back.press(pending, job)
        else:
            await self._scale_back.begin(pending, value)
