"""The dependencies of handlers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
from bot.ports.engine import Nodes, OneOffs, Reachability, ServiceLogs, StackObjects, Volumes
from bot.runtime.tasks import Background


@dataclass(frozen=True, slots=True)
class Context:
    """The ports and the configuration that all handlers use.

    ``stack`` is the stack that commands are about, and ``channel_stacks`` those of channels with
    another one, by channel id. ``command`` is the slash command, and ``defaults`` fill in omitted
    arguments. ``limits`` are the time limits of a change, ``plan_seconds`` is how long a plan waits
    for its confirmation, ``run_seconds`` how long a one-off task may take. ``timelines`` says
    whether finished jobs get a picture of their course.
    """

    swarm: Swarm
    looks: Looks
    nodes: Nodes
    logs: ServiceLogs
    volumes: Volumes
    one_offs: OneOffs
    stack_objects: StackObjects
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
    run_seconds: float = 3600.0
    channel_stacks: Mapping[str, str] = field(default_factory=dict)

    def stack_in(self, channel: str) -> str:
        """The stack that the commands typed in a channel are about, "" for none."""
        return self.channel_stacks.get(channel, self.stack)
