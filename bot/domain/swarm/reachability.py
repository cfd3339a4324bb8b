"""Whether a server answers."""

from __future__ import annotations

from enum import Enum


class Reach(Enum):
    """What a try to connect came to, as seen from the bot.

    ``SILENT`` is no answer in time, ``UNREACHABLE`` no way there, ``UNRESOLVED`` a name that the
    bot's resolver does not know.
    """

    ANSWERS = "answers"
    REFUSES = "refuses"
    SILENT = "silent"
    UNREACHABLE = "unreachable"
    UNRESOLVED = "unresolved"
