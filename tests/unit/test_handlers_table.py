"""Every command that is offered has exactly one handler, and every button of a message too."""

from __future__ import annotations

from typing import Any, cast

from bot.domain.command import Defaults, Help
from bot.domain.commands import COMMANDS
from bot.domain.parser import parse
from handlers.context import Context
from handlers.table import handlers


def table() -> Any:
    """The handlers, over no ports at all: none is called."""
    return handlers(cast("Context", None))


def test_every_command_has_one_handler():
    """What the table of commands offers is answered, or begun as a job whose runner is there."""
    offered = {type(parse(row.examples[0][0], Defaults())) for row in COMMANDS} - {Help}
    served = [*table().answers, *table().begins]
    assert len(served) == len(set(served))
    assert set(served) == offered


def test_every_button_of_a_job_is_served():
    """The action ids of the contract that exist today."""
    assert {*table().presses, *table().job_presses} == {"job.cancel", "job.rollback"}
