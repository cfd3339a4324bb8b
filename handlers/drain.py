"""``drain NODE`` and ``activate NODE``."""

from __future__ import annotations

from bot.domain.commands import values as commands
from bot.domain.jobs.model import PendingCommand, Target
from bot.domain.jobs.progress import ServiceProgress
from bot.domain.jobs.verdict import Outcome
from bot.domain.operations.drain_plan import arrivals, check_room, plan_drain
from bot.domain.operations.node_change import (
    NodeLook,
    activate_outcome,
    arriving_services,
    check_drain,
    drain_outcome,
    drain_overdue,
    drain_progress,
    moved_services,
)
from bot.domain.swarm.model import Availability, Node, Service, StackLook, TaskState
from bot.jobs.context import Context
from bot.jobs.node_change import NodeJob

READY_SECONDS = 30.0
"""A node that is not ready for longer has not just lost its connection to the leader."""


class DrainHandler:
    """Stops all tasks on the node."""

    action = "drain"
    wanted = Availability.DRAIN
    left = "the node stays drained and the swarm keeps moving its tasks."

    def __init__(self, ctx: Context) -> None:
        self.job = NodeJob(ctx, self)
        self._ctx = ctx

    async def begin(self, pending: PendingCommand, command: commands.Drain) -> None:
        """Check the command and queue its job. Raises BotError to refuse it."""
        await self.job.queue(pending, command.node, forced=command.yes)

    def check(self, node: Node, look: StackLook, *, forced: bool) -> None:
        """As in ``NodeOperation``: refuses the last usable node and stranded tasks."""
        check_drain(node, look.nodes)
        if not forced:
            check_room(node, plan_drain(node, look), self._ctx.command)

    def foretold(self, node: Node, look: StackLook) -> tuple[str, ...]:
        """As in ``NodeOperation``: tasks that move, that end, and that fit nowhere."""
        return plan_drain(node, look).sentences

    def followed(self, node: Node, look: StackLook) -> list[Service]:
        """As in ``NodeOperation``: the services with tasks to move."""
        return moved_services(node, look.services, look.tasks)

    def progress(self, target: Target, look: NodeLook) -> ServiceProgress:
        """As in ``NodeOperation``: the tasks that are still there."""
        return drain_progress(target.service, look, target.replicas)

    def begun(self, look: NodeLook) -> bool:
        """As in ``NodeOperation``: all live tasks there have a desired state of shutdown."""
        return all(task.desired > TaskState.RUNNING for task in look.left)

    def outcome(self, target: Target, look: NodeLook, waited: float) -> Outcome | None:
        """As in ``NodeOperation``."""
        overdue = waited > self._ctx.limits.time_limit
        found = drain_outcome(look, target.replicas, changed=target.changed)
        return found or (drain_overdue(look, target.replicas) if overdue else None)


class ActivateHandler:
    """Allows tasks on the node again."""

    action = "activate"
    wanted = Availability.ACTIVE
    left = "the node stays active."

    def __init__(self, ctx: Context) -> None:
        self.job = NodeJob(ctx, self)

    async def begin(self, pending: PendingCommand, command: commands.Activate) -> None:
        """Check the command and queue its job. Raises BotError to refuse it."""
        await self.job.queue(pending, command.node)

    def check(self, node: Node, look: StackLook, *, forced: bool) -> None:
        """As in ``NodeOperation``: never refused."""

    def foretold(self, node: Node, look: StackLook) -> tuple[str, ...]:
        """As in ``NodeOperation``: tasks that start there."""
        return arrivals(node, look)

    def followed(self, node: Node, look: StackLook) -> list[Service]:
        """As in ``NodeOperation``: the global services that start a task there."""
        return arriving_services(node, look.services)

    def progress(self, target: Target, look: NodeLook) -> ServiceProgress:
        """As in ``NodeOperation``: the node's own state."""
        return ServiceProgress(target.service, 0, 0, f"the node is {look.node.state.value}")

    def begun(self, _look: NodeLook) -> bool:
        """As in ``NodeOperation``: True, as a service without a task there looks unhealthy."""
        return True

    def outcome(self, target: Target, look: NodeLook, waited: float) -> Outcome | None:
        """As in ``NodeOperation``."""
        late = waited > READY_SECONDS
        return activate_outcome(look.node, changed=target.changed, late=late)
