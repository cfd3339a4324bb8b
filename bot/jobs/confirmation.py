"""Plans that wait for a confirmation.

A decision is made once, in Redis, no matter how many replicas are asked. The replica that made it
carries it out; if that replica is lost, another one does so later. So every step may be repeated.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from bot.domain.deploys.decision import Decided, Decision
from bot.domain.errors import (
    BotError,
    ChatError,
    ChatLoginError,
    ChatUnavailableError,
    LeaseLostError,
    RefusedError,
    StoreUnavailableError,
    UncertainError,
)
from bot.domain.jobs.model import Job, PendingCommand
from bot.domain.operations.stack_removal import is_confirmed, not_confirmed
from bot.domain.text.message import Message
from bot.jobs.context import Context
from bot.jobs.submit import (
    forget,
    post,
    settle_or_tell,
    settle_unbegun,
    tell_failure,
    wait_for_older,
)
from bot.loops.lease import Lease
from bot.ports import Ahead, Still
from bot.runtime.backoff import Backoff
from bot.views.errors import done
from bot.views.jobs.message import job_message
from bot.views.jobs.proposal import closed_proposal, proposal

log = logging.getLogger(__name__)

QUICK_SECONDS = 2.0
QUICK_PAUSE = 0.05


class Confirming:
    """Asks for a confirmation and carries out the decision."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def ask(self, pending: PendingCommand, job: Job) -> None:
        """Post the job's plan with its buttons and store it. Raises BotError to refuse it."""
        until = self._ctx.clock.now() + self._ctx.plan_seconds
        ts = await post(self._ctx, job, proposal(job, until))
        job = replace(job, message=ts)
        try:
            kept = await self._ctx.plans.keep(job, self._ctx.plan_seconds)
        except StoreUnavailableError as error:
            log.info("refused %r of %s, ref %s: %s", pending.shown, pending.user, error.ref, error)
            await tell_failure(self._ctx, pending, error, certain=True)
            await self._withdraw(job)
            return
        if not kept:
            await settle_unbegun(self._ctx, job, "It took too long to start.")
            await forget(self._ctx, job.id)

    async def confirm(self, pending: PendingCommand, plan_id: str) -> None:
        """Handle the button *Confirm*: start the plan's job, once.

        To remove a stack, its name must have been typed.

        Raises:
            BotError: the job cannot start.
        """
        job = await self._waiting(plan_id)
        if job is None:
            raise await self._gone(plan_id)
        if job.is_removal and not is_confirmed(job, pending.typed):
            raise not_confirmed(job, pending.typed)
        await wait_for_older(self._ctx, pending, job)
        try:
            decided = await self._ctx.plans.decide(
                plan_id, Decision.CONFIRMED, pending.user, pending.id
            )
            if decided and decided.ours:
                await self.carry_out(decided)
        except LeaseLostError as error:
            log.info("plan %s: %s", plan_id, error)
            return
        except StoreUnavailableError as error:
            raise UncertainError(
                "Redis stopped answering while the plan was being confirmed.",
                hint="Its message will show the result once Redis is back.",
            ) from error
        if decided is None:
            raise await self._gone(plan_id)
        if not decided.ours or decided.decision is not Decision.CONFIRMED:
            raise _decided_before(decided)

    async def cancel(self, plan_id: str, user: str) -> Message | None:
        """Cancel a plan and return the answer; None if there is no such plan (it may be a job)."""
        if await self._waiting(plan_id) is None:
            return None
        decided = await self._ctx.plans.decide(plan_id, Decision.CANCELLED, user)
        if decided is None or decided.decision is Decision.CONFIRMED:
            return None
        if decided.ours:
            await self.carry_out(decided)
        if not decided.ours or decided.decision is Decision.EXPIRED:
            raise _decided_before(decided)
        return done("Plan cancelled. Nothing was changed.")

    async def settle_due(self) -> None:
        """Expire plans without a decision and carry out those of lost replicas."""
        for decided in await self._ctx.plans.due():
            try:
                await self.carry_out(decided)
            except BotError as error:
                log.info("checking plan %s again: %s", decided.job.id, error)

    async def carry_out(self, decided: Decided) -> None:
        """Carry out a decision. If Slack does not accept the message, this is repeated later."""
        if decided.decision is Decision.CONFIRMED:
            await self._start(decided)
        elif await self._close(decided):
            await self._ctx.plans.forget(decided.job.id)

    async def _waiting(self, plan_id: str) -> Job | None:
        """The plan, None if there is none.

        A plan is stored only after it was posted, so a quick click may come before it is stored.
        """
        late = self._ctx.clock.now() + QUICK_SECONDS
        while (job := await self._ctx.plans.load(plan_id)) is None:
            if self._ctx.clock.now() > late or await self._ctx.jobs.load(plan_id):
                return None
            await self._ctx.clock.sleep(QUICK_PAUSE)
        return job

    async def _start(self, decided: Decided) -> None:
        """Queue the plan's job, which takes over the plan's message.

        If other jobs are ahead, the message says so; otherwise the worker updates it. It says so
        before the job is queued, and only while no other replica can have queued it.
        """
        job = replace(decided.job, confirmed_by=decided.user, created=self._ctx.clock.now())
        ahead = await self._ctx.jobs.ahead(job)
        if ahead.count:
            await self._show_queued(job, ahead, Lease(decided.until).still)
        if await self._ctx.jobs.submit(job, decided.claim) < 0:
            await settle_unbegun(self._ctx, job, "It took too long to start.")
            await self._ctx.plans.forget(job.id)

    async def _show_queued(self, job: Job, ahead: Ahead, still: Still) -> None:
        message = job_message(
            job,
            self._ctx.clock.now(),
            ahead.count,
            queued_behind=ahead.newest,
            command=self._ctx.command,
            home=self._ctx.stack_in(job.channel),
        )
        try:
            await self._ctx.chat.edit(job.channel, job.message, message, still=still)
        except ChatError as error:
            log.info("plan %s is not shown as queued: %s", job.id, error)

    async def _close(self, decided: Decided) -> bool:
        """Say in the message that the plan was dropped; False if that must be repeated."""
        job = decided.job
        message = closed_proposal(job, decided.decision, decided.user, self._ctx.command)
        try:
            await settle_or_tell(self._ctx, job, message)
        except (ChatUnavailableError, ChatLoginError) as error:
            log.warning("the end of plan %s waits for Slack: %s", job.id, error)
            return False
        except ChatError as error:
            log.warning("the end of plan %s is not shown: %s", job.id, error)
        return True

    async def _withdraw(self, job: Job) -> None:
        """Close the message of a plan that Redis did not store: it can no longer be confirmed."""
        backoff = Backoff()
        while True:
            try:
                await self._ctx.intake.held(job.id)
                await self._ctx.jobs.refuse(job.id)
                await self._ctx.plans.forget(job.id)
            except StoreUnavailableError:
                await self._ctx.clock.sleep(backoff.failed())
            else:
                break
        await settle_unbegun(self._ctx, job, "Redis stopped answering.")
        await forget(self._ctx, job.id)

    async def _gone(self, plan_id: str) -> RefusedError:
        job = await self._ctx.jobs.load(plan_id)
        if job is not None:
            return RefusedError(f"This plan is already confirmed as job `{job.id}`.")
        return RefusedError(
            "This plan was cancelled or has expired.",
            hint="For a new plan, give the command again.",
        )


def _decided_before(decided: Decided) -> RefusedError:
    if decided.decision is Decision.EXPIRED:
        return RefusedError("This plan has expired.", hint="Run the command again for a new plan.")
    return RefusedError(f"This plan is already {decided.decision.value}.")
