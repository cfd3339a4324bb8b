"""What a person typed, from the text of Slack's messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.commands.parser import parse
from bot.domain.commands.typed_text import after_name, behind_name, restored, typed
from bot.domain.commands.values import (
    Defaults,
    ImageTarget,
    ReadLogs,
    Reply,
    Run,
    Scale,
    ScaleTarget,
    Status,
    Update,
)

BOT = "U0BOT00001"
NAME = f"<@{BOT}>"


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        (f"{NAME} status", "status"),
        (f"{NAME}status", "status"),
        (f"  {NAME}\u00a0status", "\u00a0status"),
        (f"{NAME}: status", "status"),
        (f"{NAME}, status", "status"),
        (f"<@{BOT}|orochi> status", "status"),
        (f"{NAME} {NAME} status", "status"),
        (f"{NAME}\nstatus\n", "status"),
        (f"*{NAME} status*", "status"),
        (f"\u200b{NAME}\u200b status", "status"),
        (NAME, ""),
        (f"thanks {NAME}", None),
        ("status", None),
        ("<@U0ANN00001> status", None),
        (f"`{NAME} status`", None),
        (f"&gt; {NAME} status", None),
    ],
)
def test_only_a_text_that_begins_with_the_name_is_for_the_bot(text, rest):
    found = after_name(text, BOT)

    assert (found if found is None else restored(found)) == (
        rest if rest is None else restored(rest)
    )


def test_without_a_bot_no_text_is_for_it():
    assert after_name("<@> status", "") is None


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("run web -- sh -c 'ls &gt; /tmp/x &amp;&amp; ls'", "run web -- sh -c 'ls > /tmp/x && ls'"),
        ("logs\u00a0web", "logs web"),
        ("logs\u202fweb", "logs web"),
        ("`logs web`", "logs web"),
        ("```logs web```", "logs web"),
        ("```\nlogs web\n```", "logs web"),
        ("*logs web*", "logs web"),
        ("_logs web_", "logs web"),
        ("~logs web~", "logs web"),
        ("*`logs web`*", "logs web"),
        ("logs `web`", "logs `web`"),
        ("`logs` `web`", "`logs` `web`"),
        ("logs <http://shop.example|shop.example>", "logs shop.example"),
        ("see <https://reg.example/app:2>", "see https://reg.example/app:2"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("logs <#C123|general>", "logs #general"),
        ("logs <@U0ANN00001>", "logs @U0ANN00001"),
        ("hi <!here>", "hi @here"),
        ("\ufefflogs web\u200b", "logs web"),
        ("", ""),
        ("``", "``"),
    ],
)
def test_the_text_is_as_it_was_typed(text, plain):
    assert typed(restored(text)) == plain


@given(st.text(alphabet="ab <>&;|@#!ltgmp`*'", max_size=30))
def test_what_was_typed_survives_slacks_escapes(plain):
    """Whatever was typed, the parser sees exactly that: never less, never unescaped twice."""
    sent = plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    found = typed(restored(sent))

    assert found in plain
    assert plain.strip("`* \n") in found or not plain.strip("`* ")


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("status", Status()),
        ("`status`", Status()),
        ("scale\u00a0web 3", Scale((ScaleTarget("web", 3),))),
        ("logs web \u2014lines 5", ReadLogs("web", lines=5)),
        ("logs web \u2013lines 5", ReadLogs("web", lines=5)),
        ("logs \u201cweb\u201d", ReadLogs("web")),
        (
            "update web <http://reg.example/app:2|reg.example/app:2>",
            Update((ImageTarget("web", "reg.example/app:2"),)),
        ),
        ("run web -- echo &lt;b&gt; &amp;lt;", Run("web", ("echo", "<b>", "&lt;"))),
        ("run web \u2014 ls\u00a0-l", Run("web", ("ls", "-l"))),
        ("```run web -- sh -c 'a\nb'```", Run("web", ("sh", "-c", "a\nb"))),
    ],
)
def test_a_message_is_parsed_as_what_was_typed(text, command):
    assert parse(restored(text), Defaults(command="@orochi")) == command


def test_the_answer_to_what_is_not_understood_shows_how_to_type_it_there():
    said = parse("statsu", Defaults(command="@orochi"))
    alone = parse("statsu", Defaults(command=""))

    assert isinstance(said, Reply)
    assert isinstance(alone, Reply)
    assert "`@orochi status`" in said.hint
    assert "`status`" in alone.hint


def test_what_is_behind_the_last_mention():
    assert behind_name("web is down, <@U1> restart web", "U1") == "restart web"
    assert behind_name("<@U2> and <@U1|orochi>, <@U1>: status ", "U1") == "status"
    assert behind_name("thanks <@U1>!", "U1") == "!"
    assert behind_name("hello", "U1") == "hello"
