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


_HASH: Final = re.compile(r"\$(?:apr1|argon2\w*|bcrypt\S*|pbkdf2\S*|scrypt|sha1|y|gy)\$")
_NESTED: Final = re.compile(r"\$\{[_a-z][_a-z0-9]*:?-[^}]*\$\{", re.IGNORECASE)


def unset_variables(document: object, variables: Mapping[str, str]) -> tuple[str, ...]:
    """The names of variables that a compose file uses without a default and that are not set.

    The docker CLI silently substitutes an empty string for them. It takes a default literally, so
    variables in one do not count. ``${X:?text}`` is not included: for that the CLI itself refuses
    the file; so it does for a text with a ``$`` that is no variable, as in the hash of a password.
    """
    texts = (text for _, text in _interpolated_texts(document) if not _is_refused(text))
    return tuple(sorted({name for text in texts for name in _unset(text, variables)}))


def unescaped_hashes(document: object) -> tuple[str, ...]:
    """Where a compose file has the hash of a password with unescaped ``$`` signs.

    ``$apr1$…`` looks like variables to the docker CLI; their names would be parts of the hash.
    """
    found = _interpolated_texts(document)
    return tuple(place for place, text in found if _HASH.search(_without_variables(text)))


def nested_variables(document: object) -> tuple[str, ...]:
    """Where a compose file has a variable within the default of another one.

    The docker CLI ends the default at the first brace, and substitutes nothing in it.
    """
    found = _interpolated_texts(document)
    return tuple(place for place, text in found if _NESTED.search(text.replace("$$", "")))


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
    for _, text in _texts(part, ""):
        for found in _VARIABLE.finditer(text):
            if name := found["named"] or found["braced"]:
                yield name
                yield from names_in(found["plain"] or found["rest"] or "")


def with_default(part: object) -> Iterator[str]:
    """The names of variables that a part of a compose file uses with a default."""
    for _, text in _texts(part, ""):
        for found in _VARIABLE.finditer(text):
            if _in_place(found, {}) and not found["escaped"]:
                yield found["named"] or found["braced"]


def value_in(part: str, name: str, variables: Mapping[str, str]) -> str:
    """What a variable becomes in a text that uses it: its value or the default there."""
    for found in _VARIABLE.finditer(part):
        if name in (found["named"], found["braced"]):
            return _in_place(found, variables)
    return ""


def _in_place(found: re.Match[str], variables: Mapping[str, str]) -> str:
    if found["escaped"]:
        return "$"
    value = variables.get(found["named"] or found["braced"])
    rest = found["plain"] or found["rest"] or ""
    if value or (value is not None and not rest.startswith(":-")):
        return value
    default = rest.removeprefix(":")
    return default[1:] if default.startswith("-") else ""


def _interpolated_texts(document: object) -> Iterator[tuple[str, str]]:
    """All texts in which the CLI substitutes variables, by their place."""
    if isinstance(document, Mapping):
        for part in INTERPOLATED:
            yield from _texts(document.get(part), part)


def _texts(part: object, place: str) -> Iterator[tuple[str, str]]:
    """All string values of a section by their place; keys are not interpolated."""
    if isinstance(part, str):
        yield place, part
    elif isinstance(part, Mapping):
        for key, value in part.items():
            yield from _texts(value, f"{place}.{key}")
    elif isinstance(part, list):
        for value in part:
            yield from _texts(value, place)


def _unset(text: str, variables: Mapping[str, str]) -> Iterator[str]:
    for found in _VARIABLE.finditer(text):
        name = found["named"] or found["braced"]
        if name and name not in variables and not (found["plain"] or found["rest"]):
            yield name


def _is_refused(text: str) -> bool:
    """Whether the CLI refuses the text, because it has a ``$`` that is no variable."""
    return "$" in _VARIABLE.sub("", text)


def _without_variables(text: str) -> str:
    """The text without escaped signs and without variables in braces."""
    return _VARIABLE.sub(lambda found: found[0] if found["named"] else "", text)
