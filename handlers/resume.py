"""``resume``: go on with a paused update or rollback of a service."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.commands.values import Resume as Command
from bot.domain.convergence.machine import Goal
from bot.domain.jobs.model import PendingCommand, Target
from bot.domain.jobs.verdict import Outcome
from bot.domain.operations.preflight import check_resume
from bot.domain.swarm.model import Look
from bot.jobs import service_lookup
from bot.jobs.context import Context
from bot.jobs.submit import queue
from bot.ports import Still

ACTION = "resume"


class ResumeHandler:
    """Starts resume jobs, and defines what they do to a service."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def begin(self, pending: PendingCommand, command: Command) -> None:
        """Check the command against the swarm and queue its job. Raises BotError to refuse it."""
        service = await service_lookup.to_change(self._ctx, command.service, pending.channel)
        check_resume(service)
        await queue(
            self._ctx,
            pending,
            await service_lookup.job_for(self._ctx, pending, ACTION, service),
        )

    async def objection(self, target: Target, look: Look) -> Outcome | None:
        """As in ``ServiceOperation``: refuses a service without a paused update."""
        if look.service is not None and not target.begun:
            check_resume(look.service)
        return None

    def noted(self, target: Target, look: Look) -> Target:
        """As in ``ServiceOperation``: the number of tasks; the runner notes the paused update."""
        return replace(target, replicas=service_lookup.wanted(look))

    async def make(self, target: Target, *, doubtful: bool, still: Still) -> Target:
        """As in ``ServiceOperation``."""
        updated = await self._ctx.swarm.resume(
            target.service_id, target.update_before or 0.0, still=still
        )
        return replace(target, changed=updated.changed or doubtful, template=updated.template)

    def goal(self, target: Target, goal: Goal) -> Goal:
        """As in ``ServiceOperation``: every task has the version of the paused update."""
        return replace(goal, template=target.template)

    def told(self, target: Target, outcome: Outcome) -> Outcome:
        """As in ``ServiceOperation``."""
        if target.changed:
            return outcome
        return replace(outcome, reason=f"Someone else changed it meanwhile. {outcome.reason}")

    def left(self, target: Target, running: int | None) -> str:
        """As in ``ServiceOperation``."""
        seen = "" if running is None else f"; {running}/{target.replicas} updated"
        return f"the swarm continues the update{seen}."
