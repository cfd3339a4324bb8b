"""The dependencies of handlers."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.commands.values import Defaults
from bot.domain.convergence.goal import ConvergenceLimits
from bot.jobs.intake import Intake
from bot.loops.home import Home
from bot.loops.observer import Observer
from bot.ports import (
    Chat,
    Clock,
    Drawing,
    Feed,
    Incidents,
    Jobs,
    Looks,
    Plans,
    Registry,
    Stacks,
    Swarm,
    Versions,
)
from bot.ports.engine import Nodes, Reachability, ServiceLogs, Volumes
from bot.runtime.tasks import Background


@dataclass(frozen=True, slots=True)
class Context:
    """The ports and the configuration that all handlers use.

    ``stack`` is the bot's own stack, ``command`` the slash command, and ``defaults`` fill in
    omitted arguments. ``limits`` are the time limits of a change, ``plan_seconds`` is how long a
    plan waits for its confirmation. ``timelines`` says whether finished jobs get a picture of their
    course.
    """

    swarm: Swarm
    looks: Looks
    nodes: Nodes
    logs: ServiceLogs
    volumes: Volumes
    reachability: Reachability
    stacks: Stacks
    registry: Registry
    versions: Versions
    feed: Feed
    jobs: Jobs
    plans: Plans
    incidents: Incidents
    chat: Chat
    drawing: Drawing
    home: Home
    clock: Clock
    observer: Observer
    background: Background
    intake: Intake
    stack: str
    command: str
    defaults: Defaults
    limits: ConvergenceLimits
    plan_seconds: float
    timelines: bool = True

    def command_for(self, stack: str) -> str:
        """The slash command if it can address the services of a stack, else ""."""
        return self.command if self.stack in {"", stack} else ""
