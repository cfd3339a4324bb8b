"""The command ``run``: a service, and the words of a command after ``--``."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Final

from bot.domain.commands.arguments import example, service_name
from bot.domain.commands.spec import CommandSpec
from bot.domain.commands.values import Command, Defaults, Reply, Run
from bot.domain.text.escaping import quoted

MOST_CHARACTERS: Final = 4000
_END: Final = re.compile("(?:^|\\s)(?:--|\u2013|\u2014)(?:\\s|$)")
"""Phones make one long dash of two hyphens."""
_OPTION: Final = re.compile("(?<!\\S)[\u2013\u2014](?=[A-Za-z]{2})")
_EXEC: Final = re.compile(
    r"(?:-\S+\s+)*(?P<service>[^\s-]\S*)\s+(?:(?:--|\u2013|\u2014)\s+)?(?P<command>\S.*)", re.DOTALL
)
"""``docker exec -it CONTAINER COMMAND``"""
_CURLY: Final = str.maketrans(
    dict.fromkeys("\u2018\u2019", "'") | dict.fromkeys("\u201c\u201d", '"')
)
_QUOTES: Final = "'\"`"


def _run(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    """Parse ``SERVICE -- COMMAND…``; the only word is the whole text, as it was typed."""
    text = words[0] if words else ""
    right = f"Try: {example(defaults, f'run {defaults.service} -- python manage.py migrate')}"
    before, *after = _END.split(text, maxsplit=1)
    if not after:
        problem = "Put `--` between the service and the command." if text else "Run what?"
        return Reply(problem, right)
    if len(before.split()) != 1:
        return Reply(
            "`run` takes one service." if before.split() else "Run on which service?", right
        )
    service = service_name(before.strip().translate(_CURLY).strip(_QUOTES), defaults)
    if isinstance(service, Reply):
        return service
    arguments = _shell_words(after[0])
    if isinstance(arguments, Reply):
        return arguments
    return Run(service, arguments) if arguments else Reply("Run which command?", right)


def _as_run(text: str) -> str:
    """The arguments of ``exec`` as those of ``run``: ``-it web ls`` is ``web -- ls``."""
    found = _EXEC.fullmatch(text.strip())
    return f"{found['service']} -- {found['command']}" if found else text


def _shell_words(text: str) -> tuple[str, ...] | Reply:
    """The words as a shell splits them; nothing in them is expanded."""
    if len(text) > MOST_CHARACTERS:
        return Reply(f"The command is too long: at most {MOST_CHARACTERS} characters.")
    try:
        return tuple(shlex.split(_OPTION.sub("--", text.translate(_CURLY))))
    except ValueError:
        return Reply(
            "A quotation mark is not closed.", f"Close or leave it out: {quoted(text, 200)}"
        )


RUN: Final = CommandSpec(
    name="run",
    command=Run,
    usage="run SERVICE -- COMMAND…",
    summary="Run a command once in a new container with the service's image and settings.",
    examples=(
        ("run django -- python manage.py migrate", "a migration"),
        ("run shop/web -- sh -c 'ls /data | wc -l'", "with a shell, of another stack's service"),
    ),
    changes=True,
    parse=_run,
    keeps_text=True,
    also=("exec", "task", "migrate"),
    unlike="`run` starts a new container like the service's; it does not enter a running one.",
    meant=_as_run,
    notes=(
        (
            "The container has the service's image, entrypoint, environment, secrets, configs,"
            " networks, volumes, placement, limits and user; no ports, health check or aliases."
        ),
        "The words are passed as typed: no shell expands them, unless you call one.",
        (
            "The message ends with the exit code and the last lines; the whole output is a file in"
            " its thread. Everyone in the channel sees both; values that look secret are masked."
        ),
        "The command line is shown as well: pass secrets in the service's own secrets instead.",
        "Afterwards the container is removed. *Stop* ends it, and so does the time limit.",
    ),
)
