"""The type of a row in the command table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.domain.commands.values import Command, Defaults, Reply

Parse = Callable[[Sequence[str], Defaults], Command | Reply]
"""Parses the words after the command's name into a command or a reply."""


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """One row of the table: a command, its syntax and its description.

    ``command`` is the type it is parsed to, ``usage`` its syntax, ``summary`` one sentence.
    ``examples`` are pairs of a typed text and its effect; each one must parse. ``changes`` is True
    for commands that only operators may use. ``also`` are synonyms from other tools, used for
    suggestions only. ``notes`` are sentences for ``help COMMAND``, in which ``{service}`` and
    ``{max_replicas}`` are replaced by the defaults. ``keeps_colons`` says that ``:`` is part of an
    argument, and does not mean ``=``; ``keeps_text`` that the parser gets the rest as one text.
    ``unlike`` is a sentence for people who type one of ``also``: what is different here.
    ``meant`` is what they probably mean by the rest of the text.
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
    keeps_colons: bool = False
    keeps_text: bool = False
    unlike: str = ""
    meant: Callable[[str], str] = str
