"""What a rule judges and how it answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from bot.domain.convergence.history import Memory, Observation, in_progress, own_update
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.model import UpdateState


class Phase(Enum):
    """Where the convergence of a change is."""

    CONVERGING = "converging"
    PROBATION = "probation"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Case:
    """What a rule judges. ``since`` is when the probation began, None while converging."""

    observation: Observation
    memory: Memory
    since: float | None = None

    @property
    def update(self) -> UpdateState:
        """This change's own update status."""
        return own_update(self.memory, self.observation)

    @property
    def replacing(self) -> bool:
        """Whether the swarm's updater is at work: it judges failures itself, by failure action."""
        return in_progress(self.update)


Answer = Outcome | float
"""An outcome, or seconds until time alone may change the answer."""

NEVER: Final = math.inf


@dataclass(frozen=True, slots=True)
class Rule:
    """``says`` is when it applies, in words; ``ends`` are the verdicts it may give."""

    name: str
    says: str
    ends: tuple[Verdict, ...]
    judge: Callable[[Case], Answer]
