"""Refusals and errors, visible only to the user: what is wrong, and what would be correct.

Sentences are escaped here; their code spans are kept.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.commands.access import Operators
from bot.domain.commands.names import SLASH, NotFound
from bot.domain.commands.values import NOTHING_CHANGED, Reply
from bot.domain.errors import AmbiguousNameError, BotError, RefusedError
from bot.domain.text.escaping import shorten
from bot.domain.text.message import Message
from bot.views.slack.blocks import section
from bot.views.slack.text import fit, line, mention

SENTENCE_LENGTH = 1500
HINT_LENGTH = 1200
MOST_KNOWN = 20
NAME_LENGTH = 63
MOST_NAMED = 3


def refused(sentence: str, hint: str = "", *, unchanged: bool = True) -> Message:
    """A refusal. Adds that nothing was changed, unless the command only reads."""
    return _said(sentence, hint, unchanged=unchanged)


def failed(error: BotError, *, unchanged: bool = True, about: str = "") -> Message:
    """An error, with the short id that identifies it in the log.

    A refusal is not a fault of the bot and has no id. ``unchanged`` is False if something may have
    been changed, or if the command only reads. ``about`` is a sentence on what was asked, for
    readers who did not ask it.
    """
    unchanged = unchanged and not error.doubtful
    ref = "" if isinstance(error, RefusedError) else f"Reference for the log: `{error.ref}`"
    return _said(f"{about} {error.sentence}".strip(), error.hint, ref, unchanged=unchanged)


def by_label(service: str) -> str:
    """What a service's label asked for, without a person."""
    return f"{_name(service)} has a newer image, which its label asks to roll out."


def done(sentence: str) -> Message:
    """The answer to a command that was done immediately."""
    return _message(fit(sentence, SENTENCE_LENGTH))


def reply_message(reply: Reply) -> Message:
    """The answer to invalid input; its text is already escaped."""
    return _message(reply.text)


def not_an_operator(operators: Operators) -> Message:
    """The refusal for a viewer, with how to become an operator."""
    if operators.nobody:
        return _said("No operators are set. Set `BOT_OPERATORS`.", "")
    named = [mention(user) for user in sorted(operators.users)]
    more = ", or another operator" if len(named) > MOST_NAMED else ""
    asked = " or ".join(named[:MOST_NAMED]) or "a member of the operators' user group"
    return _message(f"Only operators can do that. Ask {asked}{more}.\n{NOTHING_CHANGED}")


def already_done(what: str, by: str) -> Message:
    """The answer to a button whose action ``by``, a Slack user id, has already done."""
    return _message(f"{mention(by)} {line(what, SENTENCE_LENGTH)}")


def unknown_service(found: NotFound, command: str) -> RefusedError:
    """The refusal for an unknown service or stack, with suggestions."""
    typed = _name(found.typed)
    if found.ambiguous:
        each = " and ".join(_name(name) for name in found.suggestions)
        return AmbiguousNameError(f"{typed} matches {each}.", hint="Type the exact name.")
    sentence = f"There is no service {typed}."
    if found.typed.endswith(SLASH):
        sentence = f"There is no stack {_name(found.typed.removesuffix(SLASH))}."
    elif found.stack and SLASH not in found.typed:
        sentence = f"There is no service {typed} in the stack {_name(found.stack)}."
    if found.suggestions:
        each = " or ".join(_name(name) for name in found.suggestions)
        return RefusedError(sentence, hint=f"Did you mean {each}?")
    if found.typed.endswith(SLASH):
        return RefusedError(sentence, hint=f"To list the stacks: `{command} stacks`")
    if not found.known:
        return RefusedError(sentence, hint=_without_services(found, command))
    return RefusedError(sentence, hint=f"Services: {_list(found.known)}.")


def a_stack(stack: str, services: Sequence[str], whole: str) -> RefusedError:
    """The refusal of a stack where a service is expected.

    ``services`` are its services as people type them; ``whole`` is the beginning of the command
    for the whole stack, "" if there is none.
    """
    hints = [f"For the whole stack: `{whole} {stack}{SLASH}`"] if whole else []
    if services:
        hints.append(f"Its services: {_list(services)}.")
    return RefusedError(f"{_name(stack)} is a stack, not a service.", hint="\n".join(hints))


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(map(_name, names[:MOST_KNOWN]))
    return f"{shown} and more" if len(names) > MOST_KNOWN else shown


def _without_services(found: NotFound, command: str) -> str:
    listed = f"To list the stacks: `{command} stacks`"
    if not found.stack:
        return listed
    return f"The stack {_name(found.stack)} has no services. Is it deployed? {listed}"


def _name(text: str) -> str:
    """A name in a code span, unescaped."""
    return f"`{shorten(text, NAME_LENGTH).replace('`', chr(39))}`"


def _said(sentence: str, hint: str, ref: str = "", *, unchanged: bool = True) -> Message:
    parts = [fit(sentence, SENTENCE_LENGTH), fit(hint, HINT_LENGTH)]
    told = NOTHING_CHANGED.rstrip(".").lower() in f"{sentence} {hint}".lower()
    if unchanged and not told:
        parts.append(NOTHING_CHANGED)
    return _message("\n".join(part for part in (*parts, ref) if part))


def _message(text: str) -> Message:
    return Message(text, (section(text),))
