"""A command in a thread whose first message is about a service: that service need not be typed.

So it is with the stack of that service, and with the job whose message begins the thread. Nothing
is guessed: only a command that names none is completed, and only if one thing is meant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from bot.domain.commands.arguments import example
from bot.domain.commands.names import SLASH, is_service_name, short_name
from bot.domain.commands.parser import parse
from bot.domain.commands.table import spec
from bot.domain.commands.values import (
    Defaults,
    Deploy,
    ListImages,
    ListTasks,
    ListVersions,
    ListVolumes,
    Reply,
    RollBack,
    Status,
    Update,
)
from bot.domain.text.escaping import quoted

FOR_A_SERVICE: Final = frozenset({"logs", "restart", "scale", "update", "resume", "run"})
EITHER: Final = frozenset({"status", "ps", "rollback"})
"""Commands that take a stack in place of a service."""
MOST_LISTED: Final = 10
_NUMBERED: Final = {"logs": "logs {service}.{number}", "update": "update {service} :{number}"}
_QUOTES: Final = "'\"`"
_SLOT: Final = re.compile(r"\.\w")


class Lacks(Enum):
    """What a command does not name."""

    SERVICE = "service"
    EITHER = "a service or a stack"
    STACK = "stack"
    JOB = "job"


@dataclass(frozen=True, slots=True)
class Subject:
    """What the first message of a thread is about: services by their full names, or a stack.

    ``stack`` is that of the services; ``whole`` says that the message is about all of it. ``job``
    is the id of the job or plan whose message it is.
    """

    services: tuple[str, ...] = ()
    stack: str = ""
    whole: bool = False
    job: str = ""


def lacking(text: str, defaults: Defaults) -> Lacks | None:
    """What a typed command is about and does not name, None if there is no such thing."""
    name, rest = _split(text)
    if name == "cancel":
        return None if rest else Lacks.JOB
    if name == "scale":
        return None if any(char.isalpha() for char in rest) else Lacks.SERVICE
    command = parse(text, defaults)
    match command:
        case Status(None, False) | ListTasks(None) | RollBack(None, _, None):
            return Lacks.EITHER
        case Deploy(None) | Update((), _, None):
            return Lacks.STACK
        case ListVersions(None) | ListImages(None) | ListVolumes(None):
            return Lacks.STACK
    if name not in FOR_A_SERVICE or not isinstance(command, Reply):
        return None
    named = parse(_with(text, defaults.service), defaults)
    return None if isinstance(named, Reply) else Lacks.SERVICE


def completed(text: str, subject: Subject, defaults: Defaults) -> str | Reply:
    """The command with the name of what the thread is about; a reply if that is not one thing.

    A command that names something itself, or a thread about nothing, leaves it as it is.
    """
    lacks = lacking(text, defaults)
    if lacks is None or subject == Subject():
        return text
    if lacks is Lacks.JOB:
        return _with(text, subject.job) if subject.job else text
    if lacks is Lacks.STACK and subject.stack:
        return _with(text, subject.stack)
    if lacks is Lacks.EITHER and subject.whole:
        return _with(text, f"{subject.stack}{SLASH}")
    if not subject.services:
        return text
    if lacks is Lacks.STACK:
        return _which_stack(text, subject, defaults)
    if len(subject.services) == 1:
        return _with(text, subject.services[0])
    return _which(text, subject, defaults)


def named_service(text: str) -> str:
    """The name of a service in a typed command, "" if it has none or names its stack, too."""
    name, rest = _split(text)
    typed = _first_name(rest)
    return typed if name in FOR_A_SERVICE | EITHER and is_service_name(typed) else ""


def in_full(text: str, subject: Subject) -> str:
    """The command with the full name of the thread's service in place of its short one."""
    if len(subject.services) != 1 or not subject.stack:
        return text
    (service,) = subject.services
    first, rest = text.split(maxsplit=1)
    short = _first_name(rest)
    return (
        f"{first} {service}{rest[len(short) :]}"
        if short == short_name(subject.stack, service)
        else text
    )


def _first_name(rest: str) -> str:
    return re.split(r"[\s.=]", rest, maxsplit=1)[0]


def may_be_mistaken(text: str, defaults: Defaults) -> bool:
    """Whether a typed command takes a service, and cannot be read or has a number in its place."""
    name, rest = _split(text)
    if name not in FOR_A_SERVICE | EITHER:
        return False
    numbered = name in _NUMBERED and rest.partition(" ")[0].isdigit()
    return numbered or isinstance(parse(text, defaults), Reply)


def mistake(text: str, subject: Subject, defaults: Defaults) -> Reply | None:
    """The answer to a mistake in a command, with the thread's service in its examples.

    A number in place of a service is one: of a slot, or a tag.
    """
    if len(subject.services) != 1:
        return None
    (service,) = subject.services
    name, rest = _split(text)
    number = rest.partition(" ")[0]
    if number.isdigit() and name in _NUMBERED:
        right = example(defaults, _NUMBERED[name].format(service=service, number=number))
        said = f"{quoted(number)} is not a service."
        return Reply(said, f"Did you mean {right}?", changes=_changes(text))
    found = parse(text, replace(defaults, service=service, other=service))
    return found if isinstance(found, Reply) else None


def _which_stack(text: str, subject: Subject, defaults: Defaults) -> Reply:
    right = example(defaults, _with(text, "STACK"))
    said = f"Which stack? That of {quoted(subject.services[0])} is not known."
    return Reply(said, f"Name it: {right}", changes=_changes(text))


def _which(text: str, subject: Subject, defaults: Defaults) -> Reply:
    listed = ", ".join(quoted(each) for each in subject.services[:MOST_LISTED])
    more = len(subject.services) - MOST_LISTED
    said = f"{listed} and {more} more" if more > 0 else listed
    return Reply(
        f"Which service? This thread is about several: {said}.",
        f"Try: {example(defaults, _with(text, subject.services[0]))}",
        changes=_changes(text),
    )


def _changes(text: str) -> bool:
    row = spec(_split(text)[0])
    return row is None or row.changes


def _split(text: str) -> tuple[str, str]:
    """The command's name in lower case, and the rest."""
    name, *rest = text.split(maxsplit=1) or [""]
    return name.strip(_QUOTES).lower(), "".join(rest)


def _with(text: str, name: str) -> str:
    """The text with a name after its first word, or before its slot (``logs .1``)."""
    first, *rest = text.split(maxsplit=1)
    if rest and _SLOT.match(rest[0]):
        return f"{first} {name}{rest[0]}"
    return " ".join([first, name, *rest])
