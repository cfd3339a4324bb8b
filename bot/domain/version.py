"""What was deployed of a stack, one entry for each deploy that ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Version:
    """One deploy of a stack, as it ended.

    ``number`` counts the stack's deploys from 1 on; it is 0 until the version is noted. ``job`` is
    the deploy's id and ``user`` the Slack id of who asked for it, ``at`` the Unix time at which it
    ended. ``digest`` is the plan's that was made. ``images`` and ``replicas`` are by the services'
    full names: what each was to run, and the file's number (None where the file names none, see
    ``bot.domain.plan.Plan.file_replicas``). ``bundle`` refers to the files that it was deployed
    from, "" where they are not kept.
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
