"""The form of a row in the table of commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.domain.commands.values import Command, Defaults, Reply

Parse = Callable[[Sequence[str], Defaults], Command | Reply]
"""Makes a command, or a reply, of the words that follow the command's own."""


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """One row: a command, how it is typed, what it does.

    ``command`` is the value it is parsed to, ``usage`` its form, ``summary`` one sentence.
    ``examples`` are pairs of what may be typed and what it does; each one parses. ``changes`` says
    whether it is for operators alone. ``also`` are words that people type for it elsewhere: used
    for suggestions only. ``notes`` are sentences for ``help COMMAND``, in which ``{service}`` and
    ``{max_replicas}`` stand for the defaults.
    """

    name: str
    command: type[Command]
    usage: str
    summary: str
    examples: tuple[tuple[str, str], ...]
    changes: bool
    parse: Parse
    also: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
