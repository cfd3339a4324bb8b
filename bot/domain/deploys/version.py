"""The deployed versions of a stack, one entry for each finished deploy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain.jobs.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Version:
    """One finished deploy of a stack.

    ``number`` counts the stack's deploys from 1; it is 0 until the version is stored. ``job`` is
    the deploy's id, ``user`` the Slack id of the person who requested it, ``at`` the Unix time of
    its end. ``digest`` is that of the applied plan. ``images`` and ``replicas`` are by the
    services' full names: each service's image, and the file's replica count (None if the file has
    none, see ``bot.domain.jobs.deploy_plan.Plan.file_replicas``). ``bundle`` is the digest of the
    deployed files, set by the store; "" if they are not kept. ``before`` are the replicas that
    services had before this deploy changed their number. ``files`` are the keys of its configs and
    secrets (``bot.domain.deploys.file_contents.key_of``).

    ``removed`` says that the stack was removed instead: there are no files, and ``before`` are the
    replicas of all its services.
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
    before: Mapping[str, int] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything that a stack was deployed from (files, variables, images), encrypted.

    ``digest`` is keyed, and equal for equal content. ``sealed`` can be decrypted only by the
    adapter that made it, with the same key, so it is safe to store.
    """

    digest: str
    sealed: str = field(repr=False)
