"""The variables of a compose file: finds unset ones and substitutes the others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

INTERPOLATED: Final = ("services", "volumes", "networks", "secrets", "configs")
"""The sections of a compose file in which the docker CLI looks for variables."""

_VARIABLE: Final = re.compile(
    r"\$(?:(?P<escaped>\$)"
    r"|(?P<named>[_a-z][_a-z0-9]*)(?P<plain>:?[-?][^}]+)?"
    r"|\{(?P<braced>[_a-z][_a-z0-9]*)(?P<rest>[^}]*)\}?)",
    re.IGNORECASE,
)


def unset_variables(document: object, variables: Mapping[str, str]) -> tuple[str, ...]:
    """The names of variables that a compose file uses without a default and that are not set.

    The docker CLI silently substitutes an empty string for them. ``${X:?text}`` is not included:
    for that the CLI itself refuses the file.
    """
    if not isinstance(document, Mapping):
        return ()
    texts = (text for part in INTERPOLATED for text in _texts(document.get(part)))
    return tuple(sorted({name for text in texts for name in _unset(text, variables)}))


def interpolated(part: object, variables: Mapping[str, str]) -> object:
    """A part of a compose file with its variables substituted as the docker CLI does it.

    An unset variable without a default becomes an empty string. Variables within a default are not
    substituted (seen with 28.2).
    """
    if isinstance(part, str):
        return _VARIABLE.sub(lambda found: _in_place(found, variables), part)
    if isinstance(part, Mapping):
        return {key: interpolated(value, variables) for key, value in part.items()}
    if isinstance(part, list):
        return [interpolated(value, variables) for value in part]
    return part


def names_in(part: object) -> Iterator[str]:
    """The names of all variables that a part of a compose file uses, also in defaults."""
    for text in _texts(part):
        for found in _VARIABLE.finditer(text):
            if name := found["named"] or found["braced"]:
                yield name
                yield from names_in(found["plain"] or found["rest"] or "")


def _in_place(found: re.Match[str], variables: Mapping[str, str]) -> str:
    if found["escaped"]:
        return "$"
    value = variables.get(found["named"] or found["braced"])
    rest = found["plain"] or found["rest"] or ""
    if value or (value is not None and not rest.startswith(":-")):
        return value
    default = rest.removeprefix(":")
    return default[1:] if default.startswith("-") else ""


def _texts(part: object) -> Iterator[str]:
    """All string values of a section; keys are not interpolated."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, Mapping):
        for value in part.values():
            yield from _texts(value)
    elif isinstance(part, list):
        for value in part:
            yield from _texts(value)


def _unset(text: str, variables: Mapping[str, str]) -> Iterator[str]:
    for found in _VARIABLE.finditer(text):
        name = found["named"] or found["braced"]
        if name and name not in variables:
            rest = found["plain"] or found["rest"] or ""
            if not rest:
                yield name
            yield from _unset(rest, variables)
