"""What becomes of a plan that was shown with the question whether it is right."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bot.domain.jobs.model import Job


class Decision(Enum):
    """How a plan was decided. Without a word in time it is ``EXPIRED``."""

    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Decided:
    """A plan and the decision that stands.

    ``job`` is the job that it would be, ``user`` who decided, "" for nobody. ``ours`` is True for
    the call that decided it, also when that call is repeated: it carries the decision out.
    """

    job: Job
    decision: Decision
    user: str
    ours: bool
