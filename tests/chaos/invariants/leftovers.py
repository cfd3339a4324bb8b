"""What may be left when everything is over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tests.chaos.recorded import Recorded, Violation

KEPT: Final = re.compile(
    r"orochi:(ready|history|wake|audit|refusals|sequence|channels|watch|watch-aside|alerts|presses"
    r"|stacks|run"
    r"|versions:[\w-]+|version:\w+)"
)
"""The keys that last, each of bounded size: see `bot/store/keys.py`."""


def nothing_is_left(recorded: Recorded) -> Iterator[Violation]:
    """Everything is done, no key in Redis lasts for ever, and all bots have stopped and left."""
    for each in recorded.unsettled:
        yield Violation("everything settles", each.split()[-1], each)
    for key, size in sorted(recorded.lasting.items()):
        if not KEPT.fullmatch(key):
            yield Violation("no key without an end", key, f"it has no end, and {size} entries")
    for code in recorded.exits:
        if code:
            yield Violation("bots stop when asked", "SIGTERM", f"the exit code was {code}")
    if len(recorded.names) > recorded.unforgotten:
        known = ", ".join(recorded.names)
        text = f"the queue still knows {known}; {recorded.unforgotten} could not leave it"
        yield Violation("stopped bots are forgotten", "the queue", text)
