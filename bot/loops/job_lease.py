"""A worker's lease on one job, and the job's latest record."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Protocol

from bot.domain.errors import StoreUnavailableError
from bot.domain.jobs.model import Job
from bot.loops.lease import Lease
from bot.ports import Chat, Clock, Jobs, LeaseToken
from bot.runtime.backoff import Backoff

log = logging.getLogger(__name__)


class JobLease:
    """One job in progress: its latest record, its token, and the request to cancel.

    ``job`` is the record as this worker knows it. ``cancelled`` is set when somebody cancels the
    job; ``job.cancelled_by`` then has the user. ``authority`` says whether this worker may still
    act; everything that it shows or writes asks ``still``.
    """

    def __init__(
        self,
        jobs: Jobs,
        chat: Chat,
        token: LeaseToken,
        job: Job,
        clock: Clock,
        *,
        authority: Lease,
    ) -> None:
        self.job = job
        self.authority = authority
        self.token = token
        self.cancelled = asyncio.Event()
        self.cancelled_by = ""
        self.finished = False
        self._jobs = jobs
        self._chat = chat
        self._clock = clock
        self._writing = asyncio.Lock()
        self._ending = asyncio.Lock()

    def still(self) -> float:
        """Seconds for which this worker may certainly still act on the job."""
        return self.authority.still()

    async def save(self, job: Job) -> Job:
        """Save the record; raises if that fails."""
        self.job = job
        await self._write()
        return self.job

    async def note(self, job: Job) -> None:
        """Save progress; errors are ignored, because a job continues without the store."""
        self.job = job
        try:
            await self._write()
        except StoreUnavailableError as error:
            log.debug("progress of job %s not saved: %s", job.id, error)

    async def _write(self) -> None:
        """Write the newest record. One write at a time, as parallel followers all write here."""
        async with self._writing:
            saved = await self._jobs.save(self.token, self.job)
            self.job = replace(self.job, revision=saved.revision)

    async def finish(self, job: Job, *, probation: bool = False) -> None:
        """Save the end of the turn; retries until the store accepted it or the lease is lost.

        Afterwards any replica may settle the message, so this worker must not send progress any
        more.
        """
        self.job = job
        self.authority.end()
        await self.forget_progress()
        backoff = Backoff()
        while True:
            try:
                async with self._ending:
                    self.job = await self._jobs.finish(self.token, job, probation=probation)
                    self.finished = True
            except StoreUnavailableError as error:
                log.warning("verdict of job %s waits for the store: %s", job.id, error)
                await self._clock.sleep(backoff.failed())
            else:
                return

    async def renew(self) -> None:
        """Renew the lease, and learn whether somebody cancels the job. Raises LeaseLostError."""
        async with self._ending:
            user = "" if self.finished else await self._jobs.renew(self.token)
        if user and not self.cancelled.is_set():
            self.cancel(user)

    async def forget_progress(self) -> None:
        """Drop pending progress."""
        if self.job.message:
            await self._chat.forget(self.job.channel, self.job.message)

    def cancel(self, user: str) -> None:
        """Request that the job stops waiting."""
        self.cancelled_by = user
        self.cancelled.set()


class Runner(Protocol):
    """Runs the jobs of one action."""

    async def run(self, lease: JobLease) -> None:
        """Make the change, or continue after a lost worker, until the verdict."""

    async def run_probation(self, lease: JobLease) -> None:
        """Watch what a finished job changed and revise its verdict if it turns out wrong."""
