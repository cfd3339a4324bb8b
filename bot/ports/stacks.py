"""Stacks that can be deployed, and their deployed versions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from bot.domain.deploys.version import Bundle, Version
from bot.domain.jobs.deploy_plan import Plan, PlanStep
from bot.domain.swarm.model import Service
from bot.ports.authority import Still
from bot.ports.jobs import LeaseToken


class Recording(Protocol):
    """The recorded calls of a deploy: kept in memory only, because they contain secrets."""

    @property
    def plan(self) -> Plan:
        """The plan made from the calls; safe to store and to show."""

    @property
    def bundle(self) -> Bundle:
        """The input of the recording; safe to store."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The result of one step of a plan.

    ``changed`` is False if the step was already applied. ``service`` is the service after the step,
    None for other kinds and for a removal.
    """

    changed: bool
    service: Service | None = None


@dataclass(frozen=True, slots=True)
class FileImage:
    """A service's image by its stack's file.

    ``image`` has its variables filled in. ``line`` is the number of the line that says it, from 1,
    and ``text`` what is in it; 0 and "" if the image comes from elsewhere in the file.
    """

    file: str
    image: str
    line: int = 0
    text: str = ""


class Stacks(Protocol):
    """The stacks that can be deployed: compose files in one folder, planned by the docker CLI."""

    async def names(self) -> tuple[str, ...]:
        """The names of the stacks with a file. Raises RefusedError without a folder."""

    async def record(
        self,
        stack: str,
        deployed: Mapping[str, int | None] | None = None,
        bundle: Bundle | None = None,
        *,
        only: str = "",
        former: Bundle | None = None,
        undone: Mapping[str, int] | None = None,
    ) -> Recording:
        """Record what a deploy of the stack would do now, without changing anything.

        ``deployed`` are the replicas of the last deployed file by the services' full names (its
        ``Plan.file_replicas``), None if the bot never deployed the stack. With a ``bundle``, that
        is deployed, including its images, instead of the folder. With the full name of a service in
        ``only``, the plan contains only that service and what it needs. ``former`` is what the
        stack was last deployed from: its secret values are hidden, too. ``undone`` are the replicas
        before the versions that a roll back undoes.

        Raises:
            RefusedError: no such stack, its file is not valid, or the bundle cannot be read.
        """

    async def file_image(self, stack: str, service: str) -> FileImage | None:
        """The image that the stack's file names for a service, by its short name.

        None if there is no such file or service, or if the file cannot be read.
        """

    async def apply(self, recording: Recording, step: PlanStep, *, still: Still) -> Applied:
        """Apply one step of a recording's plan; applying it again is harmless.

        After a SwarmUnavailableError the outcome is unknown; calling again is safe. ``still`` as
        for the writes of ``bot.ports.Swarm``.

        Raises:
            StalePlanError: the object has changed since planning, and not to the desired state;
                nothing was changed.
        """

    async def can_read(self, bundle: Bundle) -> bool:
        """Whether a version's files can be read: they were encrypted with the bot's present key."""

    async def clear(
        self, stack: str, entries: Collection[str], kept: Collection[str], *, still: Still
    ) -> tuple[str, ...]:
        """Remove the stack's configs and secrets from files that nobody needs; returns their keys.

        Those stay that a service uses, or would use after a rollback, and those with a key in
        ``kept``. ``entries`` are the keys by their names in the stack's file, with the stack, of
        objects that may not be named by their content. What cannot be removed is left and logged.
        Raises SwarmError.
        """


class Versions(Protocol):
    """The deployed versions of each stack, in Redis; limited, the oldest are deleted."""

    async def note(self, version: Version, *, token: LeaseToken) -> None:
        """Store the result of a deploy under the stack's next number. Raises LeaseLostError.

        A version of the same job replaces the earlier one and keeps its number: a lost worker's job
        is finished again, and a verdict may be revised.
        """

    async def of(self, stack: str) -> tuple[Version, ...]:
        """The versions of a stack, newest first; () if the bot never deployed it."""

    async def stacks(self) -> tuple[str, ...]:
        """The names of the stacks that have versions."""

    async def keep(self, job: str, bundle: Bundle, *, token: LeaseToken) -> None:
        """Store a job's bundle; to be called before the job changes anything.

        A bundle that is too large is not stored, and of too many the oldest are deleted, but for
        each stack's last good one. Raises LeaseLostError.

        The bundle belongs to the version once that is stored, and is deleted with it; without a
        version it is deleted after a day.
        """

    async def bundle(self, version: Version) -> Bundle | None:
        """The files from which a version was deployed, None if they are not kept."""
