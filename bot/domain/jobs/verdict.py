"""Verdicts and outcomes of jobs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from bot.domain.errors import BotError
from bot.domain.swarm.causes import Cause

MAY_BE_CHANGED: Final = "It may have been changed."


class Verdict(Enum):
    """The final result of a job. The values are a public contract: message metadata has them."""

    CONVERGED = "converged"
    COMPLETED = "completed"
    UNSCHEDULABLE = "unschedulable"
    CRASH_LOOPING = "crash_looping"
    IMAGE_MISSING = "image_missing"
    PULL_DENIED = "pull_denied"
    PULL_FAILED = "pull_failed"
    NETWORK_FAILED = "network_failed"
    CONFIG_FAILED = "config_failed"
    MOUNT_FAILED = "mount_failed"
    OUT_OF_MEMORY = "out_of_memory"
    UNHEALTHY = "unhealthy"
    PAUSED = "paused"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    REFUSED = "refused"

    @property
    def good(self) -> bool:
        """Whether the request was fulfilled."""
        return self in {Verdict.CONVERGED, Verdict.COMPLETED}

    @property
    def severity(self) -> int:
        """How serious the verdict is for users, 0 the least; bad ones rank above all good ones."""
        return _BY_SEVERITY.index(self)


_BY_SEVERITY: Final = (
    Verdict.COMPLETED,
    Verdict.CONVERGED,
    Verdict.REFUSED,
    Verdict.CANCELLED,
    Verdict.SUPERSEDED,
    Verdict.ROLLED_BACK,
    Verdict.TIMED_OUT,
    Verdict.PAUSED,
    Verdict.UNSCHEDULABLE,
    Verdict.FAILED,
    Verdict.UNHEALTHY,
    Verdict.OUT_OF_MEMORY,
    Verdict.NETWORK_FAILED,
    Verdict.CONFIG_FAILED,
    Verdict.MOUNT_FAILED,
    Verdict.PULL_FAILED,
    Verdict.PULL_DENIED,
    Verdict.IMAGE_MISSING,
    Verdict.CRASH_LOOPING,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict on one service.

    ``reason`` is one sentence that says why, ``advice`` the next step (a sentence or empty).
    ``cause`` is the decisive failure if a task failed. ``running`` of ``desired`` replicas ran at
    the end, both 0 if nobody looked; ``former`` more ran with an older template. ``provisional`` is
    True for a ``converged`` that is still watched and may be revised. ``evidence`` are the failed
    container's last log lines or the last probe's output, unescaped, newest last;
    ``evidence_title`` says which. ``can_roll_back`` is True if rolling the service back is possible
    and solves the problem.
    """

    verdict: Verdict
    reason: str
    advice: str = ""
    cause: Cause | None = None
    running: int = 0
    desired: int = 0
    provisional: bool = False
    evidence: str = ""
    evidence_title: str = ""
    can_roll_back: bool = False
    former: int = 0

    @property
    def counts(self) -> tuple[int, int] | None:
        """Running and desired replicas at the end, None if nobody looked."""
        looked = self.verdict.good or self.running or self.desired
        return (self.running, self.desired) if looked else None


def changed_or_not(error: BotError) -> str:
    """What an error that ended a change means for its service or node."""
    return MAY_BE_CHANGED if error.doubtful else "Nothing was changed."
