"""``restart``: replace every task of a service without changing its spec."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.commands.values import Restart as Command
from bot.domain.convergence.machine import Goal
from bot.domain.jobs.model import PendingCommand, Target
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.operations.preflight import check_restart
from bot.domain.swarm.model import Look, Service
from bot.jobs import service_lookup
from bot.jobs.context import Context
from bot.jobs.staleness import check_service
from bot.jobs.submit import queue
from bot.ports import Still

ACTION = "restart"


class RestartHandler:
    """Starts restart jobs, and defines what they do to a service."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def begin(self, pending: PendingCommand, command: Command) -> None:
        """Check the command against the swarm and queue its job. Raises BotError to refuse it."""
        await self._queue(
            pending, await service_lookup.to_change(self._ctx, command.service, pending.channel)
        )

    async def press(self, pending: PendingCommand, full_name: str) -> None:
        """Handle the button *Restart*, for a service of any stack by its full name."""
        await self._queue(pending, await check_service(self._ctx, pending, full_name))

    async def _queue(self, pending: PendingCommand, service: Service) -> None:
        self._check(service, await service_lookup.look_if_paused(self._ctx, service))
        await queue(
            self._ctx,
            pending,
            await service_lookup.job_for(self._ctx, pending, ACTION, service),
        )

    async def objection(self, target: Target, look: Look) -> Outcome | None:
        """As in ``ServiceOperation``: refuses a paused update or a service without tasks."""
        if look.service is None or target.begun:
            return None
        self._check(look.service, look)
        if service_lookup.wanted(look):
            return None
        reason = "It has no tasks to restart. Nothing was changed."
        return Outcome(Verdict.CONVERGED, reason)

    def noted(self, target: Target, look: Look) -> Target:
        """As in ``ServiceOperation``: the counter of forced updates, so that it rises only once."""
        made = look.service.restarts if look.service else 0
        return replace(target, replicas=service_lookup.wanted(look), restarts=made + 1)

    async def make(self, target: Target, *, doubtful: bool, still: Still) -> Target:
        """As in ``ServiceOperation``."""
        look = await self._ctx.swarm.look(target.service_id)
        updated = await self._ctx.swarm.force_update(
            target.service_id,
            target.restarts,
            lambda service: self._check(service, look),
            still=still,
        )
        return replace(target, changed=updated.changed or doubtful, template=updated.template)

    def goal(self, target: Target, goal: Goal) -> Goal:
        """As in ``ServiceOperation``: the number of tasks desired at that time, all of them new."""
        return replace(goal, template=target.template)

    def told(self, target: Target, outcome: Outcome) -> Outcome:
        """As in ``ServiceOperation``."""
        if target.changed:
            return outcome
        return replace(
            outcome, reason=f"Someone else restarted it at the same time. {outcome.reason}"
        )

    def left(self, target: Target, running: int | None) -> str:
        """As in ``ServiceOperation``."""
        seen = "" if running is None else f"; {running}/{target.replicas} restarted"
        return f"the swarm continues the restart{seen}."

    def _check(self, service: Service, look: Look) -> None:
        check_restart(service, look, self._ctx.command)
