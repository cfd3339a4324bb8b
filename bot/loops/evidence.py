"""Adds evidence of a failure: log lines, records of the engine, what a probe or registry said."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.domain.convergence import wording
from bot.domain.convergence.goal import Goal
from bot.domain.errors import RegistryError, SwarmError
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm import causes, placement
from bot.domain.swarm.causes import KILLED, Cause, CauseKind
from bot.domain.swarm.model import Look, Node, Service, Task
from bot.domain.swarm.start_errors import content_path
from bot.domain.swarm.volumes import why_unusable
from bot.ports import Manifest, Registry, Swarm
from bot.ports.engine import Volumes

log = logging.getLogger(__name__)

LOG_LINES = 10
REASONS = 4


@dataclass(frozen=True, slots=True)
class Found:
    """The evidence of one task: ``text`` unescaped, ``title`` says what it is.

    ``killed`` is whether its engine recorded a kill for memory, None if unknown. ``unhealthy`` says
    that ``text`` is the output of a failed health probe. ``pull`` is what the registry of an image
    that a node does not have said about it, None if it was not asked.
    """

    title: str = ""
    text: str = ""
    killed: bool | None = None
    unhealthy: bool = False
    pull: Manifest | RegistryError | None = None

    @property
    def refusal(self) -> RegistryError | None:
        """Why the registry does not give the image."""
        return self.pull if isinstance(self.pull, RegistryError) else None

    def cause(self, cause: Cause, limit: int) -> Cause | None:
        """The cause updated with the findings from the task's node, None if there are none.

        ``limit`` is the service's memory limit in bytes, 0 for none.
        """
        if self.unhealthy:
            return causes.with_probe(cause)
        if self.killed is not None:
            return causes.with_oom(cause, self.killed, limit)
        known = causes.with_log(cause, self.text)
        if self.pull is not None:
            known = causes.with_registry(known, self.refusal)
        return None if known == cause else known


class EvidenceReader:
    """Collects evidence for outcomes. Evidence that cannot be read is left out."""

    def __init__(self, swarm: Swarm, registry: Registry, volumes: Volumes) -> None:
        self._swarm = swarm
        self._registry = registry
        self._volumes = volumes

    async def add(self, outcome: Outcome, look: Look, goal: Goal) -> Outcome:
        """The same outcome with evidence, if there is any."""
        if outcome.verdict.good:
            return outcome
        try:
            if outcome.verdict is Verdict.UNSCHEDULABLE:
                return await self._placement(outcome, look)
            return await self._words(outcome, look, goal)
        except SwarmError as error:
            log.info("no evidence for %s: %s", outcome.verdict.value, error)
            return outcome

    async def of_task(self, cause: Cause, task: Task, service: Service | None) -> Found:
        """The evidence of a task that failed for a cause. Raises SwarmError."""
        if cause.kind is CauseKind.UNSCHEDULABLE:
            return await self._obstacles(service, await self._swarm.nodes()) if service else Found()
        if cause.kind in {CauseKind.UNHEALTHY, CauseKind.ENDED}:
            output = await self._swarm.probe_output(task)
            if output:
                return Found("The last health probe said", output, unhealthy=True)
        if cause.kind is CauseKind.IMAGE_MISSING:
            return Found(pull=await self._pull(task.image))
        if cause.kind is CauseKind.CONFIG_FAILED and service:
            path = content_path(task.err)
            named = await self._volumes.content_at(service.id, path)
            return Found(f"At {path}" if named else "", named)
        killed = await self._swarm.out_of_memory(task) if cause.exit_code == KILLED else None
        lines = await self._swarm.last_lines(task, LOG_LINES) if task.container_id else ""
        return Found("Last log lines" if lines else "", lines, killed)

    async def _pull(self, image: str) -> Manifest | RegistryError:
        """What the registry of a task's image says. Raises SwarmError if no registry was asked."""
        try:
            return await self._registry.recent(image)
        except RegistryError as error:
            return error

    async def _obstacles(self, service: Service, nodes: Sequence[Node]) -> Found:
        fit = placement.explain(service, nodes, await self._swarm.tasks())
        lines = (*await self._missing_volumes(service), *fit.sentences(REASONS))
        return Found("Why no node fits", "\n".join(lines))

    async def _missing_volumes(self, service: Service) -> list[str]:
        """Why no node can use the volumes of the swarm's own that the service mounts."""
        mounts = await self._volumes.mounted(service.stack)
        wanted = [each.name for each in mounts if each.cluster and each.service == service.name]
        live = await self._volumes.live() if wanted else {}
        return [f"Every node: {why}" for name in wanted if (why := why_unusable(name, live))]

    async def _placement(self, outcome: Outcome, look: Look) -> Outcome:
        if look.service is None:
            return outcome
        return _with(outcome, await self._obstacles(look.service, look.nodes))

    async def _words(self, outcome: Outcome, look: Look, goal: Goal) -> Outcome:
        cause = outcome.cause
        task = next((t for t in look.tasks if cause and t.id == cause.task_id), None)
        if cause is None or task is None:
            return outcome
        found = await self.of_task(cause, task, look.service)
        if found.unhealthy:
            outcome = wording.judge_health(outcome)
        if look.service is not None:
            killed = found.killed
            if cause.exit_code == KILLED and not found.unhealthy:
                killed = await self._recorded(task, found, look)
            outcome = wording.judge_memory(outcome, killed, look.service.limit.memory)
            outcome = wording.judge_log(outcome, found.text)
        if found.pull is not None:
            outcome = wording.judge_pull(outcome, found.refusal, goal)
        return _with(outcome, found)

    async def _recorded(self, task: Task, found: Found, look: Look) -> bool | None:
        """The engines' records of a killed task and of tasks that ended alike."""
        alike = causes.killed_alike(task, look.tasks)
        others = await asyncio.gather(*(self._swarm.out_of_memory(each) for each in alike))
        return causes.killed_for_memory((found.killed, *others))


def _with(outcome: Outcome, found: Found) -> Outcome:
    if not found.text:
        return outcome
    return replace(outcome, evidence=found.text, evidence_title=found.title)
