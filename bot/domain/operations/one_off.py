"""One-off tasks: their names and labels, and what the end of one means."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from bot.domain.commands.names import LONGEST_SERVICE_NAME
from bot.domain.errors import RefusedError
from bot.domain.incidents.events import ALERTS_LABEL
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.swarm.causes import CauseKind, as_clause, exit_words
from bot.domain.swarm.model import Service
from bot.domain.text.command_words import without_passwords
from bot.domain.text.redaction import MASK, masked

ACTION: Final = "run"
LABEL: Final = "orochi-bot.run"
"""The label of a one-off task's service: the id of its job."""
OF_LABEL: Final = "orochi-bot.run-of"
"""The full name of the service that it is like."""
SHOWN: Final = 7
MOST_SHOWN: Final = 2000
"""Lines and characters of output in the message."""
_PLAIN: Final = re.compile(rf"[\w@%+:,./{MASK}-]+", re.ASCII)
_STAND_IN: Final = "Zq7standin"
_NOT_FOUND: Final = 127
_LOGIN: Final = "Check the registry and the bot's login (`REGISTRY_AUTH`), then run it again."
_ADVICE: Final = {
    Verdict.UNSCHEDULABLE: "Make room, or allow more nodes, then run it again.",
    Verdict.IMAGE_MISSING: "Push the image, then run it again.",
    Verdict.PULL_DENIED: _LOGIN,
    Verdict.PULL_FAILED: _LOGIN,
    Verdict.OUT_OF_MEMORY: "Raise the service's memory limit, then run it again.",
    Verdict.FAILED: "Correct it, then run it again.",
    Verdict.SUPERSEDED: "Run it again if it is still needed.",
}
_LOST: Final = (
    "Check what it did before you run it again. It may still run there, until the node is back."
)
_REMOVED: Final = "Someone removed its service, so the command was interrupted."


def name_of(service: Service, job: str) -> str:
    """The name of a one-off task's service: ``orochi_run-k3f9ab``, at most 63 characters."""
    stack, end = service.stack, f"run-{job}"
    room = LONGEST_SERVICE_NAME - len(end) - 1
    return f"{stack[:room]}_{end}" if stack else end


def check_runnable(service: Service) -> None:
    """Raise RefusedError for a service without containers: a plugin's, or a network attachment."""
    if not service.image:
        raise RefusedError(
            f"`{service.short_name}` has no containers, so no command can run in one like them."
        )


def labels_of(service: Service, job: str) -> dict[str, str]:
    """Labels that tell whose it is; it is no part of the stack, and raises no alerts."""
    return {LABEL: job, OF_LABEL: service.name, ALERTS_LABEL: "off"}


def job_of(labels: Mapping[str, str]) -> str:
    """The id of the job of a one-off task's service, "" for any other service."""
    return labels.get(LABEL, "")


def is_one_off(service: Service) -> bool:
    """Whether a service is that of a one-off task: by its label, its name and its mode."""
    job = job_of(service.labels)
    return bool(job) and service.mode.is_job and service.name.endswith(f"run-{job}")


def shown_command(arguments: Iterable[str]) -> str:
    """The command as it would be typed in a shell; values that look secret are masked.

    Short options are judged by the rules of ``bot.domain.text.command_words``. A value that
    needs quotation marks is masked whole: masks end a value at a space or a mark.
    """
    words, hidden = [], {}
    for number, word in enumerate(without_passwords([*arguments])):
        name, equals, value = word.partition("=")
        kept, rest = (f"{name}=", value) if equals and _PLAIN.fullmatch(name) else ("", word)
        if not _PLAIN.fullmatch(rest):
            stand_in = f"{_STAND_IN}{number:04}q"
            hidden[stand_in], rest = shlex.quote(masked(rest)), stand_in
        words.append(f"{kept}{rest}")
    said = masked(" ".join(words))
    for stand_in, word in hidden.items():
        said = said.replace(stand_in, word)
    return said


def judged(outcome: Outcome) -> Outcome:
    """The outcome of a task, said of its command, which is not there any more to be looked at."""
    if outcome.verdict is Verdict.COMPLETED:
        return replace(outcome, reason="The command ended with exit 0.")
    cause, advice = outcome.cause, _ADVICE.get(outcome.verdict, outcome.advice)
    if cause is not None and cause.kind is CauseKind.NODE_DOWN:
        return replace(outcome, reason=f"{cause.text}.", advice=_LOST)
    if outcome.verdict is Verdict.SUPERSEDED:
        return replace(outcome, reason=_REMOVED, advice=advice)
    if cause is None or outcome.verdict not in {Verdict.FAILED, Verdict.OUT_OF_MEMORY}:
        return replace(outcome, advice=advice)
    if cause.kind is CauseKind.EXIT_CODE and cause.exit_code:
        advice = "Does the image have that program?" if cause.exit_code == _NOT_FOUND else ""
        reason = f"The command ended with {exit_words(cause.exit_code)}."
        return replace(outcome, reason=reason, advice=advice, cause=None)
    return replace(outcome, reason=f"{cause.text}.", advice=advice)


def with_output(
    outcome: Outcome, lines: tuple[str, ...], more: str = "", *, cut: bool = False
) -> Outcome:
    """The outcome with the last lines of the command's output; ``more`` is what else to say.

    ``cut`` says that there were lines before these.
    """
    last = "\n".join(lines[-SHOWN:])
    title = "The end of the output" if cut or not whole_is_shown(lines) else "Output"
    said = " ".join(filter(None, [outcome.reason, more]))
    return replace(outcome, reason=said, evidence=last[-MOST_SHOWN:], evidence_title=title)


def file_of(lines: Sequence[str], trouble: str) -> bytes:
    """The output as a file; ``trouble`` is what is missing of it, "" for nothing."""
    said = (f"[{trouble}]",) if trouble else ()
    return "\n".join((*lines, *said)).encode("utf-8", "replace")


def about_file(trouble: str) -> str:
    """What the message says of a file that has not the whole output."""
    return f"The file is incomplete: {as_clause(trouble)}" if trouble else ""


def whole_is_shown(lines: Sequence[str]) -> bool:
    """Whether the message has the whole output."""
    return len(lines) <= SHOWN and sum(map(len, lines)) < MOST_SHOWN
