"""Help, generated from the parser's command table."""

from __future__ import annotations

from bot.domain.commands.arguments import examples_of
from bot.domain.commands.table import COMMANDS, CommandSpec, Defaults, Help, spec
from bot.domain.text.message import Message
from bot.views.slack.blocks import context, packed, section
from bot.views.slack.text import line, quoted

OPERATORS_ONLY = "for operators"


def help_message(command: Help, defaults: Defaults) -> Message:
    """The help for all commands, or for the requested one."""
    row = spec(command.command) if command.command else None
    return _one(row, defaults) if row else _all(defaults)


def _all(defaults: Defaults) -> Message:
    lines = [f"{_typed(row.usage, defaults)}  {row.summary}{_for_whom(row)}" for row in COMMANDS]
    names = (
        f"Use a service's short name ({quoted(defaults.service)}) or its full name."
        f" For details: {_typed('help COMMAND', defaults)}"
    )
    text = "\n".join(lines)
    return Message(text, (*packed(lines), context(names)))


def _one(row: CommandSpec, defaults: Defaults) -> Message:
    lines = [f"{_typed(row.usage, defaults)}  {row.summary}{_for_whom(row)}"]
    service = line(defaults.service, 63)
    lines += [
        note.format(service=service, max_replicas=defaults.max_replicas)
        for note in row.notes
        if not (defaults.elsewhere and "{service}" in note)
    ]
    lines.append("*Examples*")
    lines += [
        f"{_typed(example, defaults)}  {meaning}" for example, meaning in examples_of(row, defaults)
    ]
    text = "\n".join(lines)
    return Message(text, (section(text),))


def _typed(text: str, defaults: Defaults) -> str:
    return f"`{f'{line(defaults.command, 40)} {text}'.strip()}`"


def _for_whom(row: CommandSpec) -> str:
    return f" _({OPERATORS_ONLY})_" if row.changes else ""
