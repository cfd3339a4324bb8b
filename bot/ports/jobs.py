"""Storage of jobs and plans. Methods may raise ``StoreUnavailableError``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol

from bot.domain.deploys.decision import Decided, Decision
from bot.domain.jobs.model import Job, PendingCommand, Turn

REFUSED: Final = "refused"
"""The event of a refused command in the audit log."""


@dataclass(frozen=True, slots=True)
class LeaseToken:
    """The right to work on one job; expires if it is not renewed for the lease time.

    ``owner`` is internal to the adapter; ``attempt`` counts the workers that began this turn.
    ``asked`` is the time on this process's monotonic clock right before the store was asked: one
    lease time later another replica may have it.
    """

    job_id: str
    turn: Turn
    owner: str
    attempt: int
    asked: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class Held:
    """A pending command that this replica begins.

    ``claim`` is internal to the adapter; it stands until ``until`` on this process's monotonic
    clock, then another replica may begin the command. ``refused`` says that it gets no job any more
    and is only to be answered.
    """

    pending: PendingCommand
    until: float
    claim: str = ""
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """A finished (or revised) job whose message does not show it yet.

    ``revision`` is the job's revision to be shown; ``told`` is what ``mark_told`` stored last, ""
    for nothing. ``message`` is the ts of the message that was posted in place of the job's own, ""
    for none. ``claim`` is internal to the adapter; it stands until ``until`` on this process's
    monotonic clock, then another replica may deliver it.
    """

    job_id: str
    revision: int
    told: str
    message: str = ""
    claim: str = field(default="", compare=False)
    until: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class Ahead:
    """How many jobs are ahead of one, and the id of the newest of them, "" without one."""

    count: int = 0
    newest: str = ""


class CancelResult(Enum):
    """The result of ``Jobs.cancel``."""

    UNKNOWN = "unknown"
    FINISHED = "finished"
    DEQUEUED = "dequeued"
    ASKED = "asked"


class Jobs(Protocol):
    """Jobs in Redis: at least once, FIFO in each lane, fenced by leases."""

    async def accept(self, pending: PendingCommand) -> bool:
        """Store an accepted command; False if the same delivery was accepted before."""

    async def claim_message(self, key: str) -> bool:
        """Take a person's message for half a minute, to answer it; False if it is taken.

        So it is once it was answered.
        """

    async def answered_message(self, key: str) -> None:
        """Keep a message from being taken again."""

    async def keep_command(self, held: Held) -> Held:
        """Keep a pending command for another lease; one just accepted has no claim yet.

        Nor has one that is done with. Raises LeaseLostError if another replica has it.
        """

    async def adopt_commands(self) -> tuple[Held, ...]:
        """Pending commands whose replicas were lost, each given to one caller for one lease."""

    async def is_pending(self, pending_id: str) -> bool:
        """Whether a command was accepted and is not done with."""

    async def channels(self) -> frozenset[str]:
        """The channels in which commands were typed."""

    async def refuse(self, pending_id: str) -> None:
        """Let a pending command get no job any more; it stays pending until ``discard``."""

    async def discard(self, pending_id: str) -> None:
        """Delete a pending command that was answered without a job."""

    async def abandoned_commands(self, older: float) -> tuple[PendingCommand, ...]:
        """Pending commands that are unfinished after ``older`` seconds.

        Each one is given to one caller only.
        """

    async def commands_before(self, pending_id: str) -> tuple[PendingCommand, ...]:
        """The pending commands, on any replica, that came before this one; oldest first."""

    async def submit(self, job: Job, claim: str = "") -> int:
        """Queue a job and delete its pending command; returns how many jobs are ahead in its lanes.

        A job id that was submitted before is ignored. Returns -1, without queueing, if the pending
        command was answered otherwise since. A plan of that id is deleted in the same step, if
        ``claim`` (of its ``Decided``) still stands; otherwise LeaseLostError is raised.
        """

    async def audit(self, event: dict[str, str]) -> None:
        """Write an entry to the audit log, in addition to the automatic entries of jobs.

        ``REFUSED`` entries are kept apart: they never push others out.
        """

    async def take(self, seconds: float) -> LeaseToken | None:
        """The next job whose lanes are free, or one whose worker was lost; waits ``seconds``."""

    async def renew(self, token: LeaseToken) -> str:
        """Renew the lease; returns the user who cancelled the job, or "". Raises LeaseLostError."""

    async def release(self, token: LeaseToken) -> None:
        """Release an unfinished job without counting an attempt.

        Raises LeaseLostError if the lease was lost.
        """

    async def load(self, job_id: str) -> Job | None:
        """One job, None if it is unknown or expired. Raises BotError if it cannot be read."""

    async def outline(self, job_id: str) -> Job | None:
        """As ``load``, but an unreadable job is returned as far as it can be read."""

    async def set_aside(self, token: LeaseToken, patience: float) -> bool:
        """Give back the turn of a job that this replica cannot read, for replicas that can.

        ``patience`` seconds after the first time the job is set aside instead: it frees its lanes,
        a delivery follows, and its record stays as it is. Returns whether that happened. Raises
        LeaseLostError.
        """

    async def save(self, token: LeaseToken, job: Job) -> Job:
        """Save progress; returns the job with its new revision. Raises LeaseLostError."""

    async def finish(self, token: LeaseToken, job: Job, *, probation: bool) -> Job:
        """Save the verdict, free the lanes, schedule a delivery, and end the turn.

        With ``probation`` a PROBATION turn of the same job is queued (in no lane). Raises
        LeaseLostError.
        """

    async def cancel(self, job_id: str, user: str) -> CancelResult:
        """Finish a queued job as cancelled (a delivery follows), or ask a running job's worker."""

    async def active(self, most: int | None = None, *, lane: str = "") -> tuple[Job, ...]:
        """Queued and running jobs, all or those in a lane, oldest first; at most ``most``."""

    async def active_count(self, *, lane: str = "") -> int:
        """The number of queued and running jobs, of all or of those in a lane."""

    async def running(self) -> tuple[Job, ...]:
        """Active jobs that a worker has begun, oldest first."""

    async def taken_lanes(self, lanes: Sequence[str]) -> frozenset[str]:
        """Those of some lanes that have an active job."""

    async def ahead(self, job: Job) -> Ahead:
        """The active jobs in a job's lanes."""

    async def recent(self, count: int) -> tuple[Job, ...]:
        """Finished jobs, newest first."""

    async def due_deliveries(self, seconds: float) -> tuple[Delivery, ...]:
        """Deliveries that are due, each given to one caller for 30 s; waits ``seconds`` for one."""

    async def keep_delivery(self, delivery: Delivery) -> Delivery:
        """Keep a delivery for another 30 s. Raises LeaseLostError if another caller has it."""

    async def link_timeline(self, job_id: str, link: str) -> None:
        """Store the link to a finished job's timeline and schedule a delivery for it."""

    async def redeliver(self, job_id: str) -> None:
        """Make a finished job due again, because its message does not show its end."""

    async def mark_told(self, job_id: str, verdict: str, message: str = "") -> None:
        """Note that this verdict was posted, in the thread or as a ``message`` of its own (a ts).

        With a leading "?" it is about to be posted, so from now on it may be there.
        """

    async def delivered(self, job_id: str, revision: int) -> None:
        """Note that the job's message shows this revision; ignored if a newer one is due."""

    async def postpone(self, job_id: str, seconds: float) -> None:
        """Schedule the delivery again after ``seconds``, because Slack did not accept it."""

    async def ping(self) -> None:
        """Raise StoreUnavailableError if the store does not answer or takes no new data."""


class Plans(Protocol):
    """Plans in Redis that wait for a decision. A plan's id is its job's."""

    async def keep(self, job: Job, seconds: float) -> bool:
        """Store a plan for a decision within ``seconds``, in place of its pending command.

        Returns False, without storing it, if the pending command was answered otherwise since.
        """

    async def load(self, plan_id: str) -> Job | None:
        """A plan that waits or whose decision is being carried out, else None."""

    async def decide(
        self, plan_id: str, decision: Decision, user: str, pending: str = ""
    ) -> Decided | None:
        """Decide a plan unless it is decided; returns the valid decision, None for an unknown plan.

        A plan that waited too long expires, whatever the requested decision. ``pending`` is the id
        of the confirming press, which is then finished. The caller whose decision is valid carries
        it out and then calls ``forget``.
        """

    async def due(self) -> tuple[Decided, ...]:
        """Plans to be carried out by the caller, each given to one caller for 30 s.

        These are plans without a decision in time, which expire now, and decided plans whose
        replica was lost.
        """

    async def forget(self, plan_id: str) -> None:
        """Delete a plan after its decision was carried out."""
