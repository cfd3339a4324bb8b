"""The decision on a plan that waits for a confirmation."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from bot.domain.jobs.model import Job


class Decision(Enum):
    """How a plan was decided. Without an answer in time it is ``EXPIRED``."""

    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Decided:
    """A plan with its final decision.

    ``job`` is the job that the plan would start, ``user`` the person who decided, "" for nobody.
    ``ours`` is True for the call that made the decision, also when that call is repeated: the
    caller carries the decision out, with ``claim``, which stands until ``until`` (on this process's
    monotonic clock); after that another replica may carry it out.
    """

    job: Job
    decision: Decision
    user: str
    ours: bool
    claim: str = field(default="", compare=False)
    until: float = field(default=0.0, compare=False)
