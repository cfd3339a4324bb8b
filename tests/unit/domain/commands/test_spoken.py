"""Messages that are commands in spite of how they are written."""

from __future__ import annotations

import pytest

from bot.domain.commands.spoken import as_command, meant_after
from bot.domain.commands.values import Defaults

HERE = Defaults(command="@orochi")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("/orochi ps", "ps"),
        ("orochi status", "status"),
        ("/Orochi  restart web", "restart web"),
        ("@orochi logs web", "logs web"),
        ("/orochi", ""),
        ("restart *web*", "restart web"),
        ("*restart* _web_", "restart web"),
        ("status.", "status"),
        ("Status!", "Status"),
        ("status?", "status"),
        ("- status", "status"),
        ("\u2022 restart web.", "restart web"),
        ("restart.", "restart"),
        ("scale 3.", "scale 3"),
    ],
)
def test_what_is_around_a_command_is_left_out(text, meant):
    assert as_command(text, "/orochi", HERE) == meant


@pytest.mark.parametrize(
    "text",
    [
        "status",
        "status orochi",
        "logs web --grep *x*",
        "logs --grep fatal.",
        "run web -- echo *x* done.",
        "run -- echo done.",
        "thanks!",
        "restart it now.",
        "?",
        "",
    ],
)
def test_anything_else_stays_as_it_is(text):
    assert as_command(text, "/orochi", HERE) == text


def test_a_command_behind_the_name_is_offered():
    assert meant_after("restart web", HERE) == "restart web"
    assert meant_after("is web down?", HERE) == ""
    assert meant_after("!", HERE) == ""
    assert meant_after("help", HERE) == ""
