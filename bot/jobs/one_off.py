"""Runs one-off tasks: makes the service, follows its task, gets the output, removes it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import replace

from bot.domain.convergence.machine import Goal
from bot.domain.errors import ChatError, NotFoundError, RefusedError, SwarmError
from bot.domain.jobs.model import Job, JobState
from bot.domain.jobs.progress import ServiceProgress
from bot.domain.jobs.verdict import Outcome, Verdict, changed_or_not
from bot.domain.operations.one_off import (
    SHOWN,
    about_file,
    file_of,
    is_one_off,
    job_of,
    judged,
    labels_of,
    shown_command,
    whole_is_shown,
    with_output,
)
from bot.domain.swarm.causes import as_clause
from bot.domain.swarm.model import Service
from bot.domain.swarm.service_log import ServiceLog, continued
from bot.jobs.context import Context
from bot.jobs.engine_calls import in_time, insist
from bot.jobs.follower import Following
from bot.loops.job_lease import JobLease
from bot.loops.observer import first_of
from bot.ports import Upload
from bot.views.slack.text import quoted

log = logging.getLogger(__name__)

MOST_LINES = 100_000
READ_SECONDS, END_SECONDS = 30.0, 4.0
"""Time limits for reading the whole output, and its end."""
EMPTY_SECONDS = 0.5
SEND_SECONDS = 15.0
LAST_LINES = 2000
STOP_SECONDS = 15.0
"""Longest wait for a container that was told to stop: Docker gives it 10 s unless set."""
CANCEL_SECONDS = 3.0
"""Longest wait for an engine that is making the service when somebody cancels."""
_BEING_MADE = Outcome(
    Verdict.CANCELLED,
    "Cancelled while the engine was asked to start it. If it starts after all, the bot stops it.",
)
_NOT_BEGUN = Outcome(Verdict.CANCELLED, "Cancelled before it began. Nothing was changed.")


class OneOffRunner:
    """Runs the jobs of ``run``."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._following = Following(ctx, self._aim, lambda _, outcome: judged(outcome))

    async def run(self, lease: JobLease) -> None:
        """Make the service once, follow its task, and remove it after the verdict was kept."""
        job = replace(lease.job, state=JobState.RUNNING, started=self._ctx.clock.now())
        await lease.save(job)
        self._following.show(lease)
        if not lease.job.targets[0].begun and lease.cancelled.is_set():
            await self._end(lease, _NOT_BEGUN)
            return
        if unmade := await self._made(lease):
            await self._end(lease, unmade)
            return
        following = asyncio.create_task(self._following.follow(lease, [0]))
        await first_of(following, lease.cancelled)
        outcome = next(iter(lease.job.outcomes), None)
        if lease.cancelled.is_set() and (outcome is None or outcome.verdict is Verdict.SUPERSEDED):
            lease.job = replace(lease.job, cancelled_by=lease.cancelled_by)
            outcome = Outcome(Verdict.CANCELLED, "")
        if outcome is not None:
            await self._end(lease, await self._with_output(lease, outcome))

    async def run_probation(self, lease: JobLease) -> None:
        """Never needed: a command that has ended is not watched."""
        await lease.finish(lease.job)

    async def _made(self, lease: JobLease) -> Outcome | None:
        """Make the service, or find that it was made; the outcome if it is not."""
        target = lease.job.targets[0]
        if target.applied is not None:
            return None
        doubtful = target.begun
        noted = replace(target, update_before=0.0)
        await lease.save(lease.job.with_target(0, noted))
        try:
            made = await self._unless_cancelled(
                lease,
                insist(lease, self._ctx.clock, lambda _: self._create(lease), doubtful=doubtful),
            )
        except (RefusedError, SwarmError) as error:
            verdict = Verdict.REFUSED if isinstance(error, RefusedError) else Verdict.FAILED
            reason = f"{error.sentence} {changed_or_not(error)}"
            return Outcome(verdict, reason, error.hint)
        if not made:
            return _BEING_MADE
        applied = replace(noted, service_id=made, applied=self._ctx.clock.now())
        await lease.save(lease.job.with_target(0, applied))
        return None

    async def _unless_cancelled(self, lease: JobLease, work: Awaitable[str]) -> str:
        """The result of ``work``, or "" if somebody cancels and it does not end soon."""
        given_up = asyncio.Event()

        async def give_up() -> None:
            await lease.cancelled.wait()
            await self._ctx.clock.sleep(CANCEL_SECONDS)
            given_up.set()

        making, waiting = asyncio.ensure_future(work), asyncio.create_task(give_up())
        try:
            return making.result() if await first_of(making, given_up) else ""
        finally:
            waiting.cancel()

    async def _create(self, lease: JobLease) -> str:
        job, target = lease.job, lease.job.targets[0]
        try:
            like = await self._ctx.swarm.service(target.service_id)
            return await self._ctx.one_offs.create(
                like.id, target.service, job.arguments, labels_of(like, job.id), still=lease.still
            )
        except NotFoundError as error:
            raise RefusedError("Someone removed the service before the command began.") from error

    def _aim(self, _job: Job, _index: int, goal: Goal) -> Goal:
        """One task that has to end, within its own time limit."""
        limits = replace(goal.limits, time_limit=self._ctx.run_seconds, probation=0.0)
        return replace(goal, updates=False, limits=limits)

    async def _with_output(self, lease: JobLease, outcome: Outcome) -> Outcome:
        """The outcome with the end of the output; a command that goes on is stopped first.

        The whole output goes into the thread as a file.
        """
        job = lease.job
        output = await self._output(job, MOST_LINES, READ_SECONDS)
        if outcome.verdict in {Verdict.CANCELLED, Verdict.TIMED_OUT}:
            stopped, output = await self._stopped(lease, output)
            outcome = replace(outcome, reason=f"{outcome.reason} {stopped}".strip(), advice="")
        if isinstance(output, SwarmError):
            return with_output(outcome, (), f"Its output cannot be read: {output.sentence}")
        lines = last = tuple(each.text for each in output.lines)
        if output.trouble:
            end = await self._output(job, SHOWN, END_SECONDS)
            last = lines if isinstance(end, SwarmError) else tuple(e.text for e in end.lines)
        if not lines:
            return with_output(outcome, (), "It wrote nothing." if not output.trouble else "")
        if output.trouble or not whole_is_shown(lines):
            await self._share(job, file_of(lines, output.trouble))
        return with_output(outcome, last, about_file(output.trouble), cut=bool(output.trouble))

    async def _output(self, job: Job, lines: int, seconds: float) -> ServiceLog | SwarmError:
        """The last lines; a node may take a moment until it has those of a container that ended."""
        service, read = job.targets[0].service_id, self._ctx.logs.service_log
        try:
            output = await read(service, 0.0, lines, seconds=seconds)
            if output.lines:
                return output
            await self._ctx.clock.sleep(EMPTY_SECONDS)
            return await read(service, 0.0, lines, seconds=seconds)
        except SwarmError as error:
            log.info("no output of job %s: %s", job.id, error)
            return error

    async def _stopped(
        self, lease: JobLease, output: ServiceLog | SwarmError
    ) -> tuple[str, ServiceLog | SwarmError]:
        """Stop the command: what is known of it then, and its output with its last words."""
        target, said = lease.job.targets[0], ""
        progress = ServiceProgress(target.service, 1, 1, "stopping")
        self._following.progress(lease, 0, progress)

        async def stop() -> None:
            nonlocal said
            said = await self._removed(lease)
            await self._gone(target.service_id)

        try:
            more = await self._ctx.logs.log_while(target.service_id, LAST_LINES, stop)
        except SwarmError as error:
            log.info("the end of the output of job %s is not known: %s", lease.job.id, error)
            return said, output
        return said, more if isinstance(output, SwarmError) else continued(output, more)

    async def _gone(self, service_id: str) -> None:
        """Wait until its container has stopped, for a while, and its last lines may be here."""
        with suppress(SwarmError, TimeoutError):
            async with (
                asyncio.timeout(STOP_SECONDS),
                self._ctx.feed.subscribe(frozenset({service_id})) as changes,
            ):
                while any(not t.state.over for t in await self._ctx.swarm.tasks_of(service_id)):
                    await changes.wait(EMPTY_SECONDS)
        await self._ctx.clock.sleep(EMPTY_SECONDS)

    async def _removed(self, lease: JobLease) -> str:
        """Remove the service; what is known of the command then, as a sentence."""
        try:
            await self._ctx.one_offs.remove(lease.job.targets[0].service_id, still=lease.still)
        except SwarmError as error:
            return f"It may still run: {as_clause(error.sentence)} The bot stops it later."
        return "The command was told to stop."

    async def _share(self, job: Job, output: bytes) -> None:
        """Share the whole output in the thread; without it, the message has the end of it."""
        said = f"The output of {quoted(shown_command(job.arguments), 200)}"
        title = f"Output of job {job.id}"
        file = Upload(f"run-{job.id}.log", title, output, said=said)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._ctx.chat.share(job.channel, file, job.thread or job.message)
        except (ChatError, TimeoutError) as error:
            log.warning("the output of job %s was not shared: %s", job.id, error)

    async def _end(self, lease: JobLease, outcome: Outcome) -> None:
        target = lease.job.targets[0]
        job = lease.job.with_outcome(0, replace(outcome, provisional=False))
        job = replace(job, arguments=())  # they may hold secrets, and are not needed any more
        await self._following.end(lease, job)
        if target.applied is not None:
            with suppress(SwarmError):  # another replica removes what is left
                await self._ctx.one_offs.remove(target.service_id, still=None)


class OneOffLeftovers:
    """Removes services whose job has ended, or is not known any more: their worker was killed."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def remove(self) -> None:
        """Look once. Raises BotError."""
        for service in await in_time(self._ctx.looks.services("")):
            if is_one_off(service) and await self._is_over(service, job_of(service.labels)):
                log.info("removing %s: its job has ended", service.name)
                await self._ctx.one_offs.remove(service.id, still=None)

    async def _is_over(self, service: Service, job_id: str) -> bool:
        """Whether nobody waits for it; a command whose job Redis lost may go on to its end."""
        job = await self._ctx.jobs.outline(job_id)
        if job is not None:
            return job.state is JobState.FINISHED
        if await self._ctx.jobs.is_pending(job_id):
            return False
        tasks = (await in_time(self._ctx.swarm.look(service.id))).tasks
        return bool(tasks) and all(task.state.over for task in tasks)
