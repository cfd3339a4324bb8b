"""The syntax of NAME.env: an invalid line is refused with its number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import RefusedError
from bot.swarm.stacks.env_file import read_env

PEM = {"A": "-----BEGIN-----\nYWI9Yw==\nYQ=\n-----END-----"}

LINES = [
    ("A=1", {"A": "1"}),
    ("  A = 1  ", {"A": "1"}),
    ("export A=1", {"A": "1"}),
    ("A=", {"A": ""}),
    ("A=b=c", {"A": "b=c"}),
    ("A=1 # one", {"A": "1"}),
    ("A=1#2", {"A": "1#2"}),
    ("A= # nothing", {"A": ""}),
    ("A=#1", {"A": "#1"}),
    ("A='x # y'", {"A": "x # y"}),
    ("A='a\\nb' # as it is", {"A": "a\\nb"}),
    ('A="x \\"y\\"\\n\\t$Z"', {"A": 'x "y"\n\t$Z'}),
    ('A="C:\\\\bin \\d"', {"A": "C:\\bin \\d"}),
    ("A='it\\'s'", {"A": "it's"}),
    ("A='a\\q'", {"A": "a\\q"}),
    ('A=b="\\$c"', {"A": 'b="\\$c"'}),
    ("A=\\\\server\\share", {"A": "\\\\server\\share"}),
    ("A='-----BEGIN-----\nYWI9Yw==\nYQ=\n-----END-----'\nB=2", PEM | {"B": "2"}),
    ("A=a\x0bb\u2028c\x85d", {"A": "a\x0bb\u2028c\x85d"}),
    ("export\tA=1", {"A": "1"}),
    ("'A'=1", {"A": "1"}),
    ("A=$B ${C} `d`", {"A": "$B ${C} `d`"}),
    ("A=1\rB=2", {"A": "1", "B": "2"}),
    ('A="" # nothing', {"A": ""}),
    ("A=it's", {"A": "it's"}),
    ("# A=1", {}),
    ("", {}),
    ("A=1\nB=2\nA=3", {"A": "3", "B": "2"}),
    ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
    ("\ufeffA=1", {"A": "1"}),
    ("_a9=1", {"_a9": "1"}),
]

TWO_WAYS = "has a backslash that can be read in two ways: write the value without quotes"

WRONG = [
    ("A", "line 1 has no ="),
    ("A=1\nsecret text\nB=2", "line 2 has no ="),
    ("9A=1", "line 1 has no variable name before its ="),
    ("A B=1", "line 1 has no variable name before its ="),
    ("=1", "line 1 has no variable name before its ="),
    ("A='x", "line 1 has an unclosed quote, or text after a quote"),
    ("A='x\nB=2\n# the hosts'", "line 1 has an unclosed quote, or text after a quote"),
    ('A="x\nexport B=2"', "line 1 has an unclosed quote, or text after a quote"),
    ("\n\r\n \nA", "line 4 has no ="),
    ("A=1\n\n# B\n\nC", "line 5 has no ="),
    ("A # b=1", "line 1 has no ="),
    ("export A", "line 1 has no ="),
    ("export =1", "line 1 has no variable name before its ="),
    ("A.B=1", "line 1 has no variable name before its ="),
    ("'A B'=1", "line 1 has no variable name before its ="),
    ("É=1", "line 1 has no variable name before its ="),
    ("A=x\0y", "line 1 has a NUL character"),
    *((text, f"line 1 {TWO_WAYS}") for text in ('A="\\$B"', 'A="C:\\bin"', "A='\\\\x'")),
    ('A="\\\'"', f"line 1 {TWO_WAYS}"),
    ('A="x" y', "line 1 has an unclosed quote, or text after a quote"),
]


@pytest.mark.parametrize(("text", "expected"), LINES)
def test_valid_lines(text: str, expected: dict[str, str]) -> None:
    assert read_env(text, "x.env") == expected


@pytest.mark.parametrize(("text", "told"), WRONG)
def test_invalid_lines_are_named_without_their_content(text: str, told: str) -> None:
    with pytest.raises(RefusedError) as caught:
        read_env(text, "x.env")

    assert caught.value.sentence == f"`x.env` cannot be read: {told}."
    assert caught.value.hint == "Write each line as KEY=VALUE."


def test_every_invalid_line_is_named() -> None:
    with pytest.raises(RefusedError, match="line 1 has no =; line 3 has no ="):
        read_env("one\nA=1\ntwo", "x.env")


@given(st.text(st.characters(codec="utf-8", exclude_characters="'\\\0\r\n")))
def test_everything_in_single_quotes_is_literal(value: str) -> None:
    assert read_env(f"A='{value}'", "x.env") == {"A": value}


@given(st.text(max_size=200))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        found = read_env(text, "x.env")
    except RefusedError:
        return
    assert all(key.isidentifier() for key in found)
