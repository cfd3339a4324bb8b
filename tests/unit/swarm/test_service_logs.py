"""A service's log: the lines of all tasks ordered by time, with their task, masked."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.errors import SwarmError
from bot.domain.swarm.service_log import LogLine, ServiceLog, containing, continued, newest
from bot.swarm.service_logs import DockerServiceLogs, log_lines, newest_lines


def head(second: int, task: str, node: str = "n1") -> str:
    details = ",".join(
        f"com.docker.swarm.{kind}.id={value}"
        for kind, value in (("node", node), ("service", "s"), ("task", task))
    )
    return f"2026-11-25T10:00:{second:02}.000000001Z {details} "


def told(text: str, count: int = 100, since: float = 0.0) -> list[tuple[str, str]]:
    return [(line.task_id, line.text) for line in log_lines(text, since, count)]


def test_lines_of_all_tasks_are_ordered_by_time() -> None:
    first, second = head(1, "a"), head(2, "b", "n2")
    text = f"{first}one\n{head(5, 'a')}five\n{second}two\n{second}two!\n"

    assert told(text) == [("a", "one"), ("b", "two"), ("b", "two!"), ("a", "five")]
    assert told(text, 2) == [("b", "two!"), ("a", "five")]
    assert told(text, 0) == []
    assert log_lines(text, 0.0, 9)[1].node_id == "n2"
    assert told(text, since=log_lines(text, 0.0, 9)[3].at) == [("a", "five")]


def test_the_parts_of_a_long_line_are_joined() -> None:
    frames = [f"{head(1, 'a')}first ", f"{head(2, 'b')}other\n", f"{head(1, 'a')}second\n"]
    lines = newest_lines(frames, 0.0, 9)

    assert [(line.task_id, line.text) for line in lines] == [("a", "first second"), ("b", "other")]


def test_a_prefix_within_a_message_is_text_of_the_container() -> None:
    """A container that prints other services' logs speaks for itself only."""
    forged = f"collector: {head(9, 't9', 'n9')}payment refused"
    text = f"{head(1, 'a')}{forged}\n{head(2, 'a')}ready\n"
    frames = [f"{head(1, 'a')}{forged}\n{head(9, 't9')}more\n", f"{head(2, 'a')}ready\n"]

    assert told(text) == [("a", forged), ("a", "ready")]
    assert {line.task_id for line in newest_lines(frames, 0.0, 9)} == {"a"}


def test_a_long_line_is_complete() -> None:
    long = "x" * 50_000

    assert told(f"{head(1, 'a')}{long}\n") == [("a", long)]


def test_the_rest_of_a_cut_line_is_dropped() -> None:
    assert told(f"word=hunter2\n{head(1, 'a')}one\n") == [("a", "one")]
    assert told("no heads at all") == []


def test_secrets_are_masked_and_control_characters_removed() -> None:
    text = f"{head(1, 'a')}PASSWORD=hunter2\n{head(2, 'a')}\x1b[31mred\x1b[0m\x00\n"

    assert told(text) == [("a", "PASSWORD=•••"), ("a", "red")]


def test_a_multi_line_key_is_masked_between_lines_of_other_tasks() -> None:
    lines = ["-----BEGIN PRIVATE KEY-----", "MIIEvQIBADANBgkqhkiG9w0B", "-----END PRIVATE KEY-----"]
    text = "".join(
        f"{head(second, 'a')}{line}\n{head(second, 'b')}hello\n"
        for second, line in enumerate(lines)
    )

    assert ("a", "•••") in told(text)
    assert told(text).count(("b", "hello")) == 3


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_answer_can_be_parsed(text: str) -> None:
    for line in log_lines(f"{head(1, 'a')}{text}", 0.0, 50):
        assert "\n" not in line.text


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from("ab"))),
    st.integers(0, 5),
    st.integers(0, 9),
)
def test_the_newest_lines_keep_their_order(
    written: list[tuple[int, str]], since: int, count: int
) -> None:
    lines = [LogLine(float(at), task, "", str(i)) for i, (at, task) in enumerate(written)]
    chosen = newest(lines, float(since), count)

    assert len(chosen) == min(count, sum(line.at >= since for line in lines))
    assert [line.at for line in chosen] == sorted(line.at for line in chosen)
    for task in "ab":
        ours = [line for line in chosen if line.task_id == task]
        assert all(a.at < b.at or int(a.text) < int(b.text) for a, b in pairwise(ours))


async def test_what_is_done_meanwhile_is_done_even_if_the_log_cannot_be_read() -> None:
    """The error comes afterwards."""
    done: list[str] = []

    async def call(_work: object, **_: object) -> None:
        raise SwarmError("The engine does not follow logs.")

    async def work() -> None:
        done.append("stopped")

    connection: Any = SimpleNamespace(call=call)
    with pytest.raises(SwarmError, match="does not follow logs"):
        await DockerServiceLogs(connection).log_while("s1", 10, work)

    assert done == ["stopped"]


def test_a_later_reading_continues_a_log() -> None:
    """With the lines that the first one lacks."""
    first = ServiceLog((LogLine(1.0, "t", "n", "a"), LogLine(2.0, "t", "n", "b")), "Late.")
    later = ServiceLog((LogLine(2.0, "t", "n", "b"), LogLine(3.0, "t", "n", "c")))

    assert [line.text for line in continued(first, later).lines] == ["a", "b", "c"]
    assert continued(first, later).trouble == "Late."
    assert continued(ServiceLog(()), later) == later


def test_only_the_tasks_asked_for_are_counted() -> None:
    """The last lines of one slot, although others wrote more since."""
    frames = [f"{head(n, 'b' if n > 2 else 'a')}line {n}\n" for n in range(9)]
    lines = newest_lines(frames, 0.0, 2, frozenset({"a"}))

    assert [(line.task_id, line.text) for line in lines] == [("a", "line 1"), ("a", "line 2")]


def test_masked_values_are_not_found() -> None:
    """A search does not say what a masked value contains."""
    found = newest_lines([f"{head(1, 'a')}PASSWORD=hunter2secret\n"], 0.0, 9)

    assert containing(ServiceLog(found), "hunter2").lines == ()
    assert containing(ServiceLog(found, "cut"), "password") == ServiceLog(found, "cut")
