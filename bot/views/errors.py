"""Refusals and errors, for the person alone: what was wrong, what would be right.

Sentences are escaped here; their own code spans stay.
"""

from __future__ import annotations

from bot.domain.commands.access import Operators
from bot.domain.commands.names import NotFound, short_name
from bot.domain.commands.values import NOTHING_CHANGED, Reply
from bot.domain.errors import BotError, RefusedError
from bot.domain.text.escaping import shorten
from bot.domain.text.message import Message
from bot.views.slack.blocks import section
from bot.views.slack.text import fit

SENTENCE_LENGTH = 1500
HINT_LENGTH = 1200
MOST_KNOWN = 20
NAME_LENGTH = 63


def refused(sentence: str, hint: str = "") -> Message:
    """A refusal. Says once that nothing was changed."""
    return _said(sentence, hint)


def failed(error: BotError, *, unchanged: bool = True) -> Message:
    """An error, with the short id that finds it in the log.

    A refusal is no fault of the bot's: it has no id. ``unchanged`` is False where it is not known
    that nothing was changed.
    """
    ref = "" if isinstance(error, RefusedError) else f"Reference for the log: `{error.ref}`"
    return _said(error.sentence, error.hint, ref, unchanged=unchanged)


def done(sentence: str) -> Message:
    """A command that was done at once."""
    return _message(fit(sentence, SENTENCE_LENGTH))


def reply_message(reply: Reply) -> Message:
    """The answer to what was no command; its text is escaped already."""
    return _message(reply.text)


def not_an_operator(operators: Operators) -> Message:
    """The refusal for a viewer, and how to become an operator."""
    hint = "Ask whoever runs the bot: operators stand in the setting `BOT_OPERATORS`."
    if operators.nobody:
        hint = "There is no operator yet: they are named in the setting `BOT_OPERATORS`."
    return _said("You may look, not touch: only operators change the swarm.", hint)


def unknown_service(found: NotFound, stack: str) -> RefusedError:
    """The refusal for a service that is not there, with those that were perhaps meant."""
    typed = _name(found.typed)
    if found.ambiguous:
        each = " and ".join(_name(name) for name in found.suggestions)
        return RefusedError(f"{typed} may be {each}.", hint="Write the name exactly.")
    sentence = f"There is no service {typed} in the stack {_name(stack)}."
    if not found.known:
        return RefusedError(sentence, hint="The stack has no services here: is it deployed?")
    if found.suggestions:
        each = " or ".join(_name(name) for name in found.suggestions)
        return RefusedError(sentence, hint=f"Did you mean {each}?")
    shown = ", ".join(_name(short_name(stack, name)) for name in found.known[:MOST_KNOWN])
    more = " and more" if len(found.known) > MOST_KNOWN else ""
    return RefusedError(sentence, hint=f"There are: {shown}{more}.")


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
