"""The stacks that there are: as files, in the swarm, and what was changed by hand since."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.deploys.version import Version
from bot.domain.jobs.deploy_plan import Kind, Plan, PlanStep, ServiceChange


@dataclass(frozen=True, slots=True)
class StackEntry:
    """One stack.

    ``has_file`` says whether it may be deployed, ``services`` how many it has in the swarm.
    ``version`` is the last one that the bot deployed, None where it never did. ``drift`` is the
    plan that would bring that one back, None where it is not known: ``trouble`` then says why, ""
    where there is nothing to compare.
    """

    name: str
    has_file: bool
    services: int
    version: Version | None = None
    drift: Plan | None = None
    trouble: str = ""

    @property
    def drifted(self) -> tuple[ServiceChange, ...]:
        """The services that are not as they were deployed. In their fields ``old`` is how it is
        now, ``new`` how it was deployed; what is to be created was removed by hand, and what is to
        be removed was added."""
        services = self.drift.services if self.drift else ()
        return tuple(change for change in services if change.action is not None)

    @property
    def gone(self) -> tuple[PlanStep, ...]:
        """Networks, configs and secrets of the deployed version that are not there any more."""
        steps = self.drift.steps if self.drift else ()
        return tuple(step for step in steps if step.kind is not Kind.SERVICE)
