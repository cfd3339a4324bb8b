"""Plans that wait for a confirmation. Implements ``bot.ports.Plans``."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence

from bot.domain.deploys.decision import Decided, Decision
from bot.domain.jobs.model import Job
from bot.store.codec import UnreadableRecordError, decode_job, encode_job
from bot.store.part import StorePart

log = logging.getLogger(__name__)


class RedisPlans(StorePart):
    """Each plan is decided once, on any replica, and every decision is carried out."""

    async def keep(self, job: Job, seconds: float) -> bool:
        """Store a plan in place of its pending command. As in ``bot.ports.Plans``."""
        return bool(
            await self._scripts.run("keep_plan", job.id, encode_job(job), round(seconds * 1000))
        )

    async def load(self, plan_id: str) -> Job | None:
        """A waiting plan, None if there is none (any more). Raises UnreadableRecordError."""
        key = self._keys.plan_records
        record = await self._link.call(lambda redis: redis.hget(key, plan_id))
        return decode_job(record) if record else None

    async def decide(
        self, plan_id: str, decision: Decision, user: str, pending: str = ""
    ) -> Decided | None:
        """Decide a plan, unless it is decided. As in ``bot.ports.Plans``."""
        token = pending or secrets.token_hex(8)
        args = (plan_id, decision.value, user, token, pending)
        until = self._claimed_until()
        reply = await self._scripts.run("decide_plan", *args)
        return _decided(reply, token, until) if reply else None

    async def due(self) -> tuple[Decided, ...]:
        """Plans to be carried out by the caller. As in ``bot.ports.Plans``."""
        token = secrets.token_hex(8)
        found, until = [], self._claimed_until()
        for reply in await self._scripts.run("plans_due", token):
            try:
                found.append(_decided(reply, token, until))
            except UnreadableRecordError as error:
                log.warning("leaving a plan to another replica: %s", error)
        return tuple(found)

    async def forget(self, plan_id: str) -> None:
        """Delete a plan after its decision was carried out."""
        await self._scripts.run("forget_plan", plan_id)


def _decided(reply: Sequence[str], token: str, until: float) -> Decided:
    record, decision, claim = reply
    word, user, maker = decision.split("|")
    ours = maker == token
    return Decided(decode_job(record), Decision(word), user, ours=ours, claim=claim, until=until)
