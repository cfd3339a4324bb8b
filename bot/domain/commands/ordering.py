"""Decides which commands must be queued before which: those that may affect the same service."""

from __future__ import annotations

from collections.abc import Iterable

from bot.domain.commands.names import SLASH
from bot.domain.commands.parser import parse
from bot.domain.commands.values import (
    Activate,
    Command,
    Defaults,
    Deploy,
    Drain,
    Reply,
    Restart,
    Resume,
    RollBack,
    Scale,
    Update,
)
from bot.domain.jobs.model import Job

TYPED = "command"
"""Action of a pending command that was typed; for a button it is the action id."""


def typed(action: str, text: str, defaults: Defaults) -> Command | Reply | None:
    """The parsed command of a pending command, None for a button press."""
    return parse(text, defaults) if action == TYPED else None


def may_concern(command: Command | Reply | None, job: Job) -> bool:
    """Whether a pending command may affect one of the job's services.

    A button press (None) may affect any service. Names are compared without their stacks and
    without case: waiting too often is harmless, waiting too little breaks the order.
    """
    if command is None:
        return True
    if isinstance(command, Drain | Activate):
        return any(target.is_node for target in job.targets)  # a node can also be given by its id
    if isinstance(command, Update) and not command.targets:
        return command.yes and command.stack in {None, job.stack}
    if isinstance(command, Deploy):
        return command.yes and command.stack in {None, job.stack}  # otherwise it asks first
    if isinstance(command, RollBack) and command.service is None:
        return command.yes
    return any(_may_mean(name, lane) for name in _changed(command) for lane in job.lanes)


def newest_after(
    sent: float, command: Command, jobs: Iterable[Job], *, but: tuple[str, str]
) -> Job | None:
    """The newest job on what a command changes that began after the time it was sent.

    ``but`` are the person and the text of the command's own job, which is none: its message comes
    again if the replica that took it was lost.
    """
    newer = (
        job
        for job in jobs
        if job.created > sent and (job.user, job.text) != but and may_concern(command, job)
    )
    return max(newer, key=lambda job: job.created, default=None)


def _changed(command: Command | Reply) -> tuple[str, ...]:
    """The services that a command changes, as typed."""
    match command:
        case Scale(targets) | Update(targets):
            return tuple(target.service for target in targets)
        case Restart(service) | Resume(service):
            return (service,)
        case RollBack(str(service)):
            return (service,)
        case _:
            return ()


def _may_mean(typed: str, full_name: str) -> bool:
    """Whether a typed name may be that of a service, whatever its stack."""
    name, full = typed.rpartition(SLASH)[2].lower(), full_name.lower()
    return full == name or full.endswith(f"_{name}")
