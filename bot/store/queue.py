"""The job queue: submitting, taking, renewing, releasing and finishing."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from dataclasses import dataclass, replace

from bot.domain.errors import LeaseLostError, StoreUnavailableError
from bot.domain.jobs.model import Job, JobState, Turn
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.ports import CancelResult, LeaseToken
from bot.store.codec import encode_job
from bot.store.connection import BLOCK_SECONDS
from bot.store.part import claim_safely
from bot.store.records import Records

log = logging.getLogger(__name__)

NOT_STARTED = "Cancelled before it started; nothing was changed."
FORGET_REPLICA_SECONDS = 3600
SOONEST_LOOK = 0.05


@dataclass(frozen=True, slots=True)
class _NoTurn:
    """No turn is available: check again after ``seconds`` or when ``ready`` grows."""

    seconds: float
    newest: str


class Queue(Records):
    """Jobs in their lanes, and the turns of workers."""

    async def submit(self, job: Job, claim: str = "") -> int:
        """Queue a job and delete its pending command; returns how many jobs are ahead in its lanes.

        A job id that was submitted before is ignored. Returns -1, without queueing, if the pending
        command was answered otherwise since. As in ``bot.ports.Jobs``.
        """
        lanes = json.dumps(job.lanes)
        told = (job.user, job.text, job.target, claim)
        reply = await self._scripts.run("submit", job.id, encode_job(job), lanes, *told)
        if reply is None:
            raise LeaseLostError(f"Another replica starts the job of plan {job.id}.")
        return int(reply)

    async def take(self, seconds: float) -> LeaseToken | None:
        """The next job whose lanes are free, or one whose worker was lost; waits ``seconds``.

        A cancelled call takes nothing.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while True:
            taken = await claim_safely(self._claim(), self._unclaim)
            if isinstance(taken, LeaseToken):
                return taken
            left = end - loop.time()
            if left <= 0:
                return None
            pause = min(left, max(taken.seconds, SOONEST_LOOK))
            await self._link.wait(self._keys.ready, taken.newest, pause)

    async def _claim(self) -> LeaseToken | _NoTurn:
        owner = f"{self._consumer}:{secrets.token_hex(6)}"
        steady = self._link.steady_seconds >= self._lease_seconds
        milliseconds = round(self._lease_seconds * 1000)
        asked = time.monotonic()
        reply = await self._scripts.run("take", self._consumer, owner, milliseconds, int(steady))
        if not reply[0]:
            return _NoTurn(reply[1] / 1000 if steady else BLOCK_SECONDS, reply[2])
        return LeaseToken(reply[1], Turn(reply[2]), owner, int(reply[3]), asked)

    async def _unclaim(self, taken: LeaseToken | _NoTurn) -> None:
        if isinstance(taken, LeaseToken):
            await self.release(taken)

    async def renew(self, token: LeaseToken) -> str:
        """Renew the lease; returns the user who cancelled the job, or "". Raises LeaseLostError."""
        return str(await self._held("renew", token, self._consumer))

    async def release(self, token: LeaseToken) -> None:
        """Release an unfinished job without counting an attempt.

        Raises LeaseLostError if another worker has it.
        """
        await self._held("release", token)

    async def save(self, token: LeaseToken, job: Job) -> Job:
        """Save progress; returns the job with its new revision. Raises LeaseLostError."""
        record = encode_job(_began(token, job))
        return replace(job, revision=int(await self._held("save", token, record)))

    async def finish(self, token: LeaseToken, job: Job, *, probation: bool) -> Job:
        """Save the verdict, free the lanes, schedule a delivery, and end the turn.

        With ``probation`` a PROBATION turn of the same job is queued (in no lane). Raises
        LeaseLostError.
        """
        ended = _ended(_began(token, job))
        verdict = ended.verdict.value if ended.verdict else ""
        reply = await self._held("finish", token, encode_job(ended), verdict, int(probation))
        return replace(ended, revision=int(reply))

    async def set_aside(self, token: LeaseToken, patience: float) -> bool:
        """Leave a job that this replica cannot read to others. As in ``bot.ports.Jobs``."""
        return bool(await self._held("set_aside", token, round(patience * 1000)))

    async def cancel(self, job_id: str, user: str) -> CancelResult:
        """Finish a queued job as cancelled (a delivery follows), or ask a running job's worker."""
        job = await self.outline(job_id)
        if job is None:
            return CancelResult.UNKNOWN
        record = "" if job.unreadable else encode_job(_cancelled(job, user))
        return CancelResult(await self._scripts.run("cancel", job_id, user, record))

    async def leave(self) -> None:
        """Remove this replica's name, and those of replicas that have been gone for long."""
        await self._scripts.run("leave", self._consumer, FORGET_REPLICA_SECONDS * 1000)

    async def aclose(self) -> None:
        """Leave the queue, if Redis answers. The connection stays open for its owner."""
        try:
            await self.leave()
        except StoreUnavailableError as error:
            log.info("the queue will forget this replica later: %s", error)

    async def _held(self, script: str, token: LeaseToken, *args: str | int) -> str | int:
        """Run a script that first checks the lease."""
        reply: str | int | None = await self._scripts.run(
            script, token.job_id, token.owner, token.attempt, *args
        )
        if reply is None:
            raise LeaseLostError(f"Another replica works on job {token.job_id} now.")
        return reply


def _began(token: LeaseToken, job: Job) -> Job:
    return replace(job, attempt=token.attempt) if token.turn is Turn.RUN else job


def _ended(job: Job) -> Job:
    finished = time.time() if job.finished is None else job.finished
    return replace(job, state=JobState.FINISHED, finished=finished)


def _cancelled(job: Job, user: str) -> Job:
    outcomes = tuple(
        Outcome(Verdict.CANCELLED, NOT_STARTED, running=0, desired=target.replicas)
        for target in job.targets
    )
    return _ended(replace(job, outcomes=outcomes, cancelled_by=user))
