"""Turns an accepted command into a queued job; the user always learns the result.

The message is posted first, so nothing is started where the bot may not post. If Redis stops
answering in between, the job's fate is unknown. It is checked as soon as Redis is back, and the
message is then updated.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace

from bot.domain.commands.ordering import may_concern, typed
from bot.domain.errors import (
    BotError,
    ChatError,
    ChatLoginError,
    ChatUnavailableError,
    MessageGoneError,
    StoreUnavailableError,
    UncertainError,
)
from bot.domain.jobs.model import Job, JobState, PendingCommand
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.text.message import Message
from bot.jobs.context import Context
from bot.ports.jobs import REFUSED
from bot.runtime.backoff import Backoff
from bot.views.errors import by_label, failed, refused
from bot.views.jobs.message import job_message, unbegun_metadata

log = logging.getLogger(__name__)

OLDER_SECONDS = 15.0
OLDER_PAUSE = 0.02
INTERRUPTED = "The bot was interrupted before the job began."
AGAIN = "Nothing was changed. Try again."


async def queue(ctx: Context, pending: PendingCommand, job: Job) -> None:
    """Post the job's message and queue it, after earlier commands for the same services.

    If Redis stops answering, the user is told, and the message shows the result later.

    Raises:
        CannotPostError: nothing was started.
    """
    await wait_for_older(ctx, pending, job)
    job = replace(job, message=await post(ctx, job, await _queued_message(ctx, job)))
    try:
        ahead = await ctx.jobs.submit(job)
    except StoreUnavailableError:
        error = UncertainError(
            f"Redis stopped answering while job {job.id} was being queued.",
            hint="Its message will show the result once Redis is back.",
        )
        log.info("refused %r of %s, ref %s: %s", pending.shown, pending.user, error.ref, error)
        await tell_failure(ctx, pending, error, certain=False)
        await _check_submission(ctx, job)
        return
    if ahead < 0:
        await settle_unbegun(ctx, job, "It took too long to start.")
        await forget(ctx, job.id)


async def wait_for_older(ctx: Context, pending: PendingCommand, job: Job) -> None:
    """Wait for earlier commands on the same services, on any replica, to be queued.

    A command whose replica is lost is waited for only as long as a command may take to begin.
    """
    late = ctx.clock.now() + OLDER_SECONDS
    concern: dict[str, bool] = {}
    while ctx.clock.now() < late:
        before = await ctx.jobs.commands_before(pending.id)
        for each in before:
            if each.id not in concern:
                command = typed(each.action, each.text, ctx.defaults)
                concern[each.id] = may_concern(command, job)
        if not any(concern[each.id] for each in before):
            return
        await ctx.clock.sleep(OLDER_PAUSE)


async def post(ctx: Context, job: Job, message: Message) -> str:
    """Post a job's message; returns its ts.

    If it is unknown whether Slack accepted it, the message is searched for, because there must be
    no message without a job; so is that of a lost replica.
    """
    still = ctx.intake.still(job.id)
    if ctx.intake.adopted(job.id) and (ts := await _found(ctx, job)):
        await ctx.chat.edit(job.channel, ts, message, still=still)
        return ts
    try:
        return await ctx.chat.post(job.channel, message, job.thread, still=still)
    except ChatUnavailableError:
        ts = await _found(ctx, job)
        if not ts:
            raise
        return ts


async def _found(ctx: Context, job: Job | PendingCommand) -> str:
    """The ts of a job's message in its channel or thread, "" for none."""
    return await ctx.chat.find(job.channel, {"job_id": job.id}, job.thread)


async def reply(ctx: Context, pending: PendingCommand, message: Message) -> None:
    """Answer the person who gave a command, where they gave it."""
    await ctx.chat.reply(
        pending.user, pending.channel, pending.reply_url, message, thread=pending.thread
    )


async def _queued_message(ctx: Context, job: Job) -> Message:
    """The job's message with the number of jobs ahead."""
    ahead = await ctx.jobs.ahead(job)
    return job_message(
        job,
        ctx.clock.now(),
        ahead.count,
        queued_behind=ahead.newest,
        command=ctx.command,
        home=ctx.stack_in(job.channel),
    )


async def clear_away(ctx: Context, pending: PendingCommand) -> None:
    """Close a pending command whose replica was lost: nothing was changed.

    A replica that was only slow must not start it after the user is informed. It is deleted only
    then, because this replica may be lost, too.
    """
    await _close_message(ctx, pending, refused(INTERRUPTED, AGAIN))
    hint = f"{AGAIN} The command was: {pending.shown[:200]}"
    await reply(ctx, pending, refused(INTERRUPTED, hint))
    await ctx.jobs.discard(pending.id)


async def _close_message(ctx: Context, pending: PendingCommand, said: Message) -> None:
    """Let a command of a lost replica get no job any more, and say so in the message it posted."""
    await ctx.jobs.refuse(pending.id)
    ts = await _found(ctx, pending)
    if ts:
        with suppress(MessageGoneError):  # the answer has it all
            ended = replace(said, metadata=unbegun_metadata(pending.id))
            await ctx.chat.settle(pending.channel, ts, ended)


async def answer_instead(ctx: Context, pending: PendingCommand, said: Message) -> None:
    """Answer a command that needs no job, and delete it.

    If it is begun in place of a lost replica, that one may have posted a message for a job.
    """
    if ctx.intake.adopted(pending.id):
        await _close_message(ctx, pending, said)
    await reply(ctx, pending, said)
    await ctx.jobs.discard(pending.id)


async def answer_failure(
    ctx: Context, pending: PendingCommand, error: BotError, *, certain: bool = True
) -> None:
    """Tell the user why their command failed, and delete it.

    Without ``certain``, the answer does not claim that nothing was changed.

    A pending command with an uncertain result is left to the check that resolves it. One whose
    answer could not be delivered stays, and is answered later.
    """
    uncertain = isinstance(error, UncertainError)
    if not uncertain and ctx.intake.adopted(pending.id):
        try:
            await _close_message(ctx, pending, failed(error, unchanged=certain))
        except (ChatError, StoreUnavailableError) as unshown:
            log.warning("the message of %s is closed later: %s", pending.id, unshown)
            return
    told = await tell_failure(ctx, pending, error, certain=certain and not uncertain)
    if told and not uncertain:
        await forget(ctx, pending.id)


async def tell_failure(
    ctx: Context, pending: PendingCommand, error: BotError, *, certain: bool
) -> bool:
    """Tell the user why their command failed; False if that could not be delivered."""
    try:
        about = "" if pending.user else by_label(pending.shown)
        said = failed(error, unchanged=certain, about=about)
        await reply(ctx, pending, said)
    except ChatError as unheard:
        log.warning("the answer to %s was not delivered: %s", pending.id, unheard)
        return False
    await note_refusal(ctx, pending.user, pending.shown, error.sentence)
    return True


async def note_refusal(ctx: Context, user: str, text: str, why: str) -> None:
    """Write a refusal with user and reason to the audit log; ignored if the store fails."""
    event = {"event": REFUSED, "who": user, "text": text[:500], "why": why[:500]}
    with suppress(StoreUnavailableError):
        await ctx.jobs.audit(event)


async def forget(ctx: Context, pending_id: str) -> None:
    """Delete a pending command that was answered; waits while the store is away."""
    backoff = Backoff()
    while True:
        try:
            await ctx.intake.held(pending_id)
            await ctx.jobs.discard(pending_id)
        except StoreUnavailableError:
            await ctx.clock.sleep(backoff.failed())
        else:
            return


async def _check_submission(ctx: Context, job: Job) -> None:
    """After a submission without an answer, wait for Redis and check whether it has the job."""
    backoff = Backoff()
    while True:
        try:
            await ctx.intake.held(job.id)
            await ctx.jobs.refuse(job.id)
            known = await ctx.jobs.load(job.id)
        except StoreUnavailableError:
            await ctx.clock.sleep(backoff.failed())
            continue
        break
    if known is None:
        await settle_unbegun(ctx, job, "Redis stopped answering before the job began.")
        await forget(ctx, job.id)


async def settle_unbegun(ctx: Context, job: Job, why: str) -> None:
    """Update the message to say that the job was never started; waits while Slack is away."""
    ended = replace(job, state=JobState.FINISHED, finished=ctx.clock.now())
    for index in range(len(ended.targets)):
        ended = ended.with_outcome(index, Outcome(Verdict.REFUSED, why, AGAIN))
    home = ctx.stack_in(job.channel)
    message = job_message(ended, ctx.clock.now(), command=ctx.command, home=home)
    backoff = Backoff()
    while True:
        try:
            await settle_or_tell(ctx, ended, message)
        except (ChatUnavailableError, ChatLoginError) as error:
            log.info("the message of command %s is settled later: %s", job.id, error)
            await ctx.clock.sleep(backoff.failed())
        else:
            return


async def settle_or_tell(ctx: Context, job: Job, message: Message) -> None:
    """Show the end of something that is no job in its message or, failing that, to the person.

    After an error this may be repeated: a direct message that was sent before is found.

    Raises:
        ChatUnavailableError, ChatLoginError: repeat it later.
    """
    try:
        await ctx.chat.settle(job.channel, job.message, message)
    except (ChatUnavailableError, ChatLoginError):
        raise
    except ChatError as error:
        log.warning("the end of command %s goes to its user: %s", job.id, error)
        if job.user and not await ctx.chat.find(job.user, {"job_id": job.id, "state": "finished"}):
            await ctx.chat.post(job.user, message)
