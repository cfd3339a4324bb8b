"""Classifies why a task failed, for verdicts and incidents.

The cause follows from the task's state, its error text (``Status.Err``) and its container's exit
code. The texts are those of the Docker Engine's swarm executor (moby
``daemon/cluster/executor/container``) and of swarmkit's scheduler. The first rule that applies is
used:

======================  =====================================  ==============
state                   text or code                           kind
======================  =====================================  ==============
pending                 any text (the scheduler's)             UNSCHEDULABLE
any                     ``unhealthy container``                UNHEALTHY
any                     what ``start_errors`` knows            of its table
any                     any other text that is not an exit     START_FAILED
failed                  exit 137 and a memory limit            OUT_OF_MEMORY
failed                  any other exit code                    EXIT_CODE
complete                none                                   ENDED
======================  =====================================  ==============

Whether a failure counts is decided elsewhere, by convergence and by incidents.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from bot.domain.errors import RegistryError
from bot.domain.swarm.model import Service, Task, TaskState
from bot.domain.swarm.program_errors import CODES, unexecutable
from bot.domain.swarm.start_errors import MORE_ADDRESSES, explained


class CauseKind(Enum):
    """Kinds of causes; a kind that corresponds to a verdict has the same value."""

    EXIT_CODE = "exit_code"
    OUT_OF_MEMORY = "out_of_memory"
    UNHEALTHY = "unhealthy"
    IMAGE_MISSING = "image_missing"
    PULL_DENIED = "pull_denied"
    PULL_FAILED = "pull_failed"
    NETWORK_FAILED = "network_failed"
    CONFIG_FAILED = "config_failed"
    MOUNT_FAILED = "mount_failed"
    UNSCHEDULABLE = "unschedulable"
    START_FAILED = "start_failed"
    NODE_DOWN = "node_down"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why one task failed.

    ``text`` is a plain sentence without its full stop; ``raw`` is the engine's own error text (may
    be empty). ``exit_code`` is the container's, None if no container ran. ``place`` is the slot, or
    the node id for a global service.
    """

    kind: CauseKind
    text: str
    raw: str = ""
    exit_code: int | None = None
    task_id: str = ""
    place: str = ""
    node_id: str = ""
    container_id: str = ""


EXIT_CODES: Final = {
    0: "ended by itself",
    1: "general error",
    2: "wrong usage, or a shell builtin failed",
    126: "a command could not be executed",
    127: "a command was not found",
    128: "the engine could not start it",
    130: "interrupted, SIGINT",
    132: "illegal instruction, SIGILL",
    134: "aborted, SIGABRT",
    135: "bus error, SIGBUS",
    136: "arithmetic error, SIGFPE",
    137: "killed, SIGKILL",
    139: "segmentation fault, SIGSEGV",
    141: "broken pipe, SIGPIPE",
    143: "terminated, SIGTERM",
    255: "exit status out of range, often -1",
}
"""Usual meanings of exit codes: sysexits and shells up to 127, 128 + signal above."""

KILLED: Final = 137
"""128 + SIGKILL: the exit code after a kill by the kernel's out-of-memory killer or ``kill -9``."""

REPLACED_BY_SWARM: Final = "assigned node no longer meets constraints"
"""Swarmkit's constraint enforcer rejects a task in order to move it; no container failed."""

_EXIT: Final = re.compile(r"^task: non-zero exit \(-?\d+\)\s*:?\s*")
_UNHEALTHY: Final = re.compile(r"unhealthy container|container is unhealthy", re.IGNORECASE)
_UNREACHABLE: Final = re.compile(
    r"connection refused|connection timed out|i/o timeout|no route to host"
    r"|host is (?:down|unreachable)|network is unreachable|connection reset",
    re.IGNORECASE,
)
_COMMAND: Final = re.compile(r'exec: "(?P<command>[^"]*)"')
_NO_SUCH_IMAGE: Final = "No such image: "
_MISSING_IMAGE: Final = re.compile(r"no such image: (?P<image>\S+)", re.IGNORECASE)
_DIGEST: Final = re.compile(r"(@sha256:[0-9a-f]{12})[0-9a-f]{52}")
_LAYERS: Final = re.compile(
    r"^(?:starting container failed|failed to create (?:shim )?task(?: for container)?"
    r"|OCI runtime create failed|runc create failed|unable to start container process"
    r"|error while mounting volume '[^']*'|failed to mount local volume): ",
    re.IGNORECASE,
)
_FAILURES: Final = {
    CauseKind.MOUNT_FAILED: "A volume could not be mounted",
    CauseKind.PULL_FAILED: "The image could not be pulled",
    CauseKind.NETWORK_FAILED: "The container could not join its network",
}
_MIB: Final = 1024 * 1024
_WITNESSES: Final = 4


def classify(task: Task, service: Service | None = None) -> Cause | None:
    """Why the task failed, or what prevents it from running; None if nothing is wrong.

    ``service`` is the task's service, if known: its memory limit and health check distinguish
    causes that look alike.
    """
    if not _tells_trouble(task):
        return None
    kind = _kind(task, service)
    return Cause(
        kind=kind,
        text=_text(kind, task, service),
        raw=task.err,
        exit_code=_code(task),
        task_id=task.id,
        place=task.place,
        node_id=task.node_id,
        container_id=task.container_id,
    )


def not_allocated(task: Task) -> Cause | None:
    """The cause if a task stays new; None if it is in another state.

    Swarmkit leaves it there, without an error, while a network of its service has no free address
    (``manager/allocator/network.go``; usually it takes milliseconds).
    """
    if task.state is not TaskState.NEW:
        return None
    text = "The task waits for an address: a network of the service may have none left"
    return Cause(CauseKind.NETWORK_FAILED, text, task_id=task.id, place=task.place)


def advice_on(cause: Cause) -> str:
    """The next step for what the cause's error is known to mean, as a sentence, or ""."""
    if cause.kind is CauseKind.NETWORK_FAILED and not cause.raw:
        return MORE_ADDRESSES
    known = explained(cause.raw)
    return known.advice if known and known.kind == cause.kind.value else ""


def is_unreachable(cause: Cause) -> bool:
    """Whether a volume could not be mounted because its server does not answer or refuses."""
    return cause.kind is CauseKind.MOUNT_FAILED and bool(_UNREACHABLE.search(cause.raw))


def with_oom(cause: Cause, killed: bool | None, limit: int) -> Cause:  # noqa: FBT001 (a fact)
    """The cause of an exit 137, updated with the engine's record.

    ``killed`` is whether the engine recorded that the kernel killed the container for memory, None
    if unknown; ``limit`` is the service's memory limit in bytes, 0 for none. Other causes, an
    unknown record and a kill by a health check leave the cause unchanged. A missing record is
    worded carefully, because the runtime loses some of these events (containerd, issue 8893).
    """
    fitting = cause.kind in {CauseKind.EXIT_CODE, CauseKind.OUT_OF_MEMORY}
    if killed is None or cause.exit_code != KILLED or not fitting:
        return cause
    if killed:
        return replace(cause, kind=CauseKind.OUT_OF_MEMORY, text=_out_of_memory(limit, sure=True))
    text = (
        f"The container was killed (exit {KILLED}, SIGKILL), but its engine recorded no "
        f"out-of-memory kill; {_memory_bound(limit)}"
    )
    return replace(cause, kind=CauseKind.EXIT_CODE, text=text)


def killed_alike(task: Task, tasks: Iterable[Task]) -> tuple[Task, ...]:
    """The other failed tasks of the same template that were killed (exit 137); the latest four."""
    alike = [
        each
        for each in tasks
        if each.state is TaskState.FAILED
        and each.exit_code == KILLED
        and each.up_to_date == task.up_to_date
        and each.id != task.id
    ]
    return tuple(sorted(alike, key=lambda each: each.since, reverse=True)[:_WITNESSES])


def killed_for_memory(records: Sequence[bool | None]) -> bool | None:
    """The combined records of containers that ended alike; None if they are inconclusive.

    An engine sometimes misses such a kill (see ``with_oom``), so a single yes is conclusive, and a
    no only if there are several. A record is None if it cannot be read.
    """
    if True in records:
        return True
    return False if records.count(False) > 1 else None


def with_probe(cause: Cause) -> Cause:
    """The cause after a failed health probe of the task was found.

    The swarm does not make this distinction: it stops an unhealthy container, and one that exits 0
    on SIGTERM looks as if it had completed.
    """
    if cause.kind is not CauseKind.ENDED:
        return cause
    text = "The health check did not pass, so the engine stopped the container"
    return replace(cause, kind=CauseKind.UNHEALTHY, text=text)


def with_log(cause: Cause, lines: str) -> Cause:
    """The cause updated with the container's last log lines: some say that nothing could run."""
    if cause.kind is not CauseKind.EXIT_CODE or cause.exit_code not in CODES:
        return cause
    text = unexecutable(lines)
    return replace(cause, kind=CauseKind.START_FAILED, text=text) if text else cause


def with_registry(cause: Cause, refusal: RegistryError | None) -> Cause:
    """The cause of a failed pull, updated with what the image's registry says.

    An engine before 29.7 says "No such image" after any failed pull. ``refusal`` is what the
    registry answers the bot, None if it has the image. What it says to the bot need not be what it
    said to the node, which may have another login and another way to it: only that it has no such
    image is the same for both.
    """
    if cause.kind is not CauseKind.IMAGE_MISSING:
        return cause
    known = cause.text.startswith(_NO_SUCH_IMAGE)
    image = f"`{cause.text.removeprefix(_NO_SUCH_IMAGE)}`" if known else "the image"
    if refusal is None:
        text = f"The node could not pull {image}, although its registry has it"
        return replace(cause, kind=CauseKind.PULL_FAILED, text=text)
    sentence = short_digests(refusal.sentence.rstrip("."))
    kind = CauseKind(refusal.kind)
    if kind is not CauseKind.IMAGE_MISSING:
        why = "its registry wants fewer requests" if refusal.limited else as_clause(sentence)
        what = "the image" if image in sentence else image
        sentence = f"The node could not pull {what}, and {why}"
    return replace(cause, kind=kind, text=sentence)


def as_clause(sentence: str) -> str:
    """A sentence for use within another one: it begins with a small letter."""
    return sentence[:1].lower() + sentence[1:]


def exit_words(code: int) -> str:
    """An exit code with its usual meaning: ``exit 137 (killed, SIGKILL)``."""
    meaning = EXIT_CODES.get(code, "")
    return f"exit {code} ({meaning})" if meaning else f"exit {code}"


def short_error(err: str) -> str:
    """The engine's error without prefixes that are meaningless to a reader, its digests cut."""
    text = _EXIT.sub("", err.strip())
    while (shorter := _LAYERS.sub("", text)) != text:
        text = shorter
    return short_digests(text)


def short_digests(text: str) -> str:
    """``app:2@sha256:3f9a1b2c3f9a…`` for an image pinned to a digest of 64 digits."""
    return _DIGEST.sub(r"\1…", text)


def human_bytes(count: int) -> str:
    """A number of bytes as people write limits: ``64 MiB``, ``1.5 GiB``."""
    if count >= 1024 * _MIB:
        return f"{count / (1024 * _MIB):.3g} GiB"
    return f"{count / _MIB:.4g} MiB"


def _tells_trouble(task: Task) -> bool:
    if task.state in {TaskState.FAILED, TaskState.REJECTED, TaskState.COMPLETE}:
        return True
    return not task.state.over and task.state is not TaskState.RUNNING and bool(task.err)


def _kind(task: Task, service: Service | None) -> CauseKind:
    if task.state is TaskState.PENDING:
        return CauseKind.UNSCHEDULABLE
    if task.state is TaskState.COMPLETE and not task.err:
        return CauseKind.ENDED
    if _UNHEALTHY.search(task.err):
        return CauseKind.UNHEALTHY
    if task.err and not _EXIT.match(task.err) and (known := explained(task.err)):
        return CauseKind(known.kind)
    return _kind_of_exit(task, service)


def _kind_of_exit(task: Task, service: Service | None) -> CauseKind:
    code = _code(task)
    if (task.err and not _EXIT.match(task.err)) or code is None:
        return CauseKind.START_FAILED
    if code == KILLED and service is not None and service.limit.memory:
        return CauseKind.OUT_OF_MEMORY
    return CauseKind.EXIT_CODE


def _code(task: Task) -> int | None:
    """The container's exit code; None for a rejected or pending task, which has none."""
    if task.state in {TaskState.REJECTED, TaskState.PENDING}:
        return None
    if task.state is TaskState.COMPLETE and task.exit_code is None:
        return 0
    if task.exit_code is not None:
        return task.exit_code
    found = re.search(r"non-zero exit \((-?\d+)\)", task.err)
    return int(found.group(1)) if found else None


def _text(kind: CauseKind, task: Task, service: Service | None) -> str:
    if kind is CauseKind.EXIT_CODE:
        said = exit_words(_code(task) or 0)
        return said[:1].upper() + said[1:]
    if kind is CauseKind.OUT_OF_MEMORY:
        return _out_of_memory(service.limit.memory if service else 0, sure=False)
    if kind is CauseKind.UNHEALTHY:
        return "The health check did not pass, so the engine stopped the container"
    if kind is CauseKind.IMAGE_MISSING:
        return _missing_image(task)
    known = explained(task.err)
    if known and known.text and known.kind == kind.value:
        return short_digests(known.text)
    if kind in _FAILURES:
        return f"{_FAILURES[kind]}: {short_error(task.err)}"
    if kind is CauseKind.UNSCHEDULABLE:
        return f"The scheduler found no place: {task.err}"
    if kind is CauseKind.ENDED:
        return _ended(service)
    return _start_failed(task)


def _out_of_memory(limit: int, *, sure: bool) -> str:
    bound = _memory_bound(limit)
    if sure:
        return f"The kernel killed the container for memory; {bound}"
    return f"Probably out of memory: the container was killed (exit {KILLED}) and {bound}"


def _memory_bound(limit: int) -> str:
    return f"its memory limit is {human_bytes(limit)}" if limit else "it has no memory limit"


def _missing_image(task: Task) -> str:
    found = _MISSING_IMAGE.search(task.err)
    image = found.group("image") if found else task.image
    return f"{_NO_SUCH_IMAGE}{short_digests(image)}" if image else short_error(task.err)


def _ended(service: Service | None) -> str:
    text = "The container ended with exit 0, as if its work were done"
    if service is not None and service.has_health_check:
        return f"{text}, or it was stopped as unhealthy and exits 0 on SIGTERM"
    return text


def _start_failed(task: Task) -> str:
    command = _COMMAND.search(task.err)
    code = _code(task)
    if command and code in {126, 127}:
        return f"The container could not start: {exit_words(code)}: {command.group('command')}"
    detail = short_error(task.err) or "the engine gave no reason"
    return f"The container could not start: {detail}"
