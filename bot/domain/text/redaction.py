"""Masks values that look secret in external text.

A value looks secret because of the name before it (``DB_PASSWORD=…``, ``"token": "…"``, ``--api-key
…``), its position (the password of a URL, the text after ``Bearer``) or its own form (tokens of
well-known services, private keys). If the end of a value is unclear, more is masked rather than
less. The number of lines does not change.
"""

from __future__ import annotations

import re
from typing import Final

MASK: Final = "•••"
"""The replacement for a value. No rule matches it again."""

_TELLING: Final = (
    r"pass(?:word|wd|phrase|code)|(?<![a-z])pass(?![a-z])|pwd|secret|token|credential|cookie"
    r"|api[_-]?key|access[_-]?key|private[_-]?key|signing[_-]?key|encryption[_-]?key|auth[_-]?key"
    r"|authorization"
)
_NAME: Final = rf"(?:{_TELLING})[\w.-]{{0,64}}"
"""The telling part of a name, and what follows: bounded, to keep the search fast."""
_VALUE: Final = (
    r'\\+"(?:[^"\\\n]|\\(?!"))*(?:\\+"|$)'  # a string within a string
    r'|"(?:\\.|[^"\\\n])*(?:"|$)'
    r"|'(?:\\.|[^'\\\n])*(?:'|$)"
    r"|[^\s]+"
)
_ASSIGNED: Final = re.compile(
    rf"(?P<name>{_NAME})(?P<sign>\\*[\"']?[ \t]*(?:=>|:=|=|:)[ \t]*)(?P<value>{_VALUE})",
    re.IGNORECASE | re.MULTILINE,
)
_EQUALLED: Final = re.compile(
    rf"(?P<name>{_NAME})(?P<sign>=)(?P<value>{_VALUE})", re.IGNORECASE | re.MULTILINE
)
_OPTION: Final = re.compile(
    rf"(?P<name>(?<![\w-])--?[\w.-]{{0,40}}?{_NAME})(?P<sign>[ \t]+)(?P<value>{_VALUE})",
    re.IGNORECASE | re.MULTILINE,
)
_SCHEME: Final = re.compile(
    r"\b(?P<name>Bearer|Basic)(?P<sign>[ \t]+)(?P<value>\S+)", re.IGNORECASE
)
_HEADER: Final = re.compile(
    r"(?P<name>authorization|(?:set-)?cookie)(?P<sign>\\*[\"']?[ \t]*:[ \t]*)(?P<value>[^\n]+)",
    re.IGNORECASE,
)
_URL: Final = re.compile(
    r"(?P<head>\b[a-z][a-z0-9+.-]{0,30}://[^\s/:@]*:)[^\s/]+(?=@)", re.IGNORECASE
)
_WELL_KNOWN: Final = re.compile(
    r"\bx(?:ox[a-z]|app)-[\w-]{6,}"  # Slack
    r"|\bSWMTKN-[\w-]{6,}"  # a swarm's join token
    r"|\bSWMKEY-[\w-]{6,}"
    r"|\b(?:gh[a-z]_|github_pat_|glpat-|sk-|pk-|dckr_pat_|npm_|pypi-)[\w-]{16,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?"  # a JSON web token
)
_PRIVATE_KEY: Final = re.compile(
    r"(-----BEGIN [A-Z ]*PRIVATE KEY-----)(.*?)(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
_KEYS_END: Final = re.compile(
    r"((?:^[A-Za-z0-9+/=]{16,}[ \t]*\n){1,80})(?=-----END [A-Z ]*PRIVATE KEY-----)", re.MULTILINE
)


def masked(text: str) -> str:
    """``text`` with ``MASK`` in the place of each value that looks secret."""
    text = _PRIVATE_KEY.sub(lambda found: found[1] + _blank(found[2]) + found[3], text)
    text = _KEYS_END.sub(lambda found: _blank(found[1]), text)
    text = _WELL_KNOWN.sub(MASK, text)
    text = _URL.sub(lambda found: found["head"] + MASK, text)
    for rule in (_HEADER, _SCHEME, _ASSIGNED, _OPTION):
        text = rule.sub(_without_value, text)
    return text


def masked_error(text: str) -> str:
    """The same for an engine's error, in which a colon introduces a reason and not a value.

    Such a text contains mount options (with a share's password), commands and addresses; a file or
    an image called ``token`` is not secret: ``/run/secrets/token: no such file``.
    """
    text = _URL.sub(lambda found: found["head"] + MASK, _WELL_KNOWN.sub(MASK, text))
    for rule in (_SCHEME, _EQUALLED, _OPTION):
        text = rule.sub(_without_value, text)
    return text


def _without_value(found: re.Match[str]) -> str:
    """The match with its name and separator unchanged, and the value between the quotes masked."""
    value = found["value"]
    if value.startswith(MASK):
        return found[0]
    opening = re.match(r"\\*[\"']", value)
    mark = opening[0] if opening else ""
    closing = mark if mark and len(value) >= 2 * len(mark) and value.endswith(mark) else ""
    if closing and value == mark + closing:
        return found[0]
    return f"{found['name']}{found['sign']}{mark}{MASK}{closing}"


def _blank(lines: str) -> str:
    return re.sub(r"[^\n]*\S[^\n]*", MASK, lines)
