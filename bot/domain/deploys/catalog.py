"""The known stacks: those with a file and those in the swarm, with changes made by hand."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.deploys.version import Version
from bot.domain.jobs.deploy_plan import Kind, Plan, PlanStep, ServiceChange
from bot.domain.swarm.health import Grade, worst_of


@dataclass(frozen=True, slots=True)
class StackEntry:
    """One stack.

    ``has_file`` says whether it can be deployed, ``grades`` has the health of each of its services
    in the swarm, ``deploying`` says that a deploy of it is under way. ``version`` is the last one
    that the bot deployed, None if there is none. ``drift`` is the plan that would restore that
    version, None if unknown: ``trouble`` then says why, "" if there is nothing to compare.
    """

    name: str
    has_file: bool
    grades: tuple[Grade, ...]
    deploying: bool = False
    version: Version | None = None
    drift: Plan | None = None
    trouble: str = ""

    @property
    def grade(self) -> Grade | None:
        """The health of its worst service, None if none is in the swarm."""
        return worst_of(self.grades)

    @property
    def drifted(self) -> tuple[ServiceChange, ...]:
        """The services that differ from their deployed state.

        In their fields ``old`` is the present value and ``new`` the deployed one. Services to be
        created were removed by hand; services to be removed were added by hand.
        """
        services = self.drift.services if self.drift else ()
        return tuple(change for change in services if change.action is not None)

    @property
    def gone(self) -> tuple[PlanStep, ...]:
        """Networks, configs and secrets of the deployed version that no longer exist."""
        steps = self.drift.steps if self.drift else ()
        return tuple(step for step in steps if step.kind is not Kind.SERVICE)
