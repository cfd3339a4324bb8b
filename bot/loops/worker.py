"""Takes jobs from the store and runs several in parallel."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from bot.domain.errors import BotError, LeaseLostError, StoreUnavailableError
from bot.domain.jobs.model import Job, JobState, Turn
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.loops.job_lease import JobLease, Runner
from bot.loops.lease import Lease
from bot.ports import Chat, Clock, Jobs, LeaseToken, acts_until
from bot.runtime.backoff import Backoff
from bot.runtime.tasks import cancel_all, first_error

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 5
TAKE_SECONDS = 1.0
UNREADABLE_SECONDS = 60.0
"""How long a job that this version cannot read is left to replicas of another version."""


class Worker:
    """One replica's worker. Runs up to ``at_once`` jobs in parallel; renews each one's lease."""

    def __init__(
        self,
        jobs: Jobs,
        chat: Chat,
        runners: Mapping[str, Runner],
        clock: Clock,
        *,
        at_once: int,
        lease_seconds: float,
        ended: Callable[[Job], None] = lambda _job: None,
    ) -> None:
        self._jobs = jobs
        self._chat = chat
        self._runners = runners
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._ended = ended
        self._free = asyncio.Semaphore(at_once)
        self._trouble = Backoff(first=0.5, most=15.0)
        self._working: dict[asyncio.Task[None], LeaseToken] = {}
        self._taking: asyncio.Task[None] | None = None

    @property
    def working(self) -> int:
        """The number of turns in progress here."""
        return len(self._working)

    def start(self) -> None:
        """Start taking and running jobs."""
        self._taking = asyncio.create_task(self._take(), name="worker")

    async def drain(self) -> None:
        """Take no more jobs, stop working, and release every unfinished job."""
        if self._taking is not None:
            await cancel_all([self._taking])
        await cancel_all(list(self._working))

    async def _take(self) -> None:
        backoff = Backoff()
        while True:
            await self._free.acquire()
            token = None
            try:
                token = await self._jobs.take(TAKE_SECONDS)
                backoff.worked()
            except StoreUnavailableError as error:
                log.info("no jobs while the store is away: %s", error)
                await self._clock.sleep(backoff.failed())
            except Exception:
                log.exception("no job could be taken")
                await self._clock.sleep(backoff.failed())
            finally:
                if token is None:
                    self._free.release()
            if token is not None:
                self._start(token)

    def _start(self, token: LeaseToken) -> None:
        task = asyncio.create_task(self._work(token), name=f"job {token.job_id}")
        self._working[task] = token
        task.add_done_callback(self._stopped)

    def _stopped(self, task: asyncio.Task[None]) -> None:
        self._working.pop(task, None)
        self._free.release()
        if not task.cancelled() and (error := task.exception()):
            log.error(
                "%s was left for another replica to take over", task.get_name(), exc_info=error
            )

    async def _work(self, token: LeaseToken) -> None:
        """Do one turn; trouble with the store ends it."""
        try:
            await self._do(token)
        except StoreUnavailableError as error:
            log.warning("job %s waited for the store: %s", token.job_id, error)

    async def _do(self, token: LeaseToken) -> None:
        job = await self._load(token)
        if job is None or job.action not in self._runners:
            await self._clock.sleep(min(TAKE_SECONDS, self._lease_seconds / 3))
            if await self._jobs.set_aside(token, UNREADABLE_SECONDS):
                log.error("job %s was set aside: this version cannot read it", token.job_id)
            return
        authority = Lease(acts_until(token.asked, self._lease_seconds))
        lease = JobLease(self._jobs, self._chat, token, job, self._clock, authority=authority)
        if job.cancelled_by:
            lease.cancel(job.cancelled_by)
        try:
            await self._hold(lease)
            self._trouble.worked()
        except BaseExceptionGroup as ended:
            error = first_error(ended)
            if isinstance(error, StoreUnavailableError):
                # Rest before the release: a job that is free is taken at once.
                await self._clock.sleep(self._trouble.failed())
            raise error from None
        finally:
            if not lease.finished:
                await self._give_back(lease)

    async def _hold(self, lease: JobLease) -> None:
        """Run the turn and renew its lease meanwhile; each ends the other."""

        async with asyncio.TaskGroup() as group:
            keeping = lease.authority.keep(lease.renew, self._lease_seconds, self._clock)
            renewal = group.create_task(keeping, name=f"lease of job {lease.job.id}")
            turn = group.create_task(self._turn(lease), name=f"turn of job {lease.job.id}")
            turn.add_done_callback(lambda _: renewal.cancel())

    async def _load(self, token: LeaseToken) -> Job | None:
        try:
            job = await self._jobs.load(token.job_id)
        except StoreUnavailableError:
            raise
        except BotError as error:
            log.error("job %s: %s %s", token.job_id, error, error.hint)  # noqa: TRY400 - a sentence
            return None
        return replace(job, attempt=token.attempt) if job else None

    async def _turn(self, lease: JobLease) -> None:
        try:
            await self._attempt(lease)
        except (StoreUnavailableError, LeaseLostError):
            raise
        except Exception as error:  # noqa: BLE001 - after any error, the job gets a verdict
            await self._give_up(lease, error)
        if lease.finished and lease.token.turn is Turn.RUN:
            self._ended(lease.job)

    async def _attempt(self, lease: JobLease) -> None:
        if lease.token.attempt > MOST_ATTEMPTS:
            raise BotError(f"{MOST_ATTEMPTS} workers were lost during this job.")
        runner = self._runners[lease.job.action]
        if lease.token.turn is Turn.PROBATION:
            await runner.run_probation(lease)
        else:
            await runner.run(lease)

    async def _give_up(self, lease: JobLease, error: Exception) -> None:
        """Finish the job with a verdict after an error."""
        known = error if isinstance(error, BotError) else BotError("Unexpected error.")
        log.error("job %s failed, ref %s", lease.job.id, known.ref, exc_info=error)
        if lease.token.turn is Turn.PROBATION:
            await lease.finish(_no_longer_watched(lease.job, self._clock.now()))
            return
        outcome = Outcome(
            Verdict.FAILED,
            f"{known.sentence}{_unchanged(lease.job)} (ref {known.ref})",
            advice=known.hint or "Check `status` for the current state.",
        )
        job = replace(lease.job, state=JobState.FINISHED, finished=self._clock.now())
        for index in range(len(job.targets)):
            if index >= len(job.outcomes) or job.outcomes[index] is None:
                job = job.with_outcome(index, outcome)
        await lease.finish(job)

    async def _give_back(self, lease: JobLease) -> None:
        lease.authority.end()
        try:
            await lease.forget_progress()
        finally:  # cancelled once more while an edit waits for Slack
            await self._release(lease)

    async def _release(self, lease: JobLease) -> None:
        try:
            await self._jobs.release(lease.token)
        except (StoreUnavailableError, LeaseLostError) as error:
            log.info("job %s will be taken over: %s", lease.job.id, error)


def _no_longer_watched(job: Job, now: float) -> Job:
    """The job after a watch that could not be completed: its first verdict stands."""
    outcomes = tuple(
        replace(outcome, provisional=False) if outcome else None for outcome in job.outcomes
    )
    return replace(job, outcomes=outcomes, watched_until=now)


def _unchanged(job: Job) -> str:
    """A note on what an interrupted job changed; "" once a change may have been made."""
    return "" if job.begun else " Nothing was changed."
