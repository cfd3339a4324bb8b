"""A command in a thread whose first message is about a service: that service need not be typed.

Nothing is guessed: only a command that names none is completed, and only if one service is meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.domain.commands.arguments import example
from bot.domain.commands.names import SLASH
from bot.domain.commands.parser import parse
from bot.domain.commands.table import spec
from bot.domain.commands.values import Defaults, ListTasks, Reply, RollBack, Status
from bot.domain.text.escaping import quoted

FOR_A_STACK: Final = frozenset({"status", "ps", "rollback"})
"""Commands that take a stack in place of a service."""
FOR_A_SERVICE: Final = FOR_A_STACK | {"logs", "restart", "scale", "update", "resume", "run"}
MOST_LISTED: Final = 10
_QUOTES: Final = "'\"`"


@dataclass(frozen=True, slots=True)
class Subject:
    """What the first message of a thread is about: services by their full names, or a stack."""

    services: tuple[str, ...] = ()
    stack: str = ""


def lacks_a_name(text: str, defaults: Defaults) -> bool:
    """Whether a typed command is one about a service or stack, and names none."""
    name, rest = _split(text)
    if name not in FOR_A_SERVICE:
        return False
    if name == "scale":
        return not any(char.isalpha() for char in rest)
    command = parse(text, defaults)
    if name in FOR_A_STACK:
        return command in {Status(), ListTasks(), RollBack(), RollBack(yes=True)}
    return isinstance(command, Reply) and not isinstance(
        parse(_with(text, defaults.service), defaults), Reply
    )


def completed(text: str, subject: Subject, defaults: Defaults) -> str | Reply:
    """The command with the name of what the thread is about; a reply if that is not one service.

    A command that names something itself, or a thread about nothing, leaves it as it is.
    """
    name, _ = _split(text)
    if not (subject.services or subject.stack) or not lacks_a_name(text, defaults):
        return text
    if subject.stack and name in FOR_A_STACK:
        return _with(text, f"{subject.stack}{SLASH}")
    if len(subject.services) == 1:
        return _with(text, subject.services[0])
    return _which(text, subject, defaults)


def _which(text: str, subject: Subject, defaults: Defaults) -> Reply:
    listed = ", ".join(quoted(each) for each in subject.services[:MOST_LISTED])
    more = len(subject.services) - MOST_LISTED
    said = f"{listed} and {more} more" if more > 0 else listed
    first = subject.services[0] if subject.services else defaults.service
    row = spec(_split(text)[0])
    return Reply(
        f"Which service? This thread is about several: {said}.",
        f"Try: {example(defaults, _with(text, first))}",
        changes=row is None or row.changes,
    )


def _split(text: str) -> tuple[str, str]:
    """The command's name in lower case, and the rest."""
    name, *rest = text.split(maxsplit=1) or [""]
    return name.strip(_QUOTES).lower(), "".join(rest)


def _with(text: str, service: str) -> str:
    """The text with a name after its first word."""
    first, *rest = text.split(maxsplit=1)
    return " ".join([first, service, *rest])
