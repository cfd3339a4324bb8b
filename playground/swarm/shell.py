"""The effect of a container's command, derived from its text: pure.

It supports the few commands that services in demos and tests use. An unknown command is reported as
not found: exit code 127, as in an image without it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

_NOT_FOUND: Final = 127
_SIGKILL: Final = 137
_LOOP: Final = re.compile(r"^(?:while|until)\s+(?::|true|false)\s*$")
_FOR: Final = re.compile(r"^for\s+(\w+)\s+in\s+(.*)$", re.DOTALL)
_TRAP: Final = re.compile(r"""^trap\s+(?:'([^']*)'|"([^"]*)"|(\S+))\s+(.*)$""", re.DOTALL)
_TO_STDERR: Final = re.compile(r"\s*>\s*&\s*2\s*$")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a log, ``after`` seconds from the start."""

    after: float
    text: str
    stderr: bool = False


@dataclass(slots=True)
class Run:
    """The result of a script.

    ``seconds`` is its duration, infinite if it keeps running; ``code`` is its exit code. ``trap``
    is the exit code on SIGTERM: None if it does not handle it (a shell as the first process of a
    container then ignores it). ``hungry`` is when it starts to use memory without limit.
    """

    environment: Mapping[str, str]
    seconds: float = 0.0
    code: int = 0
    lines: list[Line] = field(default_factory=list)
    trap: int | None = None
    hungry: float | None = None
    ended: bool = False


def run_script(script: str, environment: Mapping[str, str]) -> Run:
    """Run through a shell script."""
    run = Run(dict(environment))
    _run_all(_split(script), run)
    return run


def expand(text: str, environment: Mapping[str, str]) -> str:
    """Expand ``$NAME``, ``${NAME}`` and ``${NAME:-default}`` as a shell does."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[3]
        return environment.get(name) or match[2] or ""

    return re.sub(r"\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))", value, text)


def _split(script: str) -> list[str]:
    """The commands of a script; a loop from ``do`` to ``done`` is one command."""
    parts, current, quote, depth = [], "", "", 0
    for word in re.split(r"([;\n'\"]|\bdo\b|\bdone\b)", script):
        if quote:
            current += word
            quote = "" if word == quote else quote
            continue
        if word in {"'", '"'}:
            quote = word
        depth += {"do": 1, "done": -1}.get(word, 0)
        if word in {";", "\n"} and not depth:
            parts.append(current.strip())
            current = ""
        elif word:
            current += word
    return [each for each in (*parts, current.strip()) if each]


def _run_all(commands: Sequence[str], run: Run) -> None:
    for index, command in enumerate(commands):
        head = commands[index - 1] if index and command.startswith("do") else ""
        if head:
            body = command.removeprefix("do").removesuffix("done")
            _loop(head, _split(body), run)
        elif not _LOOP.match(command) and not _FOR.match(command):
            _run_one(command, run)
        if run.ended:
            return


def _loop(head: str, body: list[str], run: Run) -> None:
    if found := _FOR.match(head):
        for value in expand(found[2], run.environment).split():
            run.environment = {**run.environment, found[1]: value}
            _run_all(body, run)
            if run.ended:
                return
        return
    _run_all([command for command in body if not command.startswith("sleep")], run)
    if not run.ended:
        run.seconds, run.ended = float("inf"), True


def _run_one(command: str, run: Run) -> None:
    if found := _TRAP.match(command):
        action = next(part for part in found.groups()[:3] if part is not None)
        if "TERM" in found[4]:
            run.trap = _exit_code(action)
        return
    stderr = bool(_TO_STDERR.search(command))
    command = _TO_STDERR.sub("", command)
    try:
        words = shlex.split(command)
    except ValueError:
        words = [command]
    words = [expand(word, run.environment) for word in words if word not in {"exec", "&"}]
    if words and words[0] not in {":", "true", "wait"}:
        _builtin(words, run, stderr=stderr)


def _builtin(words: list[str], run: Run, *, stderr: bool) -> None:
    name, rest = words[0].rpartition("/")[2], words[1:]
    match name:
        case "echo" | "printf":
            text = " ".join(rest)
            text = text.encode().decode("unicode_escape") if name == "printf" else text
            run.lines.append(Line(run.seconds, text.rstrip("\n"), stderr))
        case "env" | "printenv" if not rest:
            run.lines += [
                Line(run.seconds, f"{key}={run.environment[key]}") for key in run.environment
            ]
        case "sleep":
            run.seconds += _number(rest[0]) if rest else 0.0
        case "exit":
            run.code, run.ended = int(rest[0]) if rest else run.code, True
        case "false":
            run.code = 1
        case "tail" if rest == ["/dev/zero"]:
            run.hungry, run.seconds, run.ended = run.seconds, float("inf"), True
        case "kill" if "-9" in rest or "-KILL" in rest:
            run.code, run.ended = _SIGKILL, True
        case _:
            run.lines.append(Line(run.seconds, f"sh: {words[0]}: not found", stderr=True))
            run.code = _NOT_FOUND


def _exit_code(action: str) -> int | None:
    found = re.search(r"exit\s*(\d*)", action)
    return int(found[1] or 0) if found else None


def _number(text: str) -> float:
    try:
        return float(text.removesuffix("s"))
    except ValueError:
        return float("inf") if text in {"infinity", "inf"} else 0.0
