"""Every offered command and every button of a message has exactly one handler."""

from __future__ import annotations

from typing import Any, cast, get_args

from bot.domain.commands.parser import parse
from bot.domain.commands.table import COMMANDS
from bot.domain.commands.values import Cancel, Defaults, Help, Pressed
from bot.jobs.context import Context
from handlers.table import handlers


def table() -> Any:
    """The handlers, without ports: none is called."""
    return handlers(cast("Context", None))


def test_every_command_has_one_handler():
    """Each offered command is answered, or started as a job that has a runner."""
    offered = {type(parse(row.examples[0][0], Defaults())) for row in COMMANDS} - {Help}
    served = [*table().answers, *table().shows, *table().begins]
    assert len(served) == len(set(served))
    assert set(served) - set(get_args(Pressed)) | {Cancel} == offered


def test_every_command_that_creates_a_job_has_its_runner():
    """A job's action is its command's word."""
    begun = {row.name for row in COMMANDS if row.command in table().begins}
    assert set(table().runners) == begun


def test_every_button_is_served():
    """The existing action ids of the contract; viewers may read logs and refresh."""
    assert {*table().presses, *table().job_presses} == {
        "home.refresh",
        "job.cancel",
        "job.confirm",
        "job.restart",
        "job.rollback",
        "image.update",
        "incident.ack",
        "incident.logs",
        "incident.silence",
        "join.rotate",
    }
    assert table().looks == {"incident.logs", "home.refresh"}


def test_every_immediate_button_is_answered():
    """Each press that is answered at once has its handler."""
    stands_for = {type(make("k3f9ab")) for make in table().presses.values()}
    assert stands_for == set(get_args(Pressed))
    assert stands_for <= set(table().answers)
