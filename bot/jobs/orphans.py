"""Settles messages that no job will ever settle, at the start and every hour.

Redis may lose its newest writes, in a failover or a crash of its machine. Then a message shows a
queued or running job that nobody knows.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace

from bot.domain.errors import ChatError, MessageGoneError
from bot.domain.jobs.model import JobState
from bot.domain.jobs.verdict import Verdict
from bot.jobs.context import Context
from bot.views.errors import refused
from bot.views.jobs.message import unbegun_metadata

log = logging.getLogger(__name__)

OLD_ENOUGH = 120.0
"""Seconds after which a message's job must be known: longer than a command takes to begin."""
FAILED = Verdict.FAILED.value
LOST = "This job was lost: Redis lost its newest data."
ADVICE = "Check `status`, then type the command again if it is still needed."


class Orphans:
    """Finds such messages in the channels in which commands were typed."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def settle(self) -> None:
        """Settle messages without a job; deliver verdicts that their messages do not show."""
        for channel in sorted(await self._ctx.jobs.channels()):
            try:
                for ts, job_id in await self._ctx.chat.unfinished(channel):
                    if self._ctx.clock.now() - float(ts) > OLD_ENOUGH:
                        await self._look(channel, ts, job_id)
            except ChatError as error:
                log.info("messages in %s are looked at later: %s", channel, error)

    async def _look(self, channel: str, ts: str, job_id: str) -> None:
        job = await self._ctx.jobs.outline(job_id)
        if job is not None and job.message == ts:
            if job.state is JobState.FINISHED:
                await self._ctx.jobs.redeliver(job_id)
            return
        if job is None and await self._is_waiting(job_id):
            return
        log.warning("the message of job %s has no job: settling it", job_id)
        ended = unbegun_metadata(job_id)
        ended = replace(ended, payload={**ended.payload, "verdict": FAILED})
        said = replace(refused(LOST, ADVICE, unchanged=False), metadata=ended)
        with suppress(MessageGoneError):  # one that cannot be edited does not stop the others
            await self._ctx.chat.settle(channel, ts, said)

    async def _is_waiting(self, job_id: str) -> bool:
        """Whether it is a plan, or a command that is about to begin."""
        plan = await self._ctx.plans.load(job_id)
        return plan is not None or await self._ctx.jobs.is_pending(job_id)
