"""A job: a command that changes the swarm and takes time.

    pending ──submit──> queued ──take──> running ──finish──> finished
                          └───────────────cancel──────────────┘

A pending command is a command that was accepted but whose message is not posted yet; it is not a
job a person can see. A finished job whose ``converged`` is provisional is watched for a while
longer (a second turn of the same job, which holds no lock) and may be revised.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeVar

from bot.domain.jobs.combined_outcome import stack_outcome
from bot.domain.jobs.deploy_plan import Plan
from bot.domain.jobs.progress import ServiceProgress
from bot.domain.jobs.timeline import Moment, extended
from bot.domain.jobs.verdict import Outcome, Verdict

ID_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
ID_LENGTH = 6
STACK = "stack:"
"""Before a stack's name, in the lane that its deploys share."""
NODE = "node:"
"""Before a node's hostname, where it stands in the place of a service."""

T = TypeVar("T")


def new_job_id() -> str:
    """A short id that is easy to read aloud: six of 31 unambiguous letters and digits."""
    return "".join(secrets.choice(ID_ALPHABET) for _ in range(ID_LENGTH))


class JobState(Enum):
    """Where a job is. The values stand in message metadata: they are a contract."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"


class Turn(Enum):
    """What a worker does with a job: run it, or keep watching what it left for a while."""

    RUN = "run"
    PROBATION = "watch"  # the value stands in Redis


@dataclass(frozen=True, slots=True)
class Target:
    """One service of a job and what shall become of it; or one node.

    ``service`` is the full name. ``replicas`` is what was asked for, or how many tasks the service
    wants where the number stays. ``before`` is what the service had when the command came, then
    right before the change (None while not known, and where the number stays). ``applied`` is the
    Unix time at which the change was made or found made already, None before; ``changed`` says
    whether this job made a service update. ``known_dead`` are the ids of tasks that had ended
    before the change: their failures are not this job's. ``update_before`` is the start of the
    update status that the service had before the change (Unix seconds, 0.0 for none), None while
    not known.

    What a restart and a roll back are about to make is written down before: ``restarts`` is the
    counter of forced updates, ``spec`` the digest of the spec that comes back, with its ``image``
    and the ``image_before``. Where the swarm has no previous spec any more, ``version`` is the
    number of the stack's version whose spec comes back, else 0, and ``spec`` is the digest of the
    template that is to go. ``template`` is the digest of the template that the change left, ""
    where it left the tasks as they are; ``rollback`` says that the swarm calls it a roll back.

    A node's ``service`` is ``node:HOSTNAME``, its ``service_id`` the node's id and ``replicas``
    the number of tasks that have to leave it. In its job the services that it moves follow it.
    """

    service: str
    service_id: str
    replicas: int
    before: int | None = None
    applied: float | None = None
    changed: bool = False
    known_dead: tuple[str, ...] = ()
    update_before: float | None = None
    restarts: int = 0
    spec: str = ""
    image: str = ""
    image_before: str = ""
    template: str = ""
    rollback: bool = False
    version: int = 0

    @property
    def is_node(self) -> bool:
        """Whether this is a node: no service's name has a colon."""
        return self.service.startswith(NODE)

    @property
    def begun(self) -> bool:
        """Whether the change may have been made: a worker came as far as making it."""
        return self.update_before is not None

    @property
    def was_other(self) -> bool:
        """Whether the service is known to have had another number before."""
        return self.before is not None and self.before != self.replicas


@dataclass(frozen=True, slots=True)
class Job:
    """One job, whole; kept in Redis as JSON.

    ``id`` is the idempotency key towards the outside. ``action`` is the command's word
    (``scale``). ``stack`` is the stack's name, "" for a service of none. ``text`` is what the
    person typed after the slash command, or the value of the button that was pressed. ``user`` and
    ``channel`` are Slack ids, ``message`` the ts of the job's message.
    Times are Unix seconds. ``outcomes`` has one entry for each target once it is known, in the
    order of ``targets`` (None before). ``progress`` likewise. ``cancelled_by`` is the user who
    cancelled. ``attempt`` counts the workers that began it. ``revision`` grows with every save.

    ``plan`` is what a deploy was confirmed to do, None for every other job; ``version`` the number
    of the version whose files it deploys, 0 for those of the folder. ``confirmed_by`` is who
    confirmed it, "" where nobody was asked. ``steps_made`` is how many of the plan's steps are
    known to be made, None before the first may have been: the next one may be made as well.
    ``untouched`` says that the first one was refused for certain, so that nothing was changed.
    ``way_back`` is the number of the version that would undo a deploy once it ended, 0 for none.

    ``foretold`` are sentences on what the job is about to do, for a node's. ``forced`` says that it
    shall be done although tasks find no place.

    ``course`` tells when the slots of all targets came into their states; ``timeline`` is the link
    to the picture of it, "" while there is none.
    """

    id: str
    action: str
    stack: str
    text: str
    user: str
    channel: str
    created: float
    targets: tuple[Target, ...]
    message: str = ""
    state: JobState = JobState.QUEUED
    started: float | None = None
    finished: float | None = None
    progress: tuple[ServiceProgress | None, ...] = ()
    outcomes: tuple[Outcome | None, ...] = ()
    cancelled_by: str = ""
    attempt: int = 0
    revision: int = 0
    watched_until: float | None = None
    revised: bool = False
    plan: Plan | None = None
    version: int = 0
    confirmed_by: str = ""
    steps_made: int | None = None
    way_back: int = 0
    course: tuple[Moment, ...] = ()
    timeline: str = ""
    foretold: tuple[str, ...] = ()
    forced: bool = False
    untouched: bool = False

    @property
    def lanes(self) -> tuple[str, ...]:
        """What the job holds while it runs: its node, else its services' full names, for a deploy
        the stack (``stack:NAME``) too. FIFO in each lane."""
        held = [target for target in self.targets if target.is_node] or self.targets
        stack = [f"{STACK}{self.stack}"] if self.plan else []
        return tuple(dict.fromkeys([*stack, *(target.service for target in held)]))

    @property
    def target(self) -> str:
        """The target as it stands in metadata: the service's full name, comma-separated if many;
        or ``node:HOSTNAME``; for a deploy the stack's name."""
        return self.stack if self.plan else ",".join(self.lanes)

    @property
    def begun(self) -> bool:
        """Whether something may have been changed: a worker came as far as changing it."""
        return self.steps_made is not None or any(target.begun for target in self.targets)

    @property
    def services_at(self) -> tuple[int, ...]:
        """Where services stand in ``targets``."""
        return tuple(i for i, target in enumerate(self.targets) if not target.is_node)

    @property
    def outcome(self) -> Outcome | None:
        """The job's one outcome: the worst of its services', None until all are known."""
        known = [outcome for outcome in self.outcomes if outcome is not None]
        if not known or len(known) < len(self.targets):
            return None
        if self.plan:
            return stack_outcome(self.stack, [target.service for target in self.targets], known)
        return next((outcome for outcome in known if not outcome.verdict.good), known[0])

    @property
    def verdict(self) -> Verdict | None:
        """The job's one verdict, None until it finished."""
        outcome = self.outcome
        return outcome.verdict if outcome and self.state is JobState.FINISHED else None

    @property
    def undone(self) -> tuple[Target, ...]:
        """What scaling back would change: services this job changed, and from what is known."""
        return tuple(target for target in self.targets if target.changed and target.was_other)

    def with_target(self, index: int, target: Target) -> Job:
        """The same job with one target replaced."""
        targets = (*self.targets[:index], target, *self.targets[index + 1 :])
        return replace(self, targets=targets)

    def with_progress(self, index: int, progress: ServiceProgress) -> Job:
        """The same job with the progress of one target."""
        return replace(self, progress=_put(self.progress, len(self.targets), index, progress))

    def seen(self, index: int, progress: ServiceProgress, at: float) -> Job:
        """The same job with the progress of one target, and in its course what is new in that."""
        before = self.progress[index] if index < len(self.progress) else None
        course = extended(self.course, index, before, progress, at)
        return replace(self.with_progress(index, progress), course=course)

    def with_outcome(self, index: int, outcome: Outcome) -> Job:
        """The same job with the outcome of one target."""
        return replace(self, outcomes=_put(self.outcomes, len(self.targets), index, outcome))


def _put(values: tuple[T | None, ...], size: int, index: int, value: T) -> tuple[T | None, ...]:
    padded = [*values, *[None] * (size - len(values))]
    padded[index] = value
    return tuple(padded)


@dataclass(frozen=True, slots=True)
class PendingCommand:
    """A changing command that was accepted but not answered yet; kept until its job is queued.

    ``id`` becomes the job's id. ``key`` identifies the delivery (Slack's trigger_id): the same
    key is accepted once. ``action`` is ``command`` for a typed one, else the action id of the
    pressed button, whose value ``text`` then is.
    """

    id: str
    key: str
    action: str
    text: str
    user: str
    channel: str
    reply_url: str
    received: float
