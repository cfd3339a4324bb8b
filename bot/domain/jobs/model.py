"""Jobs: commands that change the swarm and take time.

    pending ──submit──> queued ──take──> running ──finish──> finished
                          └───────────────cancel──────────────┘

A pending command was accepted, but its message is not posted yet, so people cannot see it as a job.
A finished job whose ``converged`` is provisional is watched a while longer (in a second turn of the
same job, without a lock) and may be revised.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TypeVar

from bot.domain.jobs.combined_outcome import stack_outcome
from bot.domain.jobs.deploy_plan import Plan
from bot.domain.jobs.progress import ServiceProgress
from bot.domain.jobs.timeline import Moment, extended
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.model import Platform
from bot.domain.text.command_words import shown_line

ID_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
ID_LENGTH = 6
STACK = "stack:"
"""Prefix of a stack's name in the lane that its deploys share."""
REMOVAL = "remove"
"""The action of a job that removes a stack."""
NODE = "node:"
"""Prefix of a node's hostname where it is used in place of a service."""

T = TypeVar("T")


def new_job_id() -> str:
    """A short id that is easy to read aloud: six of 31 unambiguous letters and digits."""
    return "".join(secrets.choice(ID_ALPHABET) for _ in range(ID_LENGTH))


class JobState(Enum):
    """The state of a job. The values appear in message metadata: they are a public contract."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"


class Turn(Enum):
    """What a worker does with a job: run it, or watch its result for a while."""

    RUN = "run"
    PROBATION = "watch"  # the value is stored in Redis


@dataclass(frozen=True, slots=True)
class Target:
    """One service of a job with its planned change; or one node.

    ``service`` is the full name. ``replicas`` is the requested number, or the number of desired
    tasks if it does not change. ``before`` is the number when the command came, later the number
    right before the change (None while unknown, and if the number does not change). ``applied`` is
    the Unix time at which the change was made, or found to be made already, None before;
    ``changed`` says whether this job made a service update. ``known_dead`` are the ids of tasks
    that had ended before the change: their failures do not belong to this job. ``update_before`` is
    the start of the update status that the service had before the change (Unix seconds, 0.0 for
    none), None while unknown.

    A restart or a rollback is recorded before it is made: ``restarts`` is the counter of forced
    updates, ``spec`` the digest of the spec to be restored, with its ``image`` and the
    ``image_before``. If the swarm no longer has a previous spec, ``version`` is the number of the
    stack's version whose spec is restored, else 0, and ``spec`` is the digest of the template to be
    replaced. ``template`` is the digest of the template after the change, "" if the tasks are
    unchanged; ``rollback`` says that the swarm treats the change as a rollback.

    An update is recorded, too: ``image``, with the ``platforms`` that its registry named, and the
    ``image_before``; ``restarts`` if the image stays, to renew the login of its registry. Of a
    confirmed plan, ``template`` is at first the digest of the template that was planned on.

    ``version_after`` is the service's version when the job ended, ``update_after`` the start of its
    update status (Unix seconds); 0 while unknown. They tell whether it was changed since.

    A node's ``service`` is ``node:HOSTNAME``, its ``service_id`` the node's id and ``replicas`` the
    number of tasks that must leave it. In such a job, the services with moved tasks come after it.

    When a stack is removed, the last target is ``stack:NAME``: all of it but its services.
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
    version_after: int = 0
    update_after: float = 0.0
    platforms: tuple[Platform, ...] = ()

    @property
    def is_node(self) -> bool:
        """Whether this is a node; service names never contain a colon."""
        return self.service.startswith(NODE)

    @property
    def is_stack(self) -> bool:
        """Whether this is what a stack has beside its services."""
        return self.service.startswith(STACK)

    @property
    def begun(self) -> bool:
        """Whether the change may have been made: a worker was about to make it."""
        return self.update_before is not None

    @property
    def was_other(self) -> bool:
        """Whether the service is known to have had another number before."""
        return self.before is not None and self.before != self.replicas


@dataclass(frozen=True, slots=True)
class Job:
    """One job; stored in Redis as JSON. Times are Unix seconds.

    ``id`` is also the idempotency key for other systems. ``action`` is the command's name
    (``scale``). ``stack`` is the stack's name, "" for a service without one. ``text`` is what the
    user typed after the slash command, or the value of the pressed button. ``user`` and ``channel``
    are Slack ids, ``message`` the ts of the job's message. ``outcomes`` has one entry for each
    target, in the order of ``targets``, None while unknown; so has ``progress``. ``cancelled_by``
    is the user who cancelled the job. ``attempt`` counts the workers that started it. ``revision``
    grows with every save.

    ``plan`` is the confirmed plan of a deploy or of a removal, None for other jobs; ``version`` is
    the number of the version whose files are deployed, 0 for those of the folder, and for a
    removal. ``confirmed_by`` is the user
    who confirmed it, "" if no confirmation was needed. ``steps_made`` is the number of the plan's
    steps known to be applied, None before the first may have been; the next one may be applied as
    well. ``untouched`` says that the first step was certainly refused, so nothing was changed.
    ``way_back`` is the number of the version that would undo a finished deploy, 0 for none.

    ``arguments`` are the words of the command that a one-off task runs.

    ``foretold`` are sentences on what a node job is about to do. ``forced`` says that it runs even
    if tasks fit on no other node.

    ``unknown`` has the record's fields that this version of the bot does not know, as JSON: they
    are kept when it is saved. ``unreadable`` says that this version cannot read the record: then
    only ``id``, ``text``, ``user``, ``channel``, ``message``, the lanes and the state are right.

    ``thread`` is the ts of the thread that its message is in, "" if that is in the channel itself.

    ``course`` records when the slots of all targets changed state; ``timeline`` is the link to its
    picture, "" while there is none.
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
    arguments: tuple[str, ...] = ()
    foretold: tuple[str, ...] = ()
    forced: bool = False
    untouched: bool = False
    thread: str = ""
    unknown: str = field(default="", compare=False)
    unreadable: bool = False

    @property
    def lanes(self) -> tuple[str, ...]:
        """The lanes that the job occupies while it runs; each lane is FIFO.

        They are its node, or else its services' full names; for a deploy also the stack
        (``stack:NAME``).
        """
        held = [target for target in self.targets if target.is_node] or self.targets
        stack = [f"{STACK}{self.stack}"] if self.plan else []
        return tuple(dict.fromkeys([*stack, *(target.service for target in held)]))

    @property
    def target(self) -> str:
        """The target for metadata: the service's full name, comma-separated if there are several.

        ``node:HOSTNAME`` for a node; for a deploy the stack's name.
        """
        return self.stack if self.plan else ",".join(self.lanes)

    @property
    def begun(self) -> bool:
        """Whether something may have been changed: a worker was about to change it."""
        return self.steps_made is not None or any(target.begun for target in self.targets)

    @property
    def services_at(self) -> tuple[int, ...]:
        """The indexes of services in ``targets``."""
        found = (i for i, each in enumerate(self.targets) if not each.is_node and not each.is_stack)
        return tuple(found)

    @property
    def is_removal(self) -> bool:
        """Whether it removes a stack."""
        return self.action == REMOVAL

    @property
    def outcome(self) -> Outcome | None:
        """The job's combined outcome: its services' worst one, None until all are known.

        For a removal, that of the stack; for a node job, that of the node unless only a
        service fails.
        """
        known = [outcome for outcome in self.outcomes if outcome is not None]
        if not known or len(known) < len(self.targets):
            return None
        if self.is_removal:
            return known[-1]
        well = all(outcome.verdict.good for outcome in known)
        if self.targets[0].is_node and (well or not known[0].verdict.good):
            return known[0]
        names = [target.service for target in self.targets]
        pairs = list(zip(names, known, strict=False))
        done = [each for i, each in enumerate(pairs) if not self._is_left_alone(i)] or pairs
        return stack_outcome(self.stack, [name for name, _ in done], [each for _, each in done])

    def _is_left_alone(self, index: int) -> bool:
        """Whether a deploy that did not end had nothing to do for a service."""
        change = self.plan.service(self.targets[index].service) if self.plan else None
        outcome = self.outcomes[index]
        stopped = outcome is not None and outcome.verdict in {Verdict.CANCELLED, Verdict.REFUSED}
        return stopped and change is not None and change.action is None

    @property
    def verdict(self) -> Verdict | None:
        """The job's combined verdict, None until it is finished."""
        outcome = self.outcome
        return outcome.verdict if outcome and self.state is JobState.FINISHED else None

    @property
    def undone(self) -> tuple[Target, ...]:
        """What scaling back would change: the changed services whose old number is known."""
        return tuple(target for target in self.targets if target.changed and target.was_other)

    def with_target(self, index: int, target: Target) -> Job:
        """The same job with one target replaced."""
        targets = (*self.targets[:index], target, *self.targets[index + 1 :])
        return replace(self, targets=targets)

    def with_progress(self, index: int, progress: ServiceProgress) -> Job:
        """The same job with the progress of one target."""
        return replace(self, progress=_put(self.progress, len(self.targets), index, progress))

    def seen(self, index: int, progress: ServiceProgress, at: float) -> Job:
        """The same job with new progress of one target, added to its course."""
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
    """An accepted command that changes something; kept until it is answered or its job is queued.

    ``id`` becomes the job's id. ``key`` identifies the delivery (Slack's trigger_id): a key is
    accepted only once. ``action`` is ``command`` for a typed command, else the action id of the
    pressed button; ``text`` is then the button's value, ``source`` what its message is about,
    ``typed`` what was typed into its message. ``thread`` is the ts of the thread in which it was
    typed or pressed, "" for none.
    """

    id: str
    key: str
    action: str
    text: str
    user: str
    channel: str
    reply_url: str
    received: float
    source: str = ""
    typed: str = ""
    thread: str = ""

    @property
    def shown(self) -> str:
        """The text for logs and answers; values that look secret are masked."""
        return shown_line(self.text)
