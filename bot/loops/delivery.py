"""Delivers every verdict to Slack: retried while Slack is away, by direct message if it refuses."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

from bot.domain.errors import (
    ChatError,
    ChatLoginError,
    ChatUnavailableError,
    LeaseLostError,
    StoreUnavailableError,
)
from bot.domain.jobs.model import Job
from bot.domain.text.message import Message, MetadataValue
from bot.loops.lease import Lease
from bot.ports import Chat, Clock, Delivery, Jobs, Still
from bot.runtime.backoff import Backoff
from bot.runtime.tasks import first_error

log = logging.getLogger(__name__)

WAIT_SECONDS = 2.0
AGAIN_SECONDS = 5.0
GIVE_UP_SECONDS = 600.0
"""After this time without a successful edit, the verdict is posted as a new message."""


class DeliveryLoop:
    """Settles the messages of finished jobs and mentions the user, once for each verdict.

    ``render`` makes the job's message, ``mention`` the text for its thread. ``told`` is called with
    a job after its verdict was posted there, once for each verdict; it must not raise.
    """

    def __init__(
        self,
        jobs: Jobs,
        chat: Chat,
        clock: Clock,
        render: Callable[[Job], Message],
        mention: Callable[[Job], Message],
        *,
        told: Callable[[Job], None] = lambda _job: None,
    ) -> None:
        self._jobs = jobs
        self._chat = chat
        self._clock = clock
        self._render = render
        self._mention = mention
        self._told = told

    async def run(self) -> None:
        """Deliver everything that is due until cancelled."""
        backoff = Backoff()
        while True:
            try:
                due = await self._jobs.due_deliveries(WAIT_SECONDS)
                await asyncio.gather(*(self._deliver(delivery) for delivery in due))
                backoff.worked()
            except StoreUnavailableError as error:
                log.info("no deliveries while the store is away: %s", error)
                await self._clock.sleep(backoff.failed())
            except Exception:
                log.exception("deliveries could not be looked up")
                await self._clock.sleep(backoff.failed())

    async def _deliver(self, delivery: Delivery) -> None:
        """Deliver one item to Slack. After a failure it becomes due again automatically."""
        claim = Lease(delivery.until)
        try:
            await self._hold(delivery, claim)
        except LeaseLostError as error:
            log.info("delivery of job %s: %s", delivery.job_id, error)
        except StoreUnavailableError as error:
            log.info("delivery of job %s is not confirmed: %s", delivery.job_id, error)
        except Exception:
            log.exception("delivery of job %s failed, trying again", delivery.job_id)

    async def _hold(self, delivery: Delivery, claim: Lease) -> None:
        """Deliver it, and keep it meanwhile, however slow Slack is."""
        kept = delivery
        seconds = delivery.until - time.monotonic()

        async def renew() -> None:
            nonlocal kept
            kept = await self._jobs.keep_delivery(kept)

        try:
            async with asyncio.TaskGroup() as group:
                keeping = group.create_task(claim.keep(renew, seconds, self._clock))
                bringing = group.create_task(self._bring(delivery, claim.still))
                bringing.add_done_callback(lambda _: keeping.cancel())
        except BaseExceptionGroup as ended:
            raise first_error(ended) from None

    async def _bring(self, delivery: Delivery, still: Still) -> None:
        job = await self._jobs.outline(delivery.job_id)
        if job is not None and job.unreadable and job.verdict is None:
            await self._jobs.postpone(job.id, AGAIN_SECONDS)  # for a replica that can read it
            return
        if job is None:
            await self._jobs.delivered(delivery.job_id, delivery.revision)
            return
        news = False
        try:
            if await self._settle(job, delivery, still):
                news = await self._tell(job, delivery, still)
            elif delivery.told != _word(job):
                await self._post_elsewhere(job, delivery, still)
        except (ChatUnavailableError, ChatLoginError) as error:
            log.warning("the verdict of job %s waits for Slack: %s", job.id, error)
            await self._jobs.postpone(job.id, AGAIN_SECONDS)
            return
        except ChatError as error:
            log.error("nobody can be told the verdict of job %s: %s", job.id, error)  # noqa: TRY400
        await self._jobs.delivered(job.id, job.revision)
        if news:
            self._told(job)

    async def _settle(self, job: Job, delivery: Delivery, still: Still) -> bool:
        """Show the verdict in the job's message; False if Slack refuses that, or fails too long."""
        ts = _shown_in(job, delivery)
        try:
            if ts:
                await self._chat.settle(job.channel, ts, self._render(job), still=still)
        except ChatLoginError:
            raise
        except ChatError as error:
            now = self._clock.now()
            late = now - (job.finished or now) > GIVE_UP_SECONDS
            if isinstance(error, ChatUnavailableError) and not late:
                raise
            log.warning("the message of job %s cannot be edited: %s", job.id, error)
            return False
        return bool(ts)

    async def _post_elsewhere(self, job: Job, delivery: Delivery, still: Still) -> None:
        """Post the job's message again in the channel or, failing that, to the user.

        The new message mentions the user, so no thread message is needed. One that was posted
        before, without an answer from Slack, is found.
        """
        marks = {"job_id": job.id, "verdict": _word(job)}
        if delivery.told == _maybe(_word(job)) and await self._find_mention(job, delivery):
            await self._jobs.mark_told(job.id, _word(job))  # its message was deleted since
            return
        ts = await self._chat.find(job.channel, marks, job.thread)
        if ts in {"", job.message, delivery.message}:
            message = self._render(job)
            ts = await self._post(job, message, marks, delivery, still, thread=job.thread)
        await self._jobs.mark_told(job.id, _word(job), ts)

    async def _tell(self, job: Job, delivery: Delivery, still: Still) -> bool:
        """Post the verdict in the thread, once; returns whether it is there since this delivery."""
        verdict = _word(job)
        if not verdict or delivery.told == verdict or not job.user:
            return False
        said, thread = self._mention(job), _thread_of(job, delivery)
        marks = said.metadata.payload if said.metadata else {}
        ts = ""
        if delivery.told == _maybe(verdict):
            ts = await self._find_mention(job, delivery)
        ts = ts or await self._post(job, said, marks, delivery, still, thread=thread)
        await self._jobs.mark_told(job.id, verdict)
        return bool(ts)

    async def _find_mention(self, job: Job, delivery: Delivery) -> str:
        """The ts of this verdict's mention, in the job's thread or to its user, "" for none."""
        said, thread = self._mention(job), _thread_of(job, delivery)
        if said.metadata is None:
            return ""
        marks = said.metadata.payload
        ts = await self._chat.find(job.channel, marks, thread) if thread else ""
        return ts or (await self._chat.find(job.user, marks) if job.user else "")

    async def _post(
        self,
        job: Job,
        message: Message,
        marks: Mapping[str, MetadataValue],
        delivery: Delivery,
        still: Still,
        *,
        thread: str = "",
    ) -> str:
        """Post in the job's channel and return the ts; if Slack refuses that, to the user: "".

        ``marks`` are the values in the metadata by which the message is found again. It is noted
        before the first attempt, because the answer or this replica may be lost.
        """
        maybe = _maybe(_word(job))
        if delivery.told != maybe:
            await self._jobs.mark_told(job.id, maybe)
        try:
            return await self._chat.post(job.channel, message, thread=thread, still=still)
        except (ChatUnavailableError, ChatLoginError):
            raise
        except ChatError as error:
            log.warning("the verdict of job %s goes to its user: %s", job.id, error)
        if not job.user:
            return ""
        if delivery.told != maybe or not await self._chat.find(job.user, marks):
            await self._chat.post(job.user, message, still=still)
        return ""


def _shown_in(job: Job, delivery: Delivery) -> str:
    """The ts of the message that shows the job, "" if there is none."""
    return delivery.message or job.message


def _thread_of(job: Job, delivery: Delivery) -> str:
    """The thread for what is said about the job: the one that its message is in, or begins."""
    return job.thread or _shown_in(job, delivery)


def _maybe(verdict: str) -> str:
    """How it is noted that a verdict may have been posted."""
    return f"?{verdict}"


def _word(job: Job) -> str:
    """The verdict's word, "" while there is none."""
    return job.verdict.value if job.verdict else ""
