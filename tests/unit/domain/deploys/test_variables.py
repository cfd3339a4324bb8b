"""The variables of a compose file: which are not set, and how values are inserted."""

from __future__ import annotations

import pytest

from bot.domain.deploys.variables import interpolated, unset_variables

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
def test_used_variables_that_are_not_set(text: str, expected: list[str]) -> None:
    document = {"services": {"web": {"command": [{"deep": text}], "$KEY": 5}}}

    assert list(unset_variables(document, {"SET": "1"})) == expected


def test_variables_count_only_where_the_client_interpolates() -> None:
    """Extensions and comments are not interpolated, and unusual documents have no variables."""
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
"""The results of `docker stack config` 28.2."""


@pytest.mark.parametrize(("text", "value"), AS_THE_CLI.items())
def test_values_are_inserted_as_the_cli_does(text: str, value: str) -> None:
    assert interpolated({"a": [text, 1]}, {"A": "1", "E": ""}) == {"a": [value, 1]}
