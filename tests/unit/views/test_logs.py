"""What ``logs`` shows: the message, the file, and their limits."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wcwidth import wcswidth

from bot.domain.swarm.model import Look
from bot.domain.swarm.service_log import LogLine, ServiceLog, containing
from bot.views.logs import LINE_LENGTH, Asked, LogTexts, end_message, whole_message
from tests.unit.hostile import assert_slack_takes, hostile, shown
from tests.unit.looks import NODES, a_service, a_task

WEB = a_service(3, stack="stack")
FIRST, SECOND = a_task("t1", 1), replace(a_task("t2", 2), node_id=NODES[1].id)


def log(*texts, trouble=""):
    """Lines of the two tasks in turn."""
    tasks = (FIRST, SECOND)
    lines = (
        LogLine(5.0 + n, tasks[n % 2].id, tasks[n % 2].node_id, text)
        for n, text in enumerate(texts)
    )
    return ServiceLog(tuple(lines), trouble)


def texts_of(said, *tasks, nodes=NODES, asked=None):
    return LogTexts(WEB, Look(0.0, WEB, tasks or (FIRST, SECOND), nodes), said, asked or Asked())


def test_each_line_has_its_time_slot_and_node_in_short():
    texts = texts_of(log("hello", "world"))

    assert texts.lines() == ["00:00:05 1 m-01 | hello", "00:00:06 2 m-02 | world"]
    assert shown(whole_message(texts)).startswith("*stack_web*: 2 log lines · UTC")
    assert max(len(each.partition("|")[0]) for each in texts.lines()) <= 16


def test_lines_of_one_slot_on_one_node_have_the_time_alone():
    texts = texts_of(log("hello"))

    assert texts.lines() == ["00:00:05 hello"]
    assert texts.title == "*stack_web.1* on m-01"
    assert texts_of(log("hello"), a_task("t1", 0)).title == "*stack_web* on m-01"


def test_an_unknown_task_goes_by_its_id():
    lines = texts_of(log("x", "y"), a_task("other"), SECOND).lines()

    assert lines == ["00:00:05 t1 m-01 | x", "00:00:06 2 m-02  | y"]


def test_the_file_has_whole_times_and_names():
    assert texts_of(log("é\ud800")).file() == (
        b"1970-01-01T00:00:05.000000Z web.1@photon-machine-01 | \xc3\xa9?\n"
    )


def test_names_of_wide_characters_do_not_shift_the_lines():
    nodes = (replace(NODES[0], hostname="数据库"), *NODES[1:])

    assert len({wcswidth(line) for line in texts_of(log("x", "x"), nodes=nodes).lines()}) == 1


def test_a_short_log_is_shown_completely():
    said = log("a", "<!channel> & ```", trouble="The engine says: node away.")
    texts = texts_of(said, asked=Asked(since=600))
    message = whole_message(texts)

    assert_slack_takes(message)
    assert texts.is_short()
    assert "2 log lines from the last 10 min" in message.text
    assert "node away" in shown(message)
    assert "No log lines" in whole_message(texts_of(log())).text


def test_a_long_log_shows_its_end_and_where_the_rest_is():
    texts = texts_of(log(*(f"line {number}" for number in range(900))))
    message = end_message(texts, "All of them are in a file.")

    assert_slack_takes(message)
    assert not texts.is_short()
    assert "line 899" in shown(message)
    assert "line 0\n" not in shown(message)
    assert re.search(r"the last \d+ of 900 log lines", message.text)
    assert "All of them are in a file." in shown(message)


def test_a_long_line_is_cut_in_the_message_and_whole_in_the_file():
    """It does not use up the message: all lines around it are shown."""
    long = "x" * 3000
    texts = texts_of(log("before", long, *(f"line {number}" for number in range(40))))
    message = end_message(texts, "All of them are in a file.")

    assert_slack_takes(message)
    assert not texts.is_short()
    assert f"{'x' * (LINE_LENGTH - 1)}…\n" in shown(message)
    assert all(f"line {number}" in shown(message) for number in range(40))
    assert "before" in shown(message)
    assert "42 log lines, shortened" in message.text
    assert long in texts.file().decode()


def test_lines_that_contain_a_text_are_counted_with_those_that_were_searched():
    said = log("an Error", "fine", "ERROR again")
    found = containing(said, "error")
    texts = texts_of(found, asked=Asked(grep="error", searched=3))

    assert [line.text for line in found.lines] == ["an Error", "ERROR again"]
    assert texts.counted == "2 of the last 3 lines contain `error`"
    alone = texts_of(log("x"), asked=Asked(600, "x", 1))
    assert alone.counted == "the only line from the last 10 min contains `x`"
    none = texts_of(ServiceLog(()), asked=Asked(600, "a`b", 400))
    assert none.none == (
        "None of the last 400 log lines of *stack_web* from the last 10 min contains `a'b`."
    )
    only = texts_of(ServiceLog(()), asked=Asked(grep="x", searched=1))
    assert only.none == "The only log line of *stack_web* does not contain `x`."
    nothing = texts_of(ServiceLog(()), asked=Asked(grep="x"))
    assert nothing.none == "No log lines of *stack_web*."


def test_lines_of_another_day_have_their_date():
    """A line without a date is of today; one without a readable time has none."""
    day = 86400.0
    lines = tuple(
        LogLine(at, FIRST.id, FIRST.node_id, "x")
        for at in (3 * day + 5, 364 * day, 367 * day - 1, 367 * day + 7, 0.0)
    )
    texts = LogTexts(WEB, Look(367 * day + 9, WEB, (FIRST,), NODES), ServiceLog(lines), Asked())

    assert texts.lines() == [
        "1970-01-04 00:00:05 x",
        "1970-12-31 00:00:00 x",
        "Jan 2 23:59:59      x",
        "00:00:07            x",
        "no time             x",
    ]
    assert texts.file().decode().splitlines()[-1].startswith("no time  ")


@pytest.mark.parametrize("found", ["Straße ERROR", "x" * 260])
def test_a_long_line_is_cut_around_what_was_searched_for(found):
    text = f"{'ß' * 500} {found} {'-' * 400}"
    asked = Asked(grep=found.swapcase(), searched=9)
    (line,) = texts_of(ServiceLog((LogLine(5.0, "t1", "n1", text),)), asked=asked).lines()

    assert found[:100] in line
    assert len(line) == len("00:00:05 ") + LINE_LENGTH
    assert line.startswith("00:00:05 …")
    assert line.endswith("…")


def test_a_match_at_the_end_of_a_long_line_is_shown_with_what_is_before_it():
    said = ServiceLog((LogLine(5.0, "t1", "n1", f"{'x' * 500} end"),))
    (line,) = texts_of(said, asked=Asked(grep="END", searched=9)).lines()

    assert line == f"00:00:05 …{'x' * (LINE_LENGTH - 5)} end"


@settings(deadline=None)
@given(st.lists(hostile, max_size=60), hostile)
def test_any_log_can_be_shown(texts, where):
    made = texts_of(log(*texts, trouble=where), asked=Asked(grep=where, searched=len(texts)))
    if made.is_short():
        assert_slack_takes(whole_message(made))
    if texts:
        assert_slack_takes(end_message(made, where))
