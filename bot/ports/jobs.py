"""Jobs and plans in the store. Methods may raise ``StoreUnavailableError``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from bot.domain.deploys.decision import Decided, Decision
from bot.domain.jobs.model import Job, PendingCommand, Turn


@dataclass(frozen=True, slots=True)
class LeaseToken:
    """The right to work on one job, until it is not renewed for the lease time.

    ``owner`` is the adapter's own handle; ``attempt`` counts the workers that began this turn.
    """

    job_id: str
    turn: Turn
    owner: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """A finished (or revised) job whose message does not say so yet.

    ``revision`` is the job's revision to be shown; ``told`` is the verdict that who asked was
    last told in the thread, "" while none was.
    """

    job_id: str
    revision: int
    told: str


class CancelResult(Enum):
    """What ``Jobs.cancel`` found."""

    UNKNOWN = "unknown"
    FINISHED = "finished"
    DEQUEUED = "dequeued"
    ASKED = "asked"


class Jobs(Protocol):
    """Jobs in Redis: at least once, FIFO in each lane, fenced by leases."""

    async def accept(self, pending: PendingCommand) -> bool:
        """Keep an accepted command; False when the same delivery was accepted before."""

    async def discard(self, pending_id: str) -> None:
        """Forget a pending command: it was answered otherwise."""

    async def abandoned_commands(self, older: float) -> tuple[PendingCommand, ...]:
        """Pending commands nobody finished within ``older`` seconds; each is given to one caller
        only."""

    async def commands_before(self, pending_id: str) -> tuple[PendingCommand, ...]:
        """The pending commands that came before this one on any replica, first come first."""

    async def submit(self, job: Job) -> int:
        """Queue a job and forget its pending command; returns how many jobs are ahead in its lanes.

        A job id that was submitted before is left as it is. -1 when the job's pending command was
        answered otherwise meanwhile: then it is not queued.
        """

    async def audit(self, event: dict[str, str]) -> None:
        """Write an entry to the audit log beside those that jobs write themselves."""

    async def take(self, seconds: float) -> LeaseToken | None:
        """The next job whose lanes are all free, or one whose worker is lost; waits ``seconds``."""

    async def renew(self, token: LeaseToken) -> str:
        """Keep the lease. Returns who cancelled the job, or "". Raises LeaseLostError."""

    async def release(self, token: LeaseToken) -> None:
        """Hand an unfinished job back at once, without spending an attempt.

        Raises LeaseLostError when the lease is gone.
        """

    async def load(self, job_id: str) -> Job | None:
        """One job, None when it is unknown or forgotten."""

    async def save(self, token: LeaseToken, job: Job) -> Job:
        """Write progress; returns the job with its new revision. Raises LeaseLostError."""

    async def finish(self, token: LeaseToken, job: Job, *, probation: bool) -> Job:
        """Write the verdict, free the lanes, make a delivery due, and end the turn.

        With ``probation`` a PROBATION turn of the same job is queued (in no lane). Raises
        LeaseLostError.
        """

    async def cancel(self, job_id: str, user: str) -> CancelResult:
        """Take a queued job out (its record then is finished, delivery due), or ask its worker."""

    async def active(self) -> tuple[Job, ...]:
        """Queued and running jobs, oldest first."""

    async def recent(self, count: int) -> tuple[Job, ...]:
        """Finished jobs, newest first."""

    async def due_deliveries(self, seconds: float) -> tuple[Delivery, ...]:
        """Deliveries that are due, each given to one caller for 30 s; waits ``seconds`` for one."""

    async def link_timeline(self, job_id: str, link: str) -> None:
        """Note where a finished job's timeline is to be seen, and make a delivery due for it."""

    async def mark_told(self, job_id: str, verdict: str) -> None:
        """Note that who asked was told this verdict in the thread."""

    async def delivered(self, job_id: str, revision: int) -> None:
        """The job's message shows this revision (nothing happens when a newer one is due)."""

    async def postpone(self, job_id: str, seconds: float) -> None:
        """Make the delivery due again after ``seconds``: Slack did not take it."""

    async def ping(self) -> None:
        """Raises StoreUnavailableError when Redis does not answer."""


class Plans(Protocol):
    """Plans that were shown and wait for a decision, in Redis. A plan's id is its job's."""

    async def keep(self, job: Job, seconds: float) -> bool:
        """Let a plan wait for a decision for ``seconds``, in the place of its pending command.

        False when the pending command was answered otherwise meanwhile: then it is not kept.
        """

    async def load(self, plan_id: str) -> Job | None:
        """A plan that waits, or whose decision is being carried out; else None."""

    async def decide(
        self, plan_id: str, decision: Decision, user: str, pending: str = ""
    ) -> Decided | None:
        """Decide a plan unless that was done before: what stands, None when there is no such plan.

        One that waited for too long is expired, whatever was to be decided. ``pending`` is the id
        of the press that confirms: it is done with that. Whose decision it is carries it out,
        then has to ``forget`` it.
        """

    async def due(self) -> tuple[Decided, ...]:
        """Plans to be carried out by the caller, each given to one caller for 30 s.

        Those that nobody decided in time, expired now, and those whose decision was made by a
        replica that is lost.
        """

    async def forget(self, plan_id: str) -> None:
        """A decision was carried out."""
