"""What ``logs`` shows: the message, the file, and their limits."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from wcwidth import wcswidth

from bot.domain.swarm.model import Look
from bot.domain.swarm.service_log import LogLine, ServiceLog
from bot.views.logs import LogTexts, end_message, is_short, whole_message
from tests.unit.hostile import assert_slack_takes, hostile, shown
from tests.unit.looks import NODES, a_service, a_task

WEB = a_service(3, stack="stack")


def log(*texts, trouble=""):
    return ServiceLog(tuple(LogLine(5.0, "t1", "n1", text) for text in texts), trouble)


def texts_of(*tasks):
    return LogTexts(WEB, Look(0.0, WEB, tasks or (a_task("t1", 2),), NODES))


def test_each_line_names_its_slot_and_node():
    assert texts_of().lines(log("hello")) == ["web.2@photon-machine-01 | hello"]
    assert texts_of(a_task("other")).lines(log("x")) == ["web.t1@photon-machine-01 | x"]
    assert texts_of(a_task("t1", 0)).lines(log("x")) == ["web@photon-machine-01 | x"]
    assert texts_of().file(log("é\ud800")) == (
        b"1970-01-01T00:00:05.000000Z web.2@photon-machine-01 | \xc3\xa9?\n"
    )


def test_names_of_wide_characters_do_not_shift_the_lines():
    nodes = (replace(NODES[0], hostname="数据库"), *NODES[1:])
    tasks = (a_task("t1", 1), replace(a_task("t2", 2), node_id=NODES[1].id))
    lines = (LogLine(5.0, "t1", NODES[0].id, "x"), LogLine(6.0, "t2", NODES[1].id, "x"))
    made = LogTexts(WEB, Look(0.0, WEB, tasks, nodes)).lines(ServiceLog(lines))

    assert len({wcswidth(line) for line in made}) == 1


def test_a_short_log_is_shown_completely():
    lines = texts_of().lines(log("a", "<!channel> & ```"))
    message = whole_message("stack_web", lines, 600, "The engine says: node away.")

    assert_slack_takes(message)
    assert is_short(lines)
    assert "2 log lines from the last 10 min" in message.text
    assert "node away" in shown(message)
    assert "No log lines" in whole_message("stack_web", [], 0, "").text


def test_a_long_log_shows_its_end_and_where_the_rest_is():
    lines = texts_of().lines(log(*(f"line {number}" for number in range(900))))
    message = end_message("stack_web", lines, "All of them are in a file.", "")

    assert_slack_takes(message)
    assert not is_short(lines)
    assert "line 899" in shown(message)
    assert "line 0\n" not in shown(message)
    assert re.search(r"the last \d+ of 900 log lines", message.text)
    assert "All of them are in a file." in shown(message)


def test_a_line_too_long_for_a_message_goes_to_a_file():
    """Also one that is short before its signs are escaped; in the message the cut is marked."""
    for text in ("x" * 3000, "<" * 800):
        lines = texts_of().lines(log("before", text))
        message = end_message("stack_web", lines, "All of them are in a file.", "")

        assert_slack_takes(message)
        assert not is_short(lines)
        assert "…" in shown(message)
        assert text in texts_of().file(log(text)).decode()
    assert is_short(texts_of().lines(log("x" * 2000)))


@settings(deadline=None)
@given(st.lists(hostile, max_size=60), hostile)
def test_any_log_can_be_shown(texts, where):
    lines = texts_of().lines(log(*texts))
    if is_short(lines):
        assert_slack_takes(whole_message("s", lines, 0, where))
    if lines:
        assert_slack_takes(end_message("s", lines, where, where))
