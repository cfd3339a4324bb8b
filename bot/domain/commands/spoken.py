"""What a message to the bot means as a command, beyond what a slash command may be.

Messages are formatted and punctuated, and may begin with the slash command all the same.
"""

from __future__ import annotations

import re
from typing import Final

from bot.domain.commands.arguments import example
from bot.domain.commands.parser import parse
from bot.domain.commands.table import spec
from bot.domain.commands.thread_subject import Lacks, lacking
from bot.domain.commands.values import Defaults, Help, Reply

_AROUND: Final = re.compile(r"([*_~]+)([^*_~].*?)\1")
_BULLETS: Final = frozenset("-*\u2022\u2013\u2014")
_END: Final = ".,!?\u2026"


def as_command(text: str, slash: str, defaults: Defaults) -> str:
    """The text as a command: without the name of the slash command that it may begin with.

    Formatting around words, a bullet and the mark that ends a sentence are left out as well if it
    is only then a command.
    """
    words = text.split(maxsplit=1)
    if words and words[0].lower().lstrip("/@") == slash.lower().lstrip("/"):
        text = "".join(words[1:])
    plain = _tidied(text)
    if plain == text or not isinstance(parse(text, defaults), Reply):
        return text
    lacks = lacking(text, defaults) is not None and isinstance(parse(plain, defaults), Reply)
    return text if lacks or not _is_read(plain, defaults) else plain


def meant_after(text: str, defaults: Defaults) -> str:
    """The command at the end of a message, behind the bot's name; "" if there is none."""
    plain = as_command(text, defaults.command, defaults)
    command = parse(plain, defaults)
    return "" if not plain or isinstance(command, Reply | Help) else plain


def _is_read(text: str, defaults: Defaults) -> bool:
    found = parse(text, defaults)
    return not isinstance(found, Reply) or lacking(text, defaults) is not None


def _tidied(text: str) -> str:
    words = text.split()
    words = words[1:] if words and words[0] in _BULLETS else words
    name = words[0].rstrip(_END) if words else ""
    row = spec(name)
    if row is not None and row.keeps_text:
        return text
    if words:
        words[-1] = words[-1].rstrip(_END) or words[-1]
    bare = [found[2] if (found := _AROUND.fullmatch(word)) else word for word in words]
    return " ".join(bare)


def subject_unknown(why: str, text: str, defaults: Defaults) -> Reply:
    """The answer to a command that needs a name, in a thread whose subject is not known."""
    lacks, name = lacking(text, defaults), text.split(maxsplit=1)[0]
    row = spec(name)
    what = "STACK" if lacks is Lacks.STACK else "SERVICE"
    form = f"{name} --all" if lacks is Lacks.STACK and name.lower() == "update" else name
    right = example(defaults, f"{form} {what}")
    said = f"Name the {what.lower()}: {right}"
    return Reply(why, said, changes=row is None or row.changes)


def works_without(text: str, lacks: Lacks) -> bool:
    """Whether a command that names nothing is also one about the channel's stack, and reads it."""
    row = spec(text.split(maxsplit=1)[0])
    return lacks is not Lacks.SERVICE and (lacks is Lacks.JOB or not (row is None or row.changes))


def greeting(defaults: Defaults) -> Reply:
    """The answer to the bot's name alone."""
    does = {
        "status": "what runs and what fails",
        "logs SERVICE": "its latest lines",
        "restart SERVICE": "replace its tasks",
        "help": "all commands",
    }
    lines = (f"{example(defaults, form)}  {what}" for form, what in does.items())
    return Reply("Type a command behind my name.", "\n".join(lines), changes=False)


def not_first(defaults: Defaults, after: str = "") -> Reply:
    """The answer to a message that has the bot's name somewhere in it, and this behind it."""
    if meant := meant_after(after, defaults):
        right = f"Did you mean {example(defaults, meant)}?"
        return Reply("A command begins with my name.", f"{right} Send it alone.", changes=False)
    forms = (example(defaults, form) for form in ("status", "help"))
    return Reply("A command begins with my name.", f"Try: {' or '.join(forms)}", changes=False)
