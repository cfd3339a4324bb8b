"""Receives every request: parses it, checks permissions, stores it, and calls its handler."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

from bot.domain.commands import values as commands
from bot.domain.commands.access import Operators, may_change, needs_groups
from bot.domain.commands.ordering import TYPED
from bot.domain.commands.parser import parse
from bot.domain.commands.table import spec_of
from bot.domain.commands.values import Defaults, Reply
from bot.domain.errors import (
    BotError,
    CannotPostError,
    ChatError,
    LeaseLostError,
    RefusedError,
    StoreUnavailableError,
    SwarmError,
)
from bot.domain.jobs.model import PendingCommand, new_job_id
from bot.domain.text.command_words import shown_line
from bot.domain.text.message import Message
from bot.jobs.context import Context
from bot.jobs.submit import answer_failure, clear_away, forget, note_refusal, reply
from bot.ports import Asker, Held, Request, mind
from bot.views.errors import failed, not_an_operator, refused, reply_message
from bot.views.help import help_message
from handlers.table import Handlers

log = logging.getLogger(__name__)

REMEMBERED_KEYS = 1000
ABANDONED_SECONDS = 60.0
"""Longer than a command may take to begin: a check, earlier commands, a post and its queueing."""
ANSWER_SECONDS = 10.0
EXAMPLE_SECONDS = 1.0
"""Longest wait for the names of services: Slack waits 3 s for the answer."""
SHOW_SECONDS = 75.0
"""A picture may have to wait for earlier ones, and for the drawing thread."""
UNEXPECTED = "Unexpected error."

BeginPending = Callable[[PendingCommand], Awaitable[None]]
"""Checks an accepted command and queues its job."""


class Router:
    """The entry point for typed commands and for buttons."""

    def __init__(
        self,
        ctx: Context,
        handlers: Handlers,
        operators: Operators,
        defaults: Defaults,
        *,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._ctx = ctx
        self._answer_seconds = answer_seconds
        self._handlers = handlers
        self._operators = operators
        self._defaults = defaults
        self._seen: OrderedDict[str, None] = OrderedDict()

    async def command(self, request: Request) -> Message | None:
        """Handle a typed command; the returned message answers it, visible only to the user."""
        defaults = self._defaults
        if request.spoken:
            defaults = replace(defaults, command=request.spoken.name)
        command = parse(request.text, defaults)
        if isinstance(command, Reply | commands.Help | commands.Scale):
            defaults = await self._defaults_in(request.channel, defaults)
            command = parse(request.text, defaults)
        if isinstance(command, Reply):
            return reply_message(command)
        if isinstance(command, commands.Help):
            return help_message(command, defaults)
        if spec_of(command).changes and (refusal := await self._forbidden(request)):
            return refusal
        if type(command) in self._handlers.begins:
            begin = self._handlers.begins[type(command)]
            return await self._accept(
                request, TYPED, request.text, lambda pending: begin(pending, command)
            )
        if isinstance(command, commands.Cancel):
            return await self._accept_cancel(request, command)
        self._answer(request, command)
        return None

    async def _defaults_in(self, channel: str, defaults: Defaults) -> Defaults:
        """The defaults in a channel: the default service may not be in its stack."""
        stack = self._ctx.stack_in(channel)
        if stack == self._ctx.stack:
            return defaults
        try:
            async with asyncio.timeout(EXAMPLE_SECONDS):
                services = await self._ctx.looks.services(stack)
        except (SwarmError, TimeoutError):
            return defaults
        return defaults.among([each.short_name for each in services])

    async def press(self, request: Request) -> Message | None:
        """Handle a button press; the returned message is visible only to the user."""
        looks = request.action_id in self._handlers.looks
        if not looks and (refusal := await self._forbidden(request)):
            return refusal
        if request.action_id in self._handlers.job_presses:
            begin = self._handlers.job_presses[request.action_id]
            return await self._accept(
                request,
                request.action_id,
                request.value,
                lambda pending: begin(pending, pending.text),
            )
        if request.action_id in self._handlers.presses:
            pressed = self._handlers.presses[request.action_id](request.value)
            if isinstance(pressed, commands.Cancel):
                return await self._accept_cancel(request, pressed)
            self._answer(request, pressed)
            return None
        return refused(
            "This button is from another version of the bot.", "Type the command instead."
        )

    async def begin_own(self, key: str, action_id: str, value: str, channel: str) -> None:
        """Begin what a button would, without a person; the same ``key`` once.

        Raises StoreUnavailableError if it was not accepted.
        """
        begin = self._handlers.job_presses[action_id]
        request = Request(key=key, user="", channel=channel, action_id=action_id, value=value)
        refusal = await self._accept(
            request, action_id, value, lambda pending: begin(pending, pending.text)
        )
        if refusal is not None:
            raise StoreUnavailableError(refusal.text)

    async def clear_abandoned(self, older: float = ABANDONED_SECONDS) -> None:
        """Answer commands that a lost replica accepted but did not begin.

        ``older`` is their minimum age in seconds, longer than a command may take to begin.
        """
        for pending in await self._ctx.jobs.abandoned_commands(older):
            await self._clear(pending)

    async def _clear(self, pending: PendingCommand) -> None:
        try:
            await clear_away(self._ctx, pending)
        except ChatError as error:
            log.warning("could not notify anyone of the lost command %s: %s", pending.id, error)

    async def may_change(self, user: str, *, guest: bool = False) -> bool:
        """Whether a person of the workspace is an operator. Raises ChatError."""
        members: frozenset[str] = frozenset()
        if needs_groups(user, self._operators, guest=guest):
            members = await self._members()
        return may_change(user, self._operators, members, guest=guest)

    async def _forbidden(self, request: Request) -> Message | None:
        try:
            if await self.may_change(request.user, guest=request.guest):
                return None
        except ChatError as error:
            return refused(
                "Slack did not return the members of the operators' user group.", error.sentence
            )
        what = request.text or f"{request.action_id} {request.value}"
        noted = note_refusal(self._ctx, request.user, shown_line(what), "not an operator")
        self._ctx.background.spawn(noted, "audit")
        return not_an_operator(self._operators)

    async def _members(self) -> frozenset[str]:
        groups = [await self._ctx.chat.members(group) for group in sorted(self._operators.groups)]
        return frozenset().union(*groups)

    async def _accept(
        self, request: Request, action: str, text: str, begin: BeginPending
    ) -> Message | None:
        """Store the command in Redis before it is acknowledged, so that it cannot be lost."""
        pending = PendingCommand(
            id=new_job_id(),
            key=request.key,
            action=action,
            text=text,
            user=request.user,
            channel=request.channel,
            reply_url=request.reply_url,
            received=self._ctx.clock.now(),
            source=request.source,
            typed=request.typed,
            thread=request.thread,
        )
        until = self._ctx.intake.deadline()
        try:
            accepted = await self._ctx.jobs.accept(pending)
        except StoreUnavailableError as error:
            log.warning(
                "refused %r of %s, ref %s: %s", pending.shown, request.user, error.ref, error
            )
            return failed(may_begin(error, self._ctx.command))
        if accepted:
            self._spawn(Held(pending, until), begin)
        return None

    async def _accept_cancel(self, request: Request, command: commands.Cancel) -> Message | None:
        """Keep a cancellation, typed or pressed, so that it is not lost with this replica."""
        text = commands.as_text(command)
        return await self._accept(
            request, TYPED, text, lambda pending: self._cancel(pending, command)
        )

    async def _cancel(self, pending: PendingCommand, command: commands.Cancel) -> None:
        """Cancel and answer; harmless if a lost replica already did."""
        answer = self._handlers.answers[commands.Cancel]
        message, _ = await self._result(
            pending.text,
            lambda: answer(command, Asker(pending.user, pending.channel)),
            self._answer_seconds,
            changes=True,
        )
        mind(self._ctx.intake.still(pending.id))
        if message is not None:
            await reply(self._ctx, pending, message)
        await forget(self._ctx, pending.id)

    def _spawn(self, held: Held, begin: BeginPending, *, adopted: bool = False) -> None:
        """Begin a command in the background, under its lease."""
        pending = held.pending
        begun = self._ctx.intake.begin(held, lambda: self._begin(pending, begin), adopted=adopted)
        self._ctx.background.spawn(begun, f"command {pending.id}")

    async def adopt_lost(self) -> None:
        """Begin commands that a lost replica accepted, or answer them if they are old."""
        now = self._ctx.clock.now()
        for held in await self._ctx.jobs.adopt_commands():
            begin = None if held.refused else self._begin_of(held.pending)
            if begin is not None and now - held.pending.received < ABANDONED_SECONDS:
                log.info("beginning command %s of a lost replica", held.pending.id)
                self._spawn(held, begin, adopted=True)
            else:
                self._spawn_clearing(held)

    def _spawn_clearing(self, held: Held) -> None:
        """Answer a lost command in the background, while no other replica has it."""
        cleared = self._ctx.intake.begin(held, lambda: self._clear(held.pending))
        self._ctx.background.spawn(cleared, f"lost command {held.pending.id}")

    def _begin_of(self, pending: PendingCommand) -> BeginPending | None:
        """What begins a command, None if this version does not know it."""
        if pending.action != TYPED:
            press = self._handlers.job_presses.get(pending.action)
            return (lambda each: press(each, each.text)) if press else None
        command = parse(pending.text, self._defaults)
        if isinstance(command, commands.Cancel):
            return lambda each: self._cancel(each, command)
        begin = self._handlers.begins.get(type(command))
        return (lambda each: begin(each, command)) if begin else None

    async def _begin(self, pending: PendingCommand, begin: BeginPending) -> None:
        try:
            await begin(pending)
        except LeaseLostError:
            raise
        except StoreUnavailableError as error:
            error.doubtful = True  # another replica may reach Redis, and begin it
            log.info("lost %r of %s, ref %s: %s", pending.shown, pending.user, error.ref, error)
            await answer_failure(self._ctx, pending, may_begin(error, self._ctx.command))
        except BotError as error:
            log.info("refused %r of %s, ref %s: %s", pending.shown, pending.user, error.ref, error)
            mind(self._ctx.intake.still(pending.id))
            await answer_failure(self._ctx, pending, error)
        except Exception:
            unexpected = BotError(UNEXPECTED, hint=self._look_first())
            log.exception("command %s failed, ref %s", pending.id, unexpected.ref)
            mind(self._ctx.intake.still(pending.id))
            await answer_failure(self._ctx, pending, unexpected, certain=False)

    def _answer(self, request: Request, command: commands.Command | commands.Pressed) -> None:
        """Answer in the background; repeated deliveries are answered once."""
        if request.key in self._seen:
            return
        self._seen[request.key] = None
        if len(self._seen) > REMEMBERED_KEYS:
            self._seen.popitem(last=False)
        name, changes = f"answer to {request.user}", _changes(command)
        if show := self._handlers.shows.get(type(command)):
            shown = self._reply(
                request, lambda: show(command, request), SHOW_SECONDS, changes=changes
            )
            self._ctx.background.spawn(shown, name)
            return
        answer = self._handlers.answers[type(command)]
        answered = self._reply(
            request,
            lambda: answer(command, Asker(request.user, request.channel)),
            self._answer_seconds,
            changes=changes,
            secret=isinstance(command, commands.Join | commands.RotateToken),
        )
        self._ctx.background.spawn(answered, name)

    async def _reply(
        self,
        request: Request,
        answer: Callable[[], Awaitable[Message | None]],
        seconds: float,
        *,
        changes: bool,
        secret: bool = False,
    ) -> None:
        """Answer one person, or in the conversation if that is where it was asked.

        Refusals and secrets are for the person alone, and so is all where others could read it.
        """
        message, fine = await self._result(request.text, answer, seconds, changes=changes)
        if message is None:
            return
        if request.spoken and fine and not (secret or request.spoken.shared):
            with suppress(CannotPostError):
                await self._ctx.chat.post(request.channel, message, request.answers_in)
                return
        await self._ctx.chat.reply(
            request.user,
            request.channel,
            request.reply_url,
            message,
            thread=request.thread,
            secret=secret,
        )

    async def _result(
        self,
        text: str,
        answer: Callable[[], Awaitable[Message | None]],
        seconds: float,
        *,
        changes: bool,
    ) -> tuple[Message | None, bool]:
        """The answer and True, or the message that says why there is none."""
        try:
            async with asyncio.timeout(seconds):
                return await answer(), True
        except TimeoutError:
            hint = self._look_first() if changes else "Try again."
            return refused(f"No answer within {seconds:.0f} s.", hint, unchanged=False), False
        except BotError as error:
            log.info("refused %r, ref %s: %s", shown_line(text), error.ref, error)
            return failed(error, unchanged=changes and isinstance(error, RefusedError)), False
        except Exception:
            hint = self._look_first() if changes else ""
            unexpected = BotError(UNEXPECTED, hint=hint)
            log.exception("answer to %r failed, ref %s", shown_line(text), unexpected.ref)
            return failed(unexpected, unchanged=False), False

    def _look_first(self) -> str:
        """The next step where it is not certain that nothing was changed."""
        command = self._ctx.command
        return f"It may have taken effect. Look first: `{command} jobs`, `{command} status`"


def may_begin(error: StoreUnavailableError, command: str) -> StoreUnavailableError:
    """The error with the next step, if another replica may begin the command all the same."""
    if error.doubtful:
        error.hint = f"The command may still begin. Look first: `{command} jobs`"
    return error


def _changes(command: commands.Command | commands.Pressed) -> bool:
    """Whether the typed command or the button may change something."""
    if isinstance(command, commands.Command):
        return spec_of(command).changes
    return not isinstance(command, commands.IncidentLogs | commands.RefreshHome)
