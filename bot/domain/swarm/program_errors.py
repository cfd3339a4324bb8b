"""Programs that the kernel could not execute, as the container's last log lines tell.

The engine reports an exit code alone, as if the program had run and failed. The lines are those of
runc (``libcontainer/system``: ``exec PROGRAM: …``, up to 1.1 ``exec user process caused: …``), of
``env`` (GNU coreutils and busybox) and of shells.
"""

from __future__ import annotations

import re
from typing import Final

CODES: Final = frozenset({1, 2, 126, 127, 255})
"""The exit codes of a container whose program could not be executed."""

_LINES: Final = 3
_PLATFORM: Final = "it is for another platform, or a script without a first line `#!…`"
_INTERPRETER: Final = (
    "its first line `#!…` names a program that the image does not have, or it has Windows line "
    "endings (CR LF)"
)
_WINDOWS: Final = "it is a script with Windows line endings (CR LF)"
_RIGHTS: Final = "it has no right to be executed (`chmod +x`)"
_NAME: Final = r"(?P<program>[^\s:'\u2018\u2019\"]{1,200})"
_RULES: Final = tuple(
    (re.compile(pattern), why)
    for pattern, why in (
        (rf"\bexec {_NAME}: exec format error", _PLATFORM),
        (r"\bexec user process caused: exec format error", _PLATFORM),
        (rf"(?<![^\s:]){_NAME}: cannot execute binary file: Exec format error", _PLATFORM),
        (rf"(?<![^\s:]){_NAME}: (?:\S+(?:\^M|\\r|\r): )?bad interpreter", _INTERPRETER),
        (
            r"\benv: ['\u2018\"]?[^\s'\u2019\"]{1,200}?(?:\^M|\\r|\r)['\u2019\"]?: No such file",
            _WINDOWS,
        ),
        (rf"\bexec {_NAME}: no such file or directory", _INTERPRETER),
        (r"\bexec user process caused: no such file or directory", _INTERPRETER),
        (rf"\bexec {_NAME}: permission denied", _RIGHTS),
    )
)


def unexecutable(lines: str) -> str:
    """Why the program could not be executed, as a sentence without its full stop; "" otherwise."""
    last = "\n".join(lines.strip().splitlines()[-_LINES:])
    for pattern, why in _RULES:
        if found := pattern.search(last):
            program = found.groupdict().get("program")
            name = f"`{program}`" if program else "the container's program"
            return f"The container could not execute {name}: {why}"
    return ""
