"""Adds what can be read about a failure: the container's last words, the kernel's, the probe's."""

from __future__ import annotations

import logging
from dataclasses import replace

from bot.domain import outcomes, placement
from bot.domain.causes import KILLED, CauseKind
from bot.domain.errors import SwarmError
from bot.domain.swarm import Look, Task
from bot.domain.verdict import Outcome, Verdict
from bot.ports import Swarm

log = logging.getLogger(__name__)

LOG_LINES = 10
REASONS = 4


class Evidence:
    """Looks up what proves an outcome. What cannot be read is left out, never waited for."""

    def __init__(self, swarm: Swarm) -> None:
        self._swarm = swarm

    async def add(self, outcome: Outcome, look: Look) -> Outcome:
        """The same outcome with evidence, where there is any."""
        if outcome.verdict.good:
            return outcome
        try:
            if outcome.verdict is Verdict.UNSCHEDULABLE:
                return await self._placement(outcome, look)
            return await self._words(outcome, look)
        except SwarmError as error:
            log.info("no evidence for %s: %s", outcome.verdict.value, error)
            return outcome

    async def _placement(self, outcome: Outcome, look: Look) -> Outcome:
        if look.service is None:
            return outcome
        fit = placement.explain(look.service, look.nodes, await self._swarm.tasks())
        sentences = fit.sentences(REASONS)
        return replace(outcome, evidence="\n".join(sentences), evidence_title="Why no node fits")

    async def _words(self, outcome: Outcome, look: Look) -> Outcome:
        cause = outcome.cause
        task = next((t for t in look.tasks if cause and t.id == cause.task_id), None)
        if cause is None or task is None:
            return outcome
        if cause.kind in {CauseKind.UNHEALTHY, CauseKind.ENDED}:
            return await self._probe(outcome, task)
        if cause.exit_code == KILLED and look.service is not None:
            killed = await self._swarm.out_of_memory(task)
            outcome = outcomes.judge_memory(outcome, killed, look.service.limit.memory)
        return await self._log(outcome, task)

    async def _probe(self, outcome: Outcome, task: Task) -> Outcome:
        output = await self._swarm.probe_output(task)
        if not output:
            return await self._log(outcome, task)
        outcome = outcomes.judge_health(outcome)
        return replace(outcome, evidence=output, evidence_title="The last health probe said")

    async def _log(self, outcome: Outcome, task: Task) -> Outcome:
        if not task.container_id:
            return outcome
        lines = await self._swarm.last_lines(task, LOG_LINES)
        return (
            replace(outcome, evidence=lines, evidence_title="Last log lines") if lines else outcome
        )
