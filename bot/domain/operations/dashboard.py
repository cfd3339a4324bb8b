"""The content of the Home tab: the swarm, its incidents and the jobs at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain.deploys.version import Version
from bot.domain.incidents.model import Incident
from bot.domain.jobs.model import Job
from bot.domain.swarm.model import StackLook


@dataclass(frozen=True, slots=True)
class Dashboard:
    """``look`` has every service of the swarm, None while the engine does not answer.

    ``incidents`` are the open ones, ``active`` the oldest queued or running jobs, ``more_active``
    the number of the others, ``recent`` the last finished ones, newest first. ``versions`` are the
    newest deploys, by stack. ``troubles`` are sentences on what could not be read.
    """

    at: float
    look: StackLook | None = None
    incidents: tuple[Incident, ...] = ()
    active: tuple[Job, ...] = ()
    recent: tuple[Job, ...] = ()
    versions: Mapping[str, Version] = field(default_factory=dict)
    troubles: tuple[str, ...] = ()
    more_active: int = 0
