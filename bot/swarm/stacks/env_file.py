"""Reads ``NAME.env`` with python-dotenv; nothing in it is expanded.

python-dotenv skips invalid lines and accepts any text as a name. Here such lines are refused. So
are a backslash in quotes that python-dotenv interprets differently than a shell, and a quote that
is closed within a later variable: the value would silently be another one.
"""

from __future__ import annotations

import re
from io import StringIO
from typing import Final

from dotenv.parser import Binding, parse_stream

from bot.domain.errors import RefusedError

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EXPORT: Final = re.compile(r"\s*export\s+")
_UNCLEAR: Final = re.compile(
    r"""[^=]*=\s*(?:'(?:[^'\\]|\\[^\\])*\\\\|"(?:[^"\\]|\\.)*?\\[abfv$'])""", re.DOTALL
)
"""In single quotes ``\\\\``, which python-dotenv reduces to one; in double quotes, escapes that
only python-dotenv or only a shell recognises."""
_SWALLOWED: Final = re.compile(r"[\r\n][ \t]*(?:export[ \t]+)?[A-Za-z_]\w*=[^=\s]")
"""A variable within another one's value; base64 may end with ``=``, but nothing follows there."""


def read_env(text: str, name: str) -> dict[str, str]:
    """The variables in the text of the file ``name``; the last of two equal names counts.

    Raises RefusedError with every invalid line. Values are not included.
    """
    found: dict[str, str] = {}
    wrong: list[str] = []
    for binding in parse_stream(StringIO(text)):
        if trouble := _trouble(binding):
            wrong.append(f"line {_line(binding)} {trouble}")
        elif binding.key is not None:
            found[binding.key] = binding.value or ""
    if wrong:
        raise RefusedError(
            f"`{name}` cannot be read: {'; '.join(wrong)}.", hint="Write each line as KEY=VALUE."
        )
    return found


def _trouble(binding: Binding) -> str:
    """Why a line is invalid, "" for a variable, a blank line or a comment."""
    key, value, written, error = binding.key, binding.value, binding.original.string, binding.error
    if key is None and not error:
        return ""
    before, sign, _ = written.partition("=")
    if not sign or (value is None and not error):
        return "has no ="
    if not _NAME.fullmatch(_EXPORT.sub("", before).strip() if key is None else key):
        return "has no variable name before its ="
    if error or _SWALLOWED.search(value or ""):
        return "has an unclosed quote, or text after a quote"
    if "\0" in written:
        return "has a NUL character"
    if _UNCLEAR.match(written):
        return "has a backslash that can be read in two ways: write the value without quotes"
    return ""


def _line(binding: Binding) -> int:
    """The line's number; python-dotenv counts from the blank lines before it."""
    written = binding.original.string
    blank = written[: len(written) - len(written.lstrip())]
    return binding.original.line + len(re.findall(r"\r\n|\r|\n", blank))
