"""Whether a server can be reached."""

from __future__ import annotations

from enum import Enum


class Reach(Enum):
    """The result of a connection attempt by the bot.

    ``SILENT`` means no answer in time, ``UNREACHABLE`` no route, ``UNRESOLVED`` that the bot's
    resolver does not know the name.
    """

    ANSWERS = "answers"
    REFUSES = "refuses"
    SILENT = "silent"
    UNREACHABLE = "unreachable"
    UNRESOLVED = "unresolved"
