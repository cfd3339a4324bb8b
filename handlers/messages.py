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
from bot.domain.commands.parser import parse
from bot.domain.commands.table import spec, spec_of
from bot.domain.commands.thread_subject import Subject, completed, lacks_a_name
from bot.domain.commands.values import Defaults, Reply
from bot.domain.errors import ChatError, StoreUnavailableError
from bot.domain.text.message import Message
from bot.jobs.context import Context
from bot.ports import Receive, Request
from bot.views.errors import refused, reply_message

log = logging.getLogger(__name__)

REMEMBERED_KEYS: Final = 1000
LATE_SECONDS: Final = 120.0
"""A command that changes something is not begun later than this: its sender may have given up."""
NODE_DOWN: Final = "node_down"
UNREAD: Final = "Slack did not show the bot what this thread is about."
TOO_OLD: Final = "This thread is about a job that is no longer kept."


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
            return reply_message(not_first(defaults))
        text = await self._meant(request, defaults)
        if isinstance(text, Reply):
            return reply_message(text)
        if refusal := self._too_late(request, text):
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
        """The command, with the name of the service that its thread is about if it has none."""
        if not request.thread or not lacks_a_name(request.text, defaults):
            return request.text
        try:
            subject = await self._subject(request.channel, request.thread)
        except ChatError as error:
            log.info("the first message of a thread is not known: %s", error)
            return subject_unknown(UNREAD, request.text, defaults)
        if subject is None:
            return subject_unknown(TOO_OLD, request.text, defaults)
        return completed(request.text, subject, defaults)

    async def _subject(self, channel: str, thread: str) -> Subject | None:
        """What the bot's message that begins a thread is about, None if that is not kept.

        Slack keeps the target with an alert's message, so it is known even if Redis lost the
        incident. Raises ChatError.
        """
        told = await self._ctx.chat.told_in(channel, thread)
        if "incident_id" in told:
            named = "" if told.get("cause") == NODE_DOWN else str(told.get("target") or "")
            return Subject((named,) if named else ())
        if "job_id" not in told:
            return Subject()
        job_id = str(told["job_id"])
        try:
            job = await self._ctx.jobs.outline(job_id) or await self._ctx.plans.load(job_id)
        except StoreUnavailableError:
            job = None
        if job is None or job.unreadable:
            return None
        services = tuple(dict.fromkeys(job.targets[index].service for index in job.services_at))
        return Subject(services, job.stack if job.plan else "")

    def _too_late(self, request: Request, text: str) -> Message | None:
        command = parse(text, self._defaults)
        age = self._ctx.clock.now() - _seconds(request.message)
        if isinstance(command, Reply) or not spec_of(command).changes or age < LATE_SECONDS:
            return None
        return too_late(age)


def too_late(seconds: float) -> Message:
    """The answer to a change whose message is so old."""
    return refused(f"That message arrived {seconds:.0f} s after it was sent.", "Type it again.")


def subject_unknown(why: str, text: str, defaults: Defaults) -> Reply:
    """The answer to a command that needs a service, in a thread whose subject is not known."""
    name = text.split(maxsplit=1)[0]
    row = spec(name)
    right = example(defaults, f"{name} SERVICE")
    return Reply(why, f"Name the service: {right}", changes=row is None or row.changes)


def not_first(defaults: Defaults) -> Reply:
    """The answer to a message that has the bot's name somewhere in it."""
    forms = (example(defaults, form) for form in ("status", "help"))
    return Reply("A command begins with my name.", f"Try: {' or '.join(forms)}", changes=False)


def _seconds(ts: str) -> float:
    """When a message was sent, in Unix seconds; infinity if it does not say."""
    try:
        return float(ts)
    except ValueError:
        return float("inf")
