"""The lease that a worker has on one job, and the job's record meanwhile."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Protocol

from bot.domain.errors import StoreUnavailableError
from bot.domain.jobs.model import Job
from bot.ports import Chat, Clock, Jobs, LeaseToken
from bot.runtime.backoff import Backoff

log = logging.getLogger(__name__)


class JobLease:
    """One job while it is worked on: the newest record, its token, and the request to cancel.

    ``job`` is the record as this worker knows it. ``cancelled`` is set once somebody cancelled;
    ``job.cancelled_by`` then says who.
    """

    def __init__(self, jobs: Jobs, chat: Chat, token: LeaseToken, job: Job, clock: Clock) -> None:
        self.job = job
        self.token = token
        self.cancelled = asyncio.Event()
        self.cancelled_by = ""
        self.finished = False
        self._jobs = jobs
        self._chat = chat
        self._clock = clock
        self._writing = asyncio.Lock()

    async def save(self, job: Job) -> Job:
        """Write the record; raises when it could not be written."""
        self.job = job
        await self._write()
        return self.job

    async def note(self, job: Job) -> None:
        """Write progress: worth having, but a job outlives a store that is away."""
        self.job = job
        try:
            await self._write()
        except StoreUnavailableError as error:
            log.debug("progress of job %s not saved: %s", job.id, error)

    async def _write(self) -> None:
        """One at a time, and the newest: services that are followed side by side all write here."""
        async with self._writing:
            saved = await self._jobs.save(self.token, self.job)
            self.job = replace(self.job, revision=saved.revision)

    async def finish(self, job: Job, *, probation: bool = False) -> None:
        """Write the end of the turn; tries again until the store took it or the lease is lost.

        From then on any replica may settle the message: no progress of ours may come after.
        """
        self.job = job
        await self.forget_progress()
        backoff = Backoff()
        while True:
            try:
                self.job = await self._jobs.finish(self.token, job, probation=probation)
            except StoreUnavailableError as error:
                log.warning("verdict of job %s waits for the store: %s", job.id, error)
                await self._clock.sleep(backoff.failed())
            else:
                self.finished = True
                return

    async def forget_progress(self) -> None:
        """Send no more of the progress that was shown so far."""
        if self.job.message:
            await self._chat.forget(self.job.channel, self.job.message)

    def cancel(self, user: str) -> None:
        """Somebody wants the job to stop waiting."""
        self.cancelled_by = user
        self.cancelled.set()


class Runner(Protocol):
    """What a worker does with the jobs of one action."""

    async def run(self, lease: JobLease) -> None:
        """Make the change, or go on where a lost worker was, and bring it to its verdict."""

    async def run_probation(self, lease: JobLease) -> None:
        """Keep watching what a finished job left and revise its verdict when it proves wrong."""
