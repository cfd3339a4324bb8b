"""Runs the machine's own tools."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from tests.lab.waiting import LabError

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""The folders of the system's tools, independent of the caller's PATH."""


class CommandError(LabError):
    """A tool ended with an exit code other than 0."""

    def __init__(self, command: Sequence[str], code: int, stderr: str) -> None:
        super().__init__(f"{' '.join(command)} → exit {code}: {stderr.strip()}")
        self.code = code
        self.stderr = stderr


def find_tool(name: str) -> str | None:
    """Path of a tool on PATH or in the system's folders (sbin is not on everyone's PATH)."""
    return shutil.which(name) or shutil.which(name, path=SYSTEM_PATH)


def tool(name: str) -> str:
    """Like `find_tool`, but a missing tool is a `LabError`."""
    found = find_tool(name)
    if found is None:
        raise LabError(f"{name} is not installed")
    return found


def run(
    command: Sequence[str],
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    seconds: float = 120.0,
) -> str:
    """The tool's standard output.

    Raises:
        CommandError: with the tool's standard error.
    """
    done = subprocess.run(
        [tool(command[0]), *command[1:]],
        input=stdin,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    if done.returncode != 0:
        raise CommandError(command, done.returncode, done.stderr)
    return done.stdout


def succeeds(command: Sequence[str]) -> bool:
    """Whether the tool ended with 0."""
    try:
        run(command)
    except CommandError:
        return False
    return True
