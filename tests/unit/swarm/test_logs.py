"""The engine's log frames become readable lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.swarm.logs import MOST_BYTES, Demultiplexer, printable, readable


def _frame(text: bytes, stream: int = 1) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(text).to_bytes(4, "big") + text


def _demultiplexed(*pieces: bytes, most: int = 10**6) -> bytes:
    frames = Demultiplexer(most)
    for piece in pieces:
        frames.feed(piece)
    return frames.text()


@given(st.lists(st.tuples(st.binary(max_size=40), st.sampled_from([1, 2]))), st.integers(1, 50))
def test_frames_can_be_split_anywhere(frames: list[tuple[bytes, int]], size: int) -> None:
    body = b"".join(_frame(text, stream) for text, stream in frames)
    pieces = [body[at : at + size] for at in range(0, len(body), size)]

    assert _demultiplexed(*pieces) == b"".join(text for text, _ in frames)


def test_the_log_of_a_terminal_has_no_frames() -> None:
    assert _demultiplexed(b"hello ", b"world, this is a terminal") == (
        b"hello world, this is a terminal"
    )
    assert _demultiplexed(b"short") == b"short"


def test_the_engines_own_messages_are_not_log_lines() -> None:
    body = _frame(b"theirs", 2) + _frame(b"error grabbing logs", 3) + _frame(b" again")

    assert _demultiplexed(body) == b"theirs again"


def test_only_the_end_is_kept() -> None:
    assert _demultiplexed(_frame(b"a" * 100), _frame(b"the end"), most=10) == b"aaathe end"


def test_frames_are_kept_apart() -> None:
    framed, terminal = Demultiplexer(10), Demultiplexer()
    framed.feed(_frame(b"a" * 100) + _frame(b"own", 3) + _frame(b"bb") + _frame(b"the end"))
    terminal.feed(b"no frames here")

    assert framed.frames() == (b"a", b"bb", b"the end")
    assert terminal.frames() is None


def test_secrets_are_masked_before_the_log_is_cut() -> None:
    assert readable(b"DB_PASSWORD=hunter2\n", 5) == "DB_PASSWORD=\u2022\u2022\u2022"
    key = b"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n-----END PRIVATE KEY-----\n"
    assert "MIIE" not in readable(key, 2)


def test_the_engines_own_messages_are_kept_separately() -> None:
    frames = Demultiplexer()
    frames.feed(_frame(b"theirs", 2) + _frame(b"node n2 is not available", 3))

    assert (frames.text(), frames.own()) == (b"theirs", b"node n2 is not available")


def test_the_last_lines_are_kept() -> None:
    assert readable(b"one\ntwo\nthree\nfour\n\n", 2) == "three\nfour"
    assert readable(b"one\ntwo\n", 0) == ""
    assert readable(b"", 5) == ""


@pytest.mark.parametrize(
    ("log", "text"),
    [
        (b"\x1b[31mred\x1b[0m", "red"),
        (b"\x1b]0;title\x07shown", "shown"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b"\x1b[2K\x1b[1Gat the start", "at the start"),
        (b"10%\r50%\r100%\n", "100%"),
        (b"dos\r\nlines\r\n", "dos\nlines"),
        (b"nul\0bell\x07\ttab", "nulbell\ttab"),
        ("evil \u202etxt.exe".encode(), "evil txt.exe"),
        (b"not \xff utf-8", "not � utf-8"),
    ],
)
def test_escapes_and_control_characters_are_removed(log: bytes, text: str) -> None:
    assert readable(log, 10) == text


def test_the_size_is_limited() -> None:
    text = readable("ä".encode() * MOST_BYTES, 10)

    assert len(text.encode()) <= MOST_BYTES
    assert set(text) == {"ä"}


@given(st.binary(max_size=400))
def test_any_log_can_be_read(log: bytes) -> None:
    text = readable(log, 5)

    assert len(text.splitlines()) <= 400
    assert "\x1b" not in text


def test_what_a_progress_bar_overwrote_is_left_out() -> None:
    assert printable("a\n10 %\r20 %\rdone\nb\r\nc\r") == "a\ndone\nb\nc"


def test_a_line_of_a_million_characters_is_read_once() -> None:
    """It was searched again from each of its characters, which took half an hour."""
    assert printable("x" * 1_000_000) == "x" * 1_000_000
