"""What the containers of a service run: pure.

The programs are those of the lab's image (``serve``, ``crash``, ``once``, ``eatmemory``,
``stubborn``), scripts for ``sh -c``, and the daemons of the platform's own images, which write a
few lines and keep running.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from playground.swarm.model import Json, Spec, part
from playground.swarm.shell import Line, expand, run_script

FOR_EVER: Final = float("inf")
_MEGABYTE: Final = 2**20
_SHELLS: Final = {"sh", "/bin/sh", "bash", "/bin/bash", "ash"}
_TOOLS: Final = {"echo", "env", "printenv"}
_QUICK: Final = 0.5  # the shortest time in which an engine stops a container
_AFTER_SLEEP: Final = 1.2
_WITHOUT_END: Final = 2**60


@dataclass(frozen=True, slots=True)
class Program:
    """The behaviour of a container from its start on.

    It ends by itself after ``seconds`` with ``code``. On SIGTERM it takes ``stops_in`` seconds and
    ends with ``stop_code``; None means that it ignores SIGTERM. ``memory`` is its use in bytes from
    ``hungry`` seconds on. ``missing`` is the command that the image does not have.
    """

    seconds: float = FOR_EVER
    code: int = 0
    lines: tuple[Line, ...] = ()
    stops_in: float | None = _QUICK
    stop_code: int = 0
    memory: int = 16 * _MEGABYTE
    hungry: float = 0.0
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """An image: its default command, its variables and its health check.

    ``says`` is what its daemon writes at its start; an image without it has the lab's programs.
    With ``fails_with`` the daemon ends after that with this exit code.
    """

    name: str
    command: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    health: Json | None = None
    says: tuple[str, ...] = ()
    memory: int = 128 * _MEGABYTE
    fails_with: int = 0
    architecture: str = "amd64"


def program_of(image: Image, container: Spec, hostname: str) -> Program:
    """The program of a ``ContainerSpec`` in an image."""
    words = [*(container.get("Command") or ()), *(container.get("Args") or ())]
    words = [str(word) for word in words or image.command]
    environment = environment_of(image, container)
    name = words[0].rpartition("/")[2] if words else ""
    if name in _TOOLS:
        return _script(shlex.join(words), environment)
    if not words or (image.says and words[0] not in _SHELLS):
        return _daemon(image, environment)
    if words[0] in _SHELLS and words[1:2] == ["-c"] and len(words) > 2:
        return _script(words[2], environment)
    if name in _PROGRAMS and words[0] in {name, f"/bin/{name}"}:
        return _PROGRAMS[name](words[1:], environment, hostname)
    return Program(missing=words[0])


def environment_of(image: Image, container: Spec) -> dict[str, str]:
    """The variables that a container has."""
    pairs = (*image.environment, *map(str, container.get("Env") or ()))
    return {key: value for key, _, value in (pair.partition("=") for pair in pairs)}


def health_of(image: Image, container: Spec) -> Spec:
    """The effective health check: the service's, else the image's; empty for none."""
    check = dict(image.health or {})
    check.update({key: value for key, value in part(container, "Healthcheck").items() if value})
    test = check.get("Test") or []
    return check if test and test[0] != "NONE" else {}


def probe(check: Spec, environment: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and output of one health probe."""
    kind, *words = map(str, check["Test"])
    script = words[-1] if kind == "CMD-SHELL" or words[:2] == ["sh", "-c"] else " ".join(words)
    run = run_script(script, environment)
    output = "\n".join(expand(line.text, environment) for line in run.lines)
    known = not output.endswith(": not found")
    return (run.code if known else 0), (output if known else "")


_Words = Sequence[str]
_Make = Callable[[_Words, Mapping[str, str], str], Program]


def _serve(_words: _Words, environment: Mapping[str, str], hostname: str) -> Program:
    version = environment.get("VERSION", "")
    return Program(lines=(Line(0.0, f"serving version {version} on {hostname}"),))


def _crash(words: _Words, environment: Mapping[str, str], _hostname: str) -> Program:
    after = float(words[0]) if words else 0.0
    lines = (
        Line(0.0, f"starting version {environment.get('VERSION', '')}", stderr=True),
        Line(0.0, "connecting to database db:5432", stderr=True),
        Line(after, "fatal: connection refused <db:5432> & giving up", stderr=True),
    )
    return Program(after, int(words[1]) if len(words) > 1 else 1, lines)


def _once(words: _Words, _environment: Mapping[str, str], _hostname: str) -> Program:
    code = int(words[0]) if words else 0
    after = float(words[1]) if len(words) > 1 else 0.0
    return Program(after, code, (Line(0.0, "working once"), Line(after, "done")), stop_code=143)


def _eat_memory(words: _Words, _environment: Mapping[str, str], _hostname: str) -> Program:
    megabytes = int(words[0]) if words else 256
    lines = (Line(0.0, f"eating {megabytes} MB", stderr=True),)
    return Program(lines=lines, stops_in=None, memory=megabytes * _MEGABYTE)


def _stubborn(_words: _Words, _environment: Mapping[str, str], _hostname: str) -> Program:
    return Program(lines=(Line(0.0, "serving stubbornly"),), stops_in=None)


def _sleep(words: _Words, _environment: Mapping[str, str], _hostname: str) -> Program:
    infinite = not words or words[0] in {"infinity", "inf"}
    return Program(FOR_EVER if infinite else float(words[0].removesuffix("s")), stops_in=None)


_PROGRAMS: Final[dict[str, _Make]] = {
    "serve": _serve,
    "crash": _crash,
    "once": _once,
    "eatmemory": _eat_memory,
    "stubborn": _stubborn,
    "sleep": _sleep,
    "true": lambda *_: Program(0.0),
    "false": lambda *_: Program(0.0, 1),
}


def _script(script: str, environment: Mapping[str, str]) -> Program:
    run = run_script(script, environment)
    lines = tuple(run.lines)
    if run.hungry is not None:
        return Program(lines=lines, stops_in=None, memory=_WITHOUT_END, hungry=run.hungry)
    if run.trap is None:
        return Program(run.seconds, run.code, lines, stops_in=None)
    return Program(run.seconds, run.code, lines, _AFTER_SLEEP, run.trap)


def _daemon(image: Image, environment: Mapping[str, str]) -> Program:
    lines = tuple(
        Line(0.2 * number, expand(text, environment)) for number, text in enumerate(image.says)
    )
    if image.fails_with:
        return Program(0.2 * len(lines), image.fails_with, lines, memory=image.memory)
    return Program(lines=lines, stops_in=_AFTER_SLEEP, memory=image.memory)
