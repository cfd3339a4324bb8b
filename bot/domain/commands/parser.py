"""Parses what a user typed into a command, or into a reply that explains the mistake."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bot.domain.commands import arguments
from bot.domain.commands.cluster_arguments import LOG_OPTIONS, WIDE
from bot.domain.commands.table import CommandSpec, resembling, spec, unknown_command
from bot.domain.commands.typed_text import typed
from bot.domain.commands.values import Command, Defaults, Help, Reply, as_text
from bot.domain.text.escaping import quoted, visible

__all__ = ["Defaults", "Reply", "parse"]

ASKS_FOR_HELP = frozenset({"help", "--help", "-h", "?"})
SINGLE_QUOTES = "'\u2018\u2019\u201a\u201b\u2032"
DOUBLE_QUOTES = '"\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb'
QUOTES = f"{SINGLE_QUOTES}{DOUBLE_QUOTES}`"
TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that change the direction of text: what was typed may not be what is shown."""
NO_OPTION = "has no option"
STOPS = frozenset({"stop", "halt", "kill", "down"})
"""Words for scaling a service to 0."""
DASHES = "\u2010\u2011\u2012\u2013\u2212\ufe63"
LONG_DASH = "\u2014"
"""The character into which phones convert two hyphens."""

_OPTION = re.compile(r"(?<!\S)\[?(--?[A-Za-z][A-Za-z-]*)")
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_SAME = str.maketrans({LONG_DASH: "--", **dict.fromkeys(DASHES, "-"), **dict.fromkeys(",;", " ")})
_DASHED_OPTION = re.compile(r"(?<![\w\-\u2013\u2014])[\u2013\u2014](?=[A-Za-z]{2})")
_DASHED_LETTER = re.compile(r"(?<![\w\-\u2013\u2014])[\u2013\u2014](?=[A-Za-z](?![A-Za-z]))")
"""Before a word, phones make one long dash of two hyphens; before a letter, it stands for one."""
_EQUALS = re.compile(r"\s*(?:=|:(?!//))\s*")
_EQUAL_SIGN = re.compile(r"\s*=\s*")


def parse(text: str, defaults: Defaults) -> Command | Reply:
    """Parse the text after the slash command.

    Never raises. Ambiguous input results in a reply and is never guessed, so a returned command is
    exactly what was typed.
    """
    if flaw := _unreadable(text, defaults):
        return flaw
    words = _plain(text).split()
    if words and words[0].lower() == defaults.command.lower():
        words = words[1:]
    if not words:
        return Help()
    word = _bare(words[0])
    row = _row(word)
    if row is None:
        if (other := _synonym(word)) is not None:
            return _another_command(other, word, _rest(text, defaults), defaults)
        return _no_command(word, _arguments(words[1:]), _arguments(words), defaults)
    rest = _arguments(words[1:], colons=row.keeps_colons)
    if len(rest) == 1 and rest[0].lower() in ASKS_FOR_HELP:
        return Help(row.name)
    if row.keeps_text:
        rest = [each for each in [_rest(text, defaults)] if each]
    return _read(row, rest, defaults)


def _unreadable(text: str, defaults: Defaults) -> Reply | None:
    """The reply to text that does not say clearly what is meant, None if it does."""
    if turning := TURNING.search(text):
        code = f"U+{ord(turning[0]):04X}"
        return _again(
            text,
            defaults,
            f"The command has an invisible character that changes the direction of text ({code}).",
            "Type it by hand instead of pasting it.",
        )
    row = _named(text, defaults)
    if row is not None and row.keeps_text:
        return None  # its parser reads quotation marks as a shell does
    edges = "".join(_opening(word) + _closing(word) for word in text.split())
    if any(sum(map(edges.count, kind)) % 2 for kind in (DOUBLE_QUOTES, SINGLE_QUOTES, "`")):
        hint = f"Leave it out. {_without_quotes(text, defaults)}"
        return _again(text, defaults, "A quotation mark is not closed.", hint)
    return None


def _named(text: str, defaults: Defaults) -> CommandSpec | None:
    """The row of the command that a text begins with."""
    words = _plain(text).split()
    if words and words[0].lower() == defaults.command.lower():
        words = words[1:]
    return _row(_bare(words[0])) if words else None


def _without_quotes(text: str, defaults: Defaults) -> str:
    """The hint for a command that is typed with quotation marks: the same without them."""
    meant = parse(text.translate(dict.fromkeys(map(ord, QUOTES))), defaults)
    if isinstance(meant, Reply):
        return meant.hint
    return f"Try: {arguments.example(defaults, as_text(meant))}"


def _again(text: str, defaults: Defaults, problem: str, hint: str) -> Reply:
    row = _named(text, defaults)
    return Reply(problem, hint, changes=row is None or row.changes)


def _opening(word: str) -> str:
    """The quotation marks at the start of a word."""
    return word[: len(word) - len(word.lstrip(QUOTES))]


def _closing(word: str) -> str:
    """The quotation marks at the end of a word."""
    bare = word.lstrip(QUOTES)
    return bare[len(bare.rstrip(QUOTES)) :]


def _read(row: CommandSpec, rest: Sequence[str], defaults: Defaults) -> Command | Reply:
    result = row.parse(rest, defaults)
    if not isinstance(result, Reply):
        return result
    if NO_OPTION not in result.problem and not row.keeps_text:
        result = _unknown_option(row, rest, defaults) or result
    return replace(result, changes=row.changes)


def _unknown_option(row: CommandSpec, rest: Sequence[str], defaults: Defaults) -> Reply | None:
    """A reply to the first word that looks like an option and is none of the command's."""
    known = {*_OPTION.findall(row.usage)}
    known |= arguments.YES if "--yes" in known else set()
    known |= {*LOG_OPTIONS} if "--lines" in known else set()
    known |= WIDE if "--wide" in known else set()
    options = (word.partition("=")[0] for word in rest if _OPTION.match(word))
    option = next((word for word in options if word.lower() not in known), "")
    if not option:
        return None
    examples = arguments.examples_of(row, defaults)[:2]
    right = " or ".join(arguments.example(defaults, form) for form, _ in examples)
    return Reply(f"`{row.name}` {NO_OPTION} {quoted(option)}.", f"Try: {right}")


def _plain(text: str) -> str:
    """The text that the user meant: as typed, dashes and full-width characters replaced by their
    plain forms."""
    dashed = _DASHED_LETTER.sub("-", _DASHED_OPTION.sub("--", visible(typed(text))))
    return dashed.translate(_FULL_WIDTH).translate(_SAME)


def _rest(text: str, defaults: Defaults) -> str:
    """What was typed after the command's name, without quotation marks around everything."""
    plain = visible(typed(text)).strip()
    if len(plain) > 1 and plain[0] == plain[-1] == "`":
        plain = plain[1:-1].strip()
    words = plain.split(maxsplit=2)
    if words and words[0].lower() == defaults.command.lower():
        return "".join(words[2:])
    return "".join(plain.split(maxsplit=1)[1:])


def _arguments(words: Sequence[str], *, colons: bool = False) -> list[str]:
    """The words without quotes; ``=`` is joined to the words around it.

    So is ``:``, which means the same, unless ``colons`` are part of words.
    """
    equals = _EQUAL_SIGN if colons else _EQUALS
    return equals.sub("=", " ".join(_bare(word) for word in words)).split()


def _bare(word: str) -> str:
    return word.strip(QUOTES) or word


def _row(word: str) -> CommandSpec | None:
    return spec("help") if word.lower() in ASKS_FOR_HELP else spec(word)


def _synonym(word: str) -> CommandSpec | None:
    """The row of a command that reads its text itself, for a word that other tools have for it."""
    return next((row for row in resembling(word) if row.unlike and word.lower() in row.also), None)


def _another_command(row: CommandSpec, word: str, rest: str, defaults: Defaults) -> Reply:
    """The reply to another tool's word: what is different here, and what to type."""
    arguments_meant = row.meant(rest)
    meant = row.parse([arguments_meant] if arguments_meant else [], defaults)
    if isinstance(meant, Reply):
        right = meant.hint
    else:
        right = f"Did you mean {arguments.example(defaults, as_text(meant))}?"
    return Reply(f"Unknown command {quoted(word)}. {row.unlike}", right, changes=False)


def _no_command(
    word: str, rest: Sequence[str], everything: Sequence[str], defaults: Defaults
) -> Reply:
    """The reply to an unknown word, with the full command that was probably meant, if any."""
    reply = unknown_command(word, defaults)
    meant = [row.parse(rest, defaults) for row in resembling(word)]
    if word.lower() in STOPS and len(rest) == 1:
        meant = [arguments.scale([*rest, "0"], defaults)]
    if not meant and any(char.isdigit() for char in everything[-1][-1:]):
        meant = [arguments.scale(everything, defaults)]
    whole = [each for each in meant if not isinstance(each, Reply)]
    if len(whole) != 1:
        return reply
    hint = f"Did you mean {arguments.example(defaults, as_text(whole[0]))}?"
    return replace(reply, hint=hint)
