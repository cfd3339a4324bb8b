"""Stacks that may be deployed, and the versions of them that were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bot.domain.deploys.version import Bundle, Version
from bot.domain.jobs.deploy_plan import Plan, PlanStep
from bot.domain.swarm.model import Service


class Recording(Protocol):
    """The calls that a deploy would make, as they came: in memory only, they hold secrets."""

    @property
    def plan(self) -> Plan:
        """What the calls come to; safe to keep and to show."""

    @property
    def bundle(self) -> Bundle:
        """What it was recorded from; safe to keep."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What one step of a plan did.

    ``changed`` is False when it was found made already. ``service`` is the service as it stands
    after the step, None for other kinds and for a removal.
    """

    changed: bool
    service: Service | None = None


class Stacks(Protocol):
    """The stacks that may be deployed: compose files in one folder, planned by the docker CLI."""

    async def names(self) -> tuple[str, ...]:
        """The stacks that there are files for, by name. Raises RefusedError without a folder."""

    async def record(
        self,
        stack: str,
        deployed: Mapping[str, int | None] | None = None,
        bundle: Bundle | None = None,
        only: str = "",
    ) -> Recording:
        """What a deploy of the stack would do now; nothing is changed.

        ``deployed`` are the replicas of the last deployed file by the services' full names
        (``Plan.file_replicas`` of then), None when the bot never deployed the stack. With a
        ``bundle`` it is deployed from that, images included, in place of the folder. With the
        full name of a service in ``only`` nothing but that service and what it needs is in the
        plan. Raises RefusedError when there is no such stack, for what is wrong with its file, and
        for a bundle that cannot be read any more.
        """

    async def apply(self, recording: Recording, step: PlanStep) -> Applied:
        """Make one step of a recording's plan; harmless when it was made already.

        Raises StalePlanError, having changed nothing, when the live object is neither as the
        plan found it nor as it shall be. After a SwarmUnavailableError the outcome is unknown:
        calling again is safe.
        """


class Versions(Protocol):
    """What was deployed of each stack, in Redis; bounded, the oldest are forgotten."""

    async def note(self, version: Version) -> None:
        """Keep how a deploy ended, under the stack's next number.

        A version whose job was noted before takes the place of that one, with its number: a
        lost worker's job is ended again, and a verdict may be revised.
        """

    async def of(self, stack: str) -> tuple[Version, ...]:
        """The versions of a stack, newest first; () when the bot never deployed it."""

    async def stacks(self) -> tuple[str, ...]:
        """The stacks that have versions, by name."""

    async def keep(self, job: str, bundle: Bundle) -> None:
        """Keep what a job deploys from, to be called before it changes anything.

        It is the version's once that is noted, and goes with it; without one it goes in a day.
        """

    async def bundle(self, version: Version) -> Bundle | None:
        """What a version was deployed from, None where it is not kept."""
