"""Hides values that must not be shown or stored. Pure.

A hidden value is shown as ``hidden (1a2b3c4d)``. The digits are a keyed digest: they show that a
value changed and nothing else. Values are hidden because of their name or their form; in doubt, a
value is hidden.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from bot.domain.text.redaction import masked

_NAME: Final = re.compile(
    r"pass|pwd|secret|token|key|auth|cred|salt|dsn|private|cert|cookie|session|signature|webhook"
    r"|bearer|jwt|license",
    re.IGNORECASE,
)
_RANDOM: Final = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9+/_=-]{20,}")
_ASSIGNED: Final = re.compile(r"([\w.-]+)=")
_MARK: Final = 8
_DIGEST: Final = 32


class Redactor:
    """Hides values and makes keyed digests. ``key`` is secret and the same for all replicas."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def digest(self, value: object) -> str:
        """A keyed digest of any JSON value, as 32 hex digits."""
        text = json.dumps(value, sort_keys=True, separators=(",", ":"))
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()[:_DIGEST]

    def hidden(self, value: str) -> str:
        """The replacement for a hidden value; an empty value is not hidden."""
        return f"hidden ({self.digest(value)[:_MARK]})" if value else value

    def shown(self, name: str, value: str) -> str:
        """The value, hidden if its name or the value itself looks secret."""
        return self.hidden(value) if _is_secret_name(name) or looks_secret(value) else value

    def words(self, words: Iterable[str]) -> str:
        """A command's words; words that look secret, or follow an option that does, are hidden."""
        shown: list[str] = []
        before = ""
        for word in words:
            option = before.startswith("-") and _is_secret_name(before) and "=" not in before
            shown.append(self.hidden(word) if option else self._word(word))
            before = word
        return " ".join(shown)

    def _word(self, word: str) -> str:
        return self.hidden(word) if looks_secret(word) else word


def looks_secret(value: str) -> bool:
    """Whether a value looks secret: a login in a URL, a token, random letters."""
    if masked(value) != value or _names_a_secret(value):
        return True
    parts = re.split(r"[\s\"',;=]+", value)
    return any(_RANDOM.fullmatch(part) and _is_mixed(part) for part in parts)


def _is_secret_name(name: str) -> bool:
    return _NAME.search(name) is not None


def _names_a_secret(text: str) -> bool:
    """Whether a text assigns a value to a name that looks secret, as a shell command may."""
    return any(_is_secret_name(name) for name in _ASSIGNED.findall(text))


def _is_mixed(part: str) -> bool:
    """Whether a text looks random: kinds of characters alternate more often than in paths."""
    kinds = [
        "digit" if sign.isdigit() else "upper" if sign.isupper() else "lower"
        for sign in part
        if sign.isalnum()
    ]
    changes = sum(a != b for a, b in pairwise(kinds))
    return changes * 5 >= len(part)
