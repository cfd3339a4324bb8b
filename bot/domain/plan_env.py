"""The variables of a stack: ``NAME.env``, and which of them a compose file leaves unset.

A file of lines ``KEY=VALUE``: blank lines and lines that begin with ``#`` are skipped, ``export``
may stand before the key, spaces around both are not part of them. A value may be in quotes: in
single ones everything stands for itself, in double ones ``\\n``, ``\\t``, ``\\"`` and ``\\\\`` are
what they usually are. Without quotes a comment begins at a space and ``#``. Nothing is expanded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from bot.domain.errors import RefusedError

INTERPOLATED: Final = ("services", "volumes", "networks", "secrets", "configs")
"""The sections of a compose file in which the docker CLI looks for variables."""

_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SINGLE: Final = re.compile(r"'([^']*)'\s*(?:#.*)?")
_DOUBLE: Final = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(?:#.*)?')
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "$": "$"}
_COMMENT: Final = re.compile(r"(?:^|\s+)#.*$")
_VARIABLE: Final = re.compile(
    r"\$(?:(?P<escaped>\$)"
    r"|(?P<named>[_a-z][_a-z0-9]*)(?P<plain>:?[-?][^}]+)?"
    r"|\{(?P<braced>[_a-z][_a-z0-9]*)(?P<rest>[^}]*)\}?)",
    re.IGNORECASE,
)


def read_env(text: str, name: str) -> dict[str, str]:
    """The variables in the text of the file ``name``; the last of two with one key counts.

    Raises RefusedError that names every line which is none. Values are not repeated.
    """
    found: dict[str, str] = {}
    wrong: list[str] = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        try:
            key, value = _assignment(stripped)
        except ValueError as error:
            wrong.append(f"line {number} {error}")
        else:
            found[key] = value
    if wrong:
        raise RefusedError(
            f"`{name}` cannot be read: {'; '.join(wrong)}.", hint="A line is KEY=VALUE."
        )
    return found


def unset_variables(document: object, variables: Mapping[str, str]) -> tuple[str, ...]:
    """The variables that a compose file uses without a default and nobody sets, by name.

    The docker CLI puts nothing in their place and says nothing. ``${X:?text}`` is not among
    them: for that the CLI refuses the file itself.
    """
    if not isinstance(document, Mapping):
        return ()
    texts = (text for part in INTERPOLATED for text in _texts(document.get(part)))
    return tuple(sorted({name for text in texts for name in _unset(text, variables)}))


def interpolated(part: object, variables: Mapping[str, str]) -> object:
    """A part of a compose file with the values in place of its variables, as the docker CLI does.

    What is not set stands for nothing where no default is given; variables in a default are left
    as they are (seen with 28.2).
    """
    if isinstance(part, str):
        return _VARIABLE.sub(lambda found: _in_place(found, variables), part)
    if isinstance(part, Mapping):
        return {key: interpolated(value, variables) for key, value in part.items()}
    if isinstance(part, list):
        return [interpolated(value, variables) for value in part]
    return part


def _in_place(found: re.Match[str], variables: Mapping[str, str]) -> str:
    if found["escaped"]:
        return "$"
    value = variables.get(found["named"] or found["braced"])
    rest = found["plain"] or found["rest"] or ""
    if value or (value is not None and not rest.startswith(":-")):
        return value
    default = rest.removeprefix(":")
    return default[1:] if default.startswith("-") else ""


def _assignment(line: str) -> tuple[str, str]:
    key, sign, rest = line.removeprefix("export ").partition("=")
    key = key.strip()
    if not sign:
        raise ValueError("has no =")
    if not _KEY.fullmatch(key):
        raise ValueError("has no name of a variable before its =")
    return key, _value(rest.strip())


def _value(text: str) -> str:
    if text.startswith("'"):
        return _within(_SINGLE, text)[1]
    if text.startswith('"'):
        inner = _within(_DOUBLE, text)[1]
        return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), inner)
    return _COMMENT.sub("", text)


def _within(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    found = pattern.fullmatch(text)
    if found is None:
        raise ValueError("has a quote that is not closed, or text after it")
    return found


def _texts(part: object) -> Iterator[str]:
    """Every value in a section that is a text; keys are not interpolated."""
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
