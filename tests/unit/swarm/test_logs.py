"""Logs come out of the engine's frames fit for reading."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.swarm.logs import MOST_BYTES, Demultiplexer, readable


def _frame(text: bytes, stream: int = 1) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(text).to_bytes(4, "big") + text


def _demultiplexed(*pieces: bytes, most: int = 10**6) -> bytes:
    frames = Demultiplexer(most)
    for piece in pieces:
        frames.feed(piece)
    return frames.text()


@given(st.lists(st.tuples(st.binary(max_size=40), st.sampled_from([1, 2]))), st.integers(1, 50))
def test_frames_may_be_cut_anywhere(frames: list[tuple[bytes, int]], size: int) -> None:
    body = b"".join(_frame(text, stream) for text, stream in frames)
    pieces = [body[at : at + size] for at in range(0, len(body), size)]

    assert _demultiplexed(*pieces) == b"".join(text for text, _ in frames)


def test_the_log_of_a_terminal_has_no_frames() -> None:
    assert _demultiplexed(b"hello ", b"world, this is a terminal") == (
        b"hello world, this is a terminal"
    )
    assert _demultiplexed(b"short") == b"short"


def test_what_the_engine_says_of_its_own_is_no_log() -> None:
    body = _frame(b"theirs", 2) + _frame(b"error grabbing logs", 3) + _frame(b" again")

    assert _demultiplexed(body) == b"theirs again"


def test_only_the_end_is_kept() -> None:
    assert _demultiplexed(_frame(b"a" * 100), _frame(b"the end"), most=10) == b"aaathe end"


def test_what_looks_secret_is_masked_before_anything_is_cut() -> None:
    assert readable(b"DB_PASSWORD=hunter2\n", 5) == "DB_PASSWORD=\u2022\u2022\u2022"
    key = b"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n-----END PRIVATE KEY-----\n"
    assert "MIIE" not in readable(key, 2)


def test_what_the_engine_says_of_its_own_is_kept_apart() -> None:
    frames = Demultiplexer()
    frames.feed(_frame(b"theirs", 2) + _frame(b"node n2 is not available", 3))

    assert (frames.text(), frames.own()) == (b"theirs", b"node n2 is not available")


def test_the_last_lines_are_taken() -> None:
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
def test_escapes_and_control_characters_are_gone(log: bytes, text: str) -> None:
    assert readable(log, 10) == text


def test_it_never_is_too_much() -> None:
    text = readable("ä".encode() * MOST_BYTES, 10)

    assert len(text.encode()) <= MOST_BYTES
    assert set(text) == {"ä"}


@given(st.binary(max_size=400))
def test_no_log_is_too_strange(log: bytes) -> None:
    text = readable(log, 5)

    assert len(text.splitlines()) <= 400
    assert "\x1b" not in text
