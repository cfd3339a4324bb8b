"""The input and the output of a rule."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from bot.domain.convergence.history import Failure, Memory, Observation, in_progress, own_update
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.model import UpdateState


class Phase(Enum):
    """The phase of a change's convergence."""

    CONVERGING = "converging"
    PROBATION = "probation"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Case:
    """The input of a rule. ``since`` is when the probation began, None while converging."""

    observation: Observation
    memory: Memory
    since: float | None = None

    @property
    def update(self) -> UpdateState:
        """This change's own update status."""
        return own_update(self.memory, self.observation)

    @property
    def rolled_back(self) -> bool:
        """Whether the swarm has finished rolling back this change."""
        goal, by_hand = self.observation.goal, self.memory.rolled_back_by_hand
        ended = self.update is UpdateState.ROLLBACK_COMPLETED and not by_hand
        return ended and goal.updates and not goal.rollback

    @property
    def counted(self) -> tuple[Failure, ...]:
        """The failures that count, oldest first; after a rollback only those of the old version."""
        failures, template = self.memory.counted, self.observation.service.template
        if not self.rolled_back:
            return failures
        return tuple(failure for failure in failures if failure.template == template)

    @property
    def replacing(self) -> bool:
        """Whether the swarm's updater is running; it handles failures by its failure action."""
        return in_progress(self.update)


Answer = Outcome | float
"""An outcome, or the seconds after which the answer may change without any event."""

NEVER: Final = math.inf


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. ``says`` describes when it applies; ``ends`` are the verdicts it may return."""

    name: str
    says: str
    ends: tuple[Verdict, ...]
    judge: Callable[[Case], Answer]
