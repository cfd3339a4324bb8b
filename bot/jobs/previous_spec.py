"""Restores a service's spec from an earlier version of its stack.

Used when the swarm no longer has the previous spec.
"""

from __future__ import annotations

from dataclasses import replace

from bot.domain.deploys.history import former
from bot.domain.deploys.version import Version
from bot.domain.errors import RefusedError, SupersededError
from bot.domain.jobs.deploy_plan import Kind, Plan, PlanAction
from bot.domain.jobs.model import Target
from bot.domain.swarm.model import LastChange, Service
from bot.jobs.context import Context
from bot.ports import Recording, Still

MOST_VERSIONS = 5
"""Maximum versions to compare with the service; each one needs a run of the docker CLI."""


class FormerSpec:
    """Finds such a spec and restores it, keeping the service's present replicas."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def version_for(self, service: Service) -> Version | None:
        """The last successful version with another spec of the service, None if there is none.

        Also None for a service that was just rolled back, because it would go forward again.
        """
        previous = service.previous
        went_back = previous is not None and previous.change is LastChange.VERSION
        if not service.stack or went_back:
            return None
        for version in former(await self._ctx.versions.of(service.stack))[:MOST_VERSIONS]:
            if await self._differs(version, service):
                return version
        return None

    def noted(self, target: Target, wanted: int, service: Service) -> Target:
        """The target with what is about to be done."""
        return replace(target, replicas=wanted, spec=service.template, image_before=service.image)

    async def make(self, target: Target, *, doubtful: bool, still: Still) -> Target:
        """As in ``ServiceOperation``; harmless if already done."""
        service = await self._ctx.swarm.service(target.service_id)
        recording = await self._recorded(service, target.version)
        if _update(recording.plan, service.name) is None:
            return replace(target, changed=doubtful, template=service.template)
        if service.template != target.spec:
            raise SupersededError("Someone else changed it.")
        changed = doubtful
        for step in recording.plan.steps:
            applied = await self._ctx.stacks.apply(recording, step, still=still)
            if step.kind is Kind.SERVICE and applied.service is not None:
                changed = changed or applied.changed
                target = replace(target, template=applied.service.template)
        return replace(target, changed=changed)

    async def _differs(self, version: Version, service: Service) -> bool:
        try:
            recording = await self._recorded(service, version.number)
        except RefusedError:
            return False
        return _update(recording.plan, service.name) is not None

    async def _recorded(self, service: Service, number: int) -> Recording:
        versions = await self._ctx.versions.of(service.stack)
        version = next((each for each in versions if each.number == number), None)
        bundle = await self._ctx.versions.bundle(version) if version else None
        if version is None or bundle is None:
            raise RefusedError(f"The files of version {number} are no longer kept.")
        # Treat that file as the last deployed one, so that the present number is always kept.
        return await self._ctx.stacks.record(
            service.stack, version.replicas, bundle, only=service.name
        )


def _update(plan: Plan, name: str) -> PlanAction | None:
    """``UPDATE`` if the service would get another spec, None if it has that spec."""
    change = plan.service(name)
    return change.action if change is not None and change.action is PlanAction.UPDATE else None
