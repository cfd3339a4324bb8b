"""What was deployed of a stack, one entry for each deploy that ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain.jobs.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Version:
    """One deploy of a stack, as it ended.

    ``number`` counts the stack's deploys from 1 on; it is 0 until the version is noted. ``job`` is
    the deploy's id and ``user`` the Slack id of who asked for it, ``at`` the Unix time at which it
    ended. ``digest`` is the plan's that was made. ``images`` and ``replicas`` are by the services'
    full names: what each was to run, and the file's number (None where the file names none, see
    ``bot.domain.jobs.deploy_plan.Plan.file_replicas``). ``bundle`` is the digest of the files that
    it was deployed from, which the store fills in; "" where they are not kept.
    """

    stack: str
    job: str
    user: str
    at: float
    verdict: Verdict
    digest: str
    images: Mapping[str, str]
    replicas: Mapping[str, int | None]
    number: int = 0
    bundle: str = ""


@dataclass(frozen=True, slots=True)
class Bundle:
    """All that a stack was deployed from: its files, variables and images, sealed.

    ``digest`` is keyed, and the same for the same content. ``sealed`` can be read only by the
    adapter that made it, with the key that it had: safe to keep.
    """

    digest: str
    sealed: str = field(repr=False)
