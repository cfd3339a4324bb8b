"""Which commands must be queued before which: those that may be about the same service."""

from __future__ import annotations

from bot.domain.commands.names import short_name
from bot.domain.commands.parser import parse
from bot.domain.commands.values import (
    Activate,
    Command,
    Defaults,
    Deploy,
    Drain,
    Reply,
    Restart,
    RollBack,
    Scale,
)
from bot.domain.jobs.model import Job

TYPED = "command"
"""A pending command's action when the command was typed; else it is a button's action id."""


def typed(action: str, text: str, defaults: Defaults) -> Command | Reply | None:
    """What was typed in a pending command, None for a pressed button."""
    return parse(text, defaults) if action == TYPED else None


def may_concern(command: Command | Reply | None, job: Job) -> bool:
    """Whether a pending command may be about a service of the job.

    A pressed button (None) may be about any. Names are compared without the stack's prefix and
    without regard to case: too much waiting does no harm, too little breaks the order.
    """
    if command is None:
        return True
    if isinstance(command, Drain | Activate):
        return any(target.is_node for target in job.targets)  # it may be named by its id
    if isinstance(command, Deploy):
        return command.yes and command.stack in {None, job.stack}  # else it is asked about first
    if isinstance(command, RollBack) and command.service is None:
        return command.yes
    named = {_key(job.stack, name) for name in _changed(command)}
    return bool(named & {_key(job.stack, lane) for lane in job.lanes})


def _changed(command: Command | Reply) -> tuple[str, ...]:
    """The services that a command changes, as they were typed."""
    match command:
        case Scale(targets):
            return tuple(target.service for target in targets)
        case Restart(service):
            return (service,)
        case RollBack(str(service)):
            return (service,)
        case _:
            return ()


def _key(stack: str, name: str) -> str:
    return short_name(stack, name).lower()
