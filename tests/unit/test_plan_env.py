"""A stack's variables: what NAME.env may hold, and what a compose file leaves unset."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import RefusedError
from bot.domain.plan_env import interpolated, read_env, unset_variables

LINES = [
    ("A=1", {"A": "1"}),
    ("  A = 1  ", {"A": "1"}),
    ("export A=1", {"A": "1"}),
    ("A=", {"A": ""}),
    ("A=b=c", {"A": "b=c"}),
    ("A=1 # one", {"A": "1"}),
    ("A=1#2", {"A": "1#2"}),
    ("A=# nothing", {"A": ""}),
    ("A='x # y'", {"A": "x # y"}),
    ("A='a\\nb' # as it is", {"A": "a\\nb"}),
    ('A="x \\"y\\"\\n\\t$Z"', {"A": 'x "y"\n\t$Z'}),
    ('A="" # nothing', {"A": ""}),
    ("A=it's", {"A": "it's"}),
    ("# A=1", {}),
    ("", {}),
    ("A=1\nB=2\nA=3", {"A": "3", "B": "2"}),
    ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
    ("\ufeffA=1", {"A": "1"}),
    ("_a9=1", {"_a9": "1"}),
]

WRONG = [
    ("A", "line 1 has no ="),
    ("A=1\nsecret text\nB=2", "line 2 has no ="),
    ("9A=1", "line 1 has no name of a variable before its ="),
    ("A B=1", "line 1 has no name of a variable before its ="),
    ("=1", "line 1 has no name of a variable before its ="),
    ("A='x", "line 1 has a quote that is not closed, or text after it"),
    ('A="x" y', "line 1 has a quote that is not closed, or text after it"),
]


@pytest.mark.parametrize(("text", "expected"), LINES)
def test_lines_that_are_read(text: str, expected: dict[str, str]) -> None:
    assert read_env(text, "x.env") == expected


@pytest.mark.parametrize(("text", "told"), WRONG)
def test_lines_that_are_none_are_named_and_not_repeated(text: str, told: str) -> None:
    with pytest.raises(RefusedError) as caught:
        read_env(text, "x.env")

    assert caught.value.sentence == f"`x.env` cannot be read: {told}."
    assert caught.value.hint == "A line is KEY=VALUE."


def test_every_wrong_line_is_named() -> None:
    with pytest.raises(RefusedError, match="line 1 has no =; line 3 has no ="):
        read_env("one\nA=1\ntwo", "x.env")


@given(
    st.text(
        st.characters(codec="utf-8", exclude_characters="'\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
    )
)
def test_in_single_quotes_everything_stands_for_itself(value: str) -> None:
    assert read_env(f"A='{value}'", "x.env") == {"A": value}


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = read_env(text, "x.env")
    except RefusedError:
        return
    assert all(key.isidentifier() for key in found)


USED = [
    ("$A", ["A"]),
    ("${A}", ["A"]),
    ("x-${A}:$B", ["A", "B"]),
    ("${A:-}", []),
    ("${A-x}", []),
    ("${A:?needed}", []),
    ("$$A", []),
    ("$$$A", ["A"]),
    ("${A:-$B}", ["B"]),
    ("${A:-${B}}", ["B"]),
    ("${SET:-$B}", []),
    ("$SET ${SET}", []),
    ("100 $", []),
    ("$5", []),
]


@pytest.mark.parametrize(("text", "expected"), USED)
def test_what_is_used_and_not_set(text: str, expected: list[str]) -> None:
    document = {"services": {"web": {"command": [{"deep": text}], "$KEY": 5}}}

    assert list(unset_variables(document, {"SET": "1"})) == expected


def test_only_where_the_client_looks() -> None:
    """Extensions and comments are not interpolated, and odd documents have no variables."""
    document = {"version": "$A", "x-common": "$B", "networks": {"a": {"name": "$C"}}}

    assert unset_variables(document, {}) == ("C",)
    assert unset_variables(["$A"], {}) == ()
    assert unset_variables(None, {}) == ()


AS_THE_CLI = {
    "$A": "1",
    "${A}": "1",
    "${A:-d}": "1",
    "${E:-d}": "d",
    "${E-d}": "",
    "${N:-d}": "d",
    "${N-d}": "d",
    "${N:-a-b}": "a-b",
    "${N:--H x}": "-H x",
    "${N:-}": "",
    "${A:?no}": "1",
    "${N:-$A}": "$A",
    "${N:-${A}}": "${A}",
    "$$A": "$A",
    "$${A}": "${A}",
    "$N:-d": "d",
    "x${A}y$E.z": "x1y.z",
    "$N": "",
}
"""What `docker stack config` 28.2 makes of each."""


@pytest.mark.parametrize(("text", "value"), AS_THE_CLI.items())
def test_values_stand_in_place_of_variables_as_with_the_cli(text: str, value: str) -> None:
    assert interpolated({"a": [text, 1]}, {"A": "1", "E": ""}) == {"a": [value, 1]}
