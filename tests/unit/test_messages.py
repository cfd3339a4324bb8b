"""`docs/messages.md` is current, and shows every kind of message."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
import threading
from collections.abc import Iterator
from types import CodeType, FrameType, FunctionType

import pytest

import bot.views
from bot.domain.commands.table import COMMANDS
from bot.domain.incidents.model import IncidentState
from bot.domain.jobs.verdict import Verdict
from bot.domain.swarm.causes import CauseKind
from bot.domain.text.message import Block, Message
from bot.views.slack import blocks
from bot.views.slack.text import FENCE, link, mention, slack_date, slack_time
from bot.views.words import CAUSES, VERDICTS
from tests.messages.page import PAGE, page
from tests.messages.render import markdown
from tests.messages.sample import ANN, AT

PIECES = ("bot.views.slack.", "bot.views.pictures.")
"""The building blocks of messages and pictures, which the test does not look for."""


@pytest.fixture(scope="module")
def written() -> tuple[str, set[CodeType]]:
    """The expected page, and the code that ran to write it."""
    ran: set[CodeType] = set()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            ran.add(frame.f_code)

    before, in_threads = sys.getprofile(), threading.getprofile()
    sys.setprofile(note)
    threading.setprofile(note)
    try:
        text = page()
    finally:
        sys.setprofile(before)
        threading.setprofile(in_threads)
    return text, ran


def test_the_page_is_current(written: tuple[str, set[CodeType]]) -> None:
    text, _ = written

    assert PAGE.read_text(encoding="utf-8") == text, (
        "docs/messages.md is out of date. Write it anew: python -m tests.messages"
    )


def test_two_runs_write_the_same_page(written: tuple[str, set[CodeType]]) -> None:
    text, _ = written

    assert page() == text


def test_every_public_function_of_the_views_is_used(written: tuple[str, set[CodeType]]) -> None:
    _, ran = written
    unused = [name for name, function in functions() if function.__code__ not in ran]

    assert unused == []


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_is_shown(verdict: Verdict) -> None:
    assert f"> ### {VERDICTS[verdict]}: " in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", CauseKind)
def test_an_incident_of_every_cause_is_shown(kind: CauseKind) -> None:
    """A node's headline is a sentence about the node itself."""
    words = CAUSES[kind].removeprefix("the node ")
    headlines = [
        line
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("> ### 🚨 Firing: ") and line.endswith(f" {words}")
    ]

    assert headlines


@pytest.mark.parametrize("state", IncidentState)
def test_an_incident_of_every_state_is_shown(state: IncidentState) -> None:
    assert f"{state.value.capitalize()}: worker01: " in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("command", [row.name for row in COMMANDS])
def test_every_command_is_shown(command: str) -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert f"### `/orochi help {command}`\n" in text


def test_no_sentence_ends_twice() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert re.findall(r"(?<![./])[.?!][.](?![./]).*", text) == []


def test_what_the_bot_can_do_is_advised_as_its_own_command() -> None:
    """It removes no single service and not its own stack; tables are compared with docker's."""
    text = PAGE.read_text(encoding="utf-8")

    assert re.findall(r"docker (?:service|stack|node) (?!rm\b|ps\b|ls\b)\w+", text) == []


def functions() -> Iterator[tuple[str, FunctionType]]:
    """The public functions of the views whose result a person sees."""
    for module in pkgutil.walk_packages(bot.views.__path__, "bot.views."):
        for name, found in inspect.getmembers(importlib.import_module(module.name)):
            ours = inspect.isfunction(found) and found.__module__ == module.name
            piece = module.name.startswith(PIECES) and not name.endswith(("_picture", "_summary"))
            if ours and not piece and not name.startswith("_"):
                yield f"{module.name}.{name}", found


def shown(*made: Block, text: str = "", broadcast: bool = False) -> str:
    """A message of these blocks as Markdown."""
    return markdown(Message(text, made, broadcast=broadcast))


def test_a_header_a_paragraph_and_small_print_are_a_quotation() -> None:
    made = (
        blocks.header("❌ Failed: a*b"),
        blocks.section(f"*orochi_web* has `a &lt; b`\n    • by {mention(ANN)}"),
        blocks.context(f"At {slack_date(AT)}", f"as of {slack_time(AT)}"),
    )

    assert shown(*made).split("\n") == [
        r"> ### ❌ Failed: a\*b",
        ">",
        "> **orochi_web** has `a < b`\\",
        "> &emsp;• by @Ann",
        ">",
        "> <sub>At Mar 9, 2026 14:30</sub>\\",
        "> <sub>as of 14:30:00</sub>",
    ]


def test_a_code_block_is_separate() -> None:
    made = blocks.section(f"*Log:*\n{FENCE}\nx &lt; *y*\n{FENCE}")

    assert shown(made).split("\n") == ["> **Log:**", ">", "> ```text", "> x < *y*", "> ```"]


def test_buttons_show_their_confirmation() -> None:
    question = blocks.confirm("Roll back?", "A new job.", "Roll back", "No")
    row = [
        blocks.button("a", "Logs", "x"),
        blocks.button("b", "Roll back", "x", question) | {"style": "danger"},
    ]

    assert shown(blocks.actions(row)).split("\n") == [
        "> [Logs] **[Roll back]**\\",
        "> <sub>**[Roll back]** asks: **Roll back?** A new job. [Roll back] [No]</sub>",
    ]


def test_selects_fields_and_accessories_are_shown() -> None:
    choices = [{"text": {"type": "plain_text", "text": word}} for word in ("1 h", "4 h")]
    select = {
        "type": "static_select",
        "placeholder": {"type": "plain_text", "text": "Silence"},
        "options": choices,
    }
    fields = [{"type": "mrkdwn", "text": "*Node*"}, {"type": "mrkdwn", "text": "n1"}]
    section = {"type": "section", "fields": fields, "accessory": select}

    assert shown(section).split("\n") == [
        "> **Node**",
        ">",
        "> n1",
        ">",
        "> [Silence ▾ 1 h / 4 h]",
    ]


def test_links_become_links() -> None:
    made = blocks.section(link("https://example.com/a?b=1&c=2", "Timeline"))

    assert shown(made) == "> [Timeline](https://example.com/a?b=1&c=2)"


def test_a_different_fallback_text_is_shown() -> None:
    made = blocks.section("5/5 running.\nOn n1.")

    assert shown(made, text="5/5 running.") == shown(made)
    assert shown(made, text="Converged").split("\n") == [
        *shown(made).split("\n"),
        "",
        "Notification: Converged",
    ]


def test_a_message_without_blocks_is_its_text() -> None:
    assert shown(text="*Firing* again") == "> **Firing** again"


def test_an_unknown_block_is_an_error() -> None:
    with pytest.raises(ValueError, match="video"):
        shown({"type": "video"})


def test_the_sample_of_a_task_that_fits_nowhere_names_its_service() -> None:
    page = PAGE.read_text(encoding="utf-8")
    (sample,) = (each for each in page.split("\n### ") if "found no other node\n" in each)

    assert "**No other node fits:** orochi_worker01" in sample
