"""Every command that is offered has exactly one handler, and every button of a message too."""

from __future__ import annotations

from typing import Any, cast, get_args

from bot.domain.commands.parser import parse
from bot.domain.commands.table import COMMANDS
from bot.domain.commands.values import Cancel, Defaults, Help, Pressed
from bot.jobs.context import Context
from handlers.table import handlers


def table() -> Any:
    """The handlers, over no ports at all: none is called."""
    return handlers(cast("Context", None))


def test_every_command_has_one_handler():
    """What the table of commands offers is answered, or begun as a job whose runner is there."""
    offered = {type(parse(row.examples[0][0], Defaults())) for row in COMMANDS} - {Help}
    served = [*table().answers, *table().shows, *table().begins]
    assert len(served) == len(set(served))
    assert set(served) - set(get_args(Pressed)) | {Cancel} == offered


def test_every_command_that_makes_a_job_has_its_runner():
    """A job's action is its command's word."""
    begun = {row.name for row in COMMANDS if row.command in table().begins}
    assert set(table().runners) == begun


def test_every_button_is_served():
    """The action ids of the contract that exist today; viewers may read logs and refresh."""
    assert {*table().presses, *table().job_presses} == {
        "home.refresh",
        "job.cancel",
        "job.confirm",
        "job.restart",
        "job.rollback",
        "incident.ack",
        "incident.logs",
        "incident.silence",
        "join.rotate",
    }
    assert table().looks == {"incident.logs", "home.refresh"}


def test_what_a_button_stands_for_is_answered():
    """Each press that is answered at once has its handler."""
    stands_for = {type(make("k3f9ab")) for make in table().presses.values()}
    assert stands_for == set(get_args(Pressed))
    assert stands_for <= set(table().answers)
