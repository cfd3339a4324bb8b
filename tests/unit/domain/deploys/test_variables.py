"""The variables of a compose file: which are not set, and how values are inserted."""

from __future__ import annotations

import pytest

from bot.domain.deploys.variables import (
    interpolated,
    nested_variables,
    unescaped_hashes,
    unset_variables,
)

USED = [
    ("$A", ["A"]),
    ("${A}", ["A"]),
    ("x-${A}:$B", ["A", "B"]),
    ("${A:-}", []),
    ("${A-x}", []),
    ("${A:?needed}", []),
    ("$$A", []),
    ("$$$A", ["A"]),
    ("${A:-$B}", []),
    ("${A:-${B}}", []),
    ("${A:-ops:$2y$05$abcDEFghi/xyz}", []),
    ("${A:-ops:$$2y$$05$$abcDEFghi}", []),
    ("ops:$2y$05$abcDEFghi/xyz", []),
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


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ops:$apr1$abcDEF$hij", True),
        ("$y$j9T$abc", True),
        ("ops:$$apr1$$abcDEF$$hij", False),
        ("${USERS:-ops:$apr1$abcDEF$hij}", False),
        ("$user$host", False),
        ("ops:$2y$05$abc", False),
    ],
)
def test_the_hash_of_a_password_is_no_variable(text: str, found: bool) -> None:
    """Its parts look like names; where the CLI refuses it by itself, it is left to the CLI."""
    document = {"services": {"web": {"labels": [text]}}}

    assert unescaped_hashes(document) == (("services.web.labels",) if found else ())


@pytest.mark.parametrize(
    ("text", "found"),
    [("${A:-${B}}", True), ("${A-x${B}}", True), ("${A:-$$B}", False), ("${A} ${B:-x}", False)],
)
def test_a_variable_within_a_default(text: str, found: bool) -> None:
    document = {"services": {"web": {"labels": {"l": text}}}}

    assert nested_variables(document) == (("services.web.labels.l",) if found else ())


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
    "${N:-ops:$2y$05$abc/x}": "ops:$2y$05$abc/x",
    "${N:-ops:$$2y$$05}": "ops:$$2y$$05",
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
