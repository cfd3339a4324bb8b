"""Commands that people say in messages: after the bot's name, or in the direct conversation.

Each message is answered once, by one replica, however often Slack sends it.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from contextlib import suppress
from dataclasses import replace
from typing import Final

from bot.domain.commands.arguments import example
from bot.domain.commands.ordering import newest_after
from bot.domain.commands.parser import parse
from bot.domain.commands.spoken import (
    as_command,
    greeting,
    not_first,
    subject_unknown,
    works_without,
)
from bot.domain.commands.table import spec_of
from bot.domain.commands.thread_subject import (
    Lacks,
    Subject,
    completed,
    in_full,
    lacking,
    may_be_mistaken,
    mistake,
    named_service,
)
from bot.domain.commands.values import Command, Defaults, Reply
from bot.domain.errors import (
    ChatError,
    ChatLoginError,
    RefusedError,
    StoreUnavailableError,
    SwarmError,
)
from bot.domain.jobs.model import Job
from bot.domain.text.amounts import duration
from bot.domain.text.message import Message
from bot.jobs.context import Context
from bot.jobs.service_lookup import is_unknown
from bot.jobs.thread_lookup import subject_of
from bot.ports import Receive, Request
from bot.views.errors import refused, reply_message

log = logging.getLogger(__name__)

REMEMBERED_KEYS: Final = 1000
SLOW_SECONDS: Final = 5.0
"""A message usually arrives within a second. After this, a newer one may have overtaken it."""
RECENT: Final = 100
LATE_SECONDS: Final = 120.0
"""A command that changes something is not begun later than this: its sender may have given up."""
BUTTONS: Final = {
    "ack": "Acknowledge",
    "acknowledge": "Acknowledge",
    "mute": "Silence 1 h",
    "silence": "Silence 1 h",
}
"""Words for an alert's buttons, which are not commands."""
UNREAD: Final = "Slack did not show the bot what this thread is about."


class Messages:
    """Turns a message to the bot into the command that it means, and passes that on.

    ``command`` handles typed commands.
    """

    def __init__(self, ctx: Context, command: Receive, defaults: Defaults) -> None:
        self._ctx = ctx
        self._command = command
        self._defaults = defaults
        self._taken: OrderedDict[str, None] = OrderedDict()

    def once(self, receive: Receive) -> Receive:
        """``receive``, for messages that no replica has answered or is answering.

        If this replica is lost before it accepts a command, Slack sends the message again, and
        another replica may take it.
        """

        async def received(request: Request) -> Message | None:
            if not await self._take(request.key):
                return None
            answer = await receive(request)
            with suppress(StoreUnavailableError):
                await self._ctx.jobs.answered_message(request.key)
            return answer

        return received

    async def receive(self, request: Request) -> Message | None:
        """Handle a message; the returned one answers it, visible only to the user."""
        if request.spoken is None:
            return None
        defaults = replace(self._defaults, command=request.spoken.name)
        if not request.spoken.begins:
            return reply_message(not_first(defaults, request.text))
        request = replace(request, text=as_command(request.text, self._defaults.command, defaults))
        if not request.text:
            return reply_message(greeting(defaults))
        text = await self._meant(request, defaults)
        if isinstance(text, Reply):
            return reply_message(text)
        if refusal := await self._too_late(request, text, defaults):
            return refusal
        return await self._command(replace(request, text=text))

    async def _take(self, key: str) -> bool:
        """Whether this replica is the one to answer; without Redis, it answers."""
        if key in self._taken:
            return False
        self._taken[key] = None
        if len(self._taken) > REMEMBERED_KEYS:
            self._taken.popitem(last=False)
        try:
            return await self._ctx.jobs.claim_message(key)
        except StoreUnavailableError as error:
            log.info("a message may be answered twice: %s", error)
            return True

    async def _meant(self, request: Request, defaults: Defaults) -> str | Reply:
        """The command, with the name of what its thread is about if it has none."""
        text, lacks = request.text, lacking(request.text, defaults)
        if not request.thread:
            return text
        if lacks is None:
            return await self._explained(request, defaults) or await self._in_full(request)
        try:
            subject = await self._subject(request, lacks)
        except ChatError as error:
            log.info("the first message of a thread is not known: %s", error)
            if works_without(text, lacks):
                return text
            scope = f" {error.sentence}" if isinstance(error, ChatLoginError) else ""
            return subject_unknown(f"{UNREAD}{scope}", text, defaults)
        except RefusedError as error:
            return subject_unknown(error.sentence, text, defaults)
        return completed(text, subject, defaults)

    async def _explained(self, request: Request, defaults: Defaults) -> Reply | None:
        """The answer to a mistake in a command for a service, with the thread's one in examples."""
        if _first_word(request.text) in BUTTONS:
            return await self._button(request, defaults)
        if not may_be_mistaken(request.text, defaults):
            return None
        with suppress(ChatError, RefusedError):
            subject = await self._subject(request, Lacks.SERVICE)
            return mistake(request.text, subject, defaults)
        return None

    async def _in_full(self, request: Request) -> str:
        """The command, with the thread's service for a short name that only its stack has."""
        name = named_service(request.text)
        with suppress(ChatError, RefusedError, SwarmError):
            if name and await is_unknown(self._ctx, name, request.channel):
                return in_full(request.text, await self._subject(request, Lacks.SERVICE))
        return request.text

    async def _button(self, request: Request, defaults: Defaults) -> Reply | None:
        """The answer to the word of an alert's button in that alert's thread."""
        with suppress(ChatError):
            told = await self._ctx.chat.told_in(request.channel, request.thread)
            if "incident_id" in told:
                label = BUTTONS[_first_word(request.text)]
                problem = parse(request.text, defaults)
                said = problem.problem if isinstance(problem, Reply) else ""
                hint = f"Press *{label}* at the alert that begins this thread."
                return Reply(said, hint, changes=False)
        return None

    async def _subject(self, request: Request, lacks: Lacks) -> Subject:
        """What the thread is about. Raises ChatError and RefusedError."""
        told = await self._ctx.chat.told_in(request.channel, request.thread)
        if lacks is Lacks.JOB:
            return Subject(job=str(told.get("job_id") or ""))
        return await subject_of(self._ctx, told)

    async def _too_late(self, request: Request, text: str, defaults: Defaults) -> Message | None:
        command = parse(text, self._defaults)
        age = self._ctx.clock.now() - _seconds(request.message)
        if isinstance(command, Reply) or not spec_of(command).changes or age < SLOW_SECONDS:
            return None
        if age >= LATE_SECONDS:
            return too_late(age)
        newer = await self._newer(request, text, command)
        return overtaken(newer, defaults) if newer else None

    async def _newer(self, request: Request, text: str, command: Command) -> Job | None:
        """The newest job on what a command changes, if it began after the message was written.

        The message's own job is none: it comes again if its replica was lost.
        """
        try:
            jobs = (*await self._ctx.jobs.active(), *await self._ctx.jobs.recent(RECENT))
        except StoreUnavailableError:
            return None  # nor can the command be accepted
        own = (request.user, text)
        return newest_after(_seconds(request.message), command, jobs, but=own)


def too_late(seconds: float) -> Message:
    """The answer to a change whose message is so old."""
    return refused(f"That message arrived {duration(seconds)} after it was sent.", "Type it again.")


def overtaken(newer: Job, defaults: Defaults) -> Message:
    """The answer to a change whose message is older than the newest job on the same thing."""
    what = "node" if any(target.is_node for target in newer.targets) else "service"
    return refused(
        f"That message arrived late: job `{newer.id}` began meanwhile, on the same {what}.",
        f"Look first: {example(defaults, 'status')}. Then type it again.",
    )


def _seconds(ts: str) -> float:
    """When a message was sent, in Unix seconds; infinity if it does not say."""
    try:
        return float(ts)
    except ValueError:
        return float("inf")


def _first_word(text: str) -> str:
    return text.lower().partition(" ")[0]
