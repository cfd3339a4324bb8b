"""Hides values that must not be shown or stored. Pure.

A hidden value is shown as ``hidden (1a2b3c4d)``. The digits are a keyed digest: they show that a
value changed and nothing else. Values are hidden because of where they came from
(``bot.domain.deploys.secret_values``), their name or their form; in doubt, a value is hidden.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from bot.domain.deploys.secret_values import NOTHING, SecretValues, is_secret_name
from bot.domain.text.redaction import masked

_RANDOM: Final = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9+/_=-]{20,}")
_ASSIGNED: Final = re.compile(r"([\w.-]+)=")
_MARK: Final = 8
_DIGEST: Final = 32


class Redactor:
    """Hides values and makes keyed digests.

    ``key`` is secret and the same for all replicas. ``secrets`` are values to be hidden wherever
    they are.
    """

    def __init__(self, key: bytes, secrets: SecretValues = NOTHING) -> None:
        self._key = key
        self._secrets = secrets

    def knowing(self, secrets: SecretValues) -> Redactor:
        """The same, with other values to be hidden wherever they are."""
        return Redactor(self._key, secrets)

    def digest(self, value: object) -> str:
        """A keyed digest of any JSON value, as 32 hex digits."""
        text = json.dumps(value, sort_keys=True, separators=(",", ":"))
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()[:_DIGEST]

    def hidden(self, value: str) -> str:
        """The replacement for a hidden value; an empty value is not hidden."""
        return f"hidden ({self.digest(value)[:_MARK]})" if value else value

    def shown(self, name: str, value: str) -> str:
        """The value, hidden if it is a known secret, or if its name or itself looks secret."""
        secret = self._secrets.has(name, value) or is_secret_name(name) or looks_secret(value)
        return self.hidden(value) if secret else value

    def both(self, name: str, old: str, new: str) -> tuple[str, str]:
        """Two values of one field: both hidden if one is, as the other one may be its former."""
        values = (old, new)
        if any(self.text(self.shown(name, value)) != value for value in values):
            return self.hidden(old), self.hidden(new)
        return values

    def text(self, text: str, *, certain: bool = False) -> str:
        """A text with the known secret values in it hidden, or those that are certainly secret."""
        return self._secrets.hidden_in(text, self.hidden, certain=certain)

    def words(self, words: Iterable[str]) -> str:
        """A command's words; words that look secret, or follow an option that does, are hidden."""
        shown: list[str] = []
        before = ""
        for word in words:
            option = before.startswith("-") and is_secret_name(before) and "=" not in before
            secret = option or self._secrets.has(before, word) or looks_secret(word)
            shown.append(self.hidden(word) if secret else word)
            before = word
        return masked(" ".join(shown), self.hidden)


def looks_secret(value: str) -> bool:
    """Whether a value looks secret: a login in a URL, a token, random letters."""
    if masked(value) != value or _names_a_secret(value):
        return True
    parts = re.split(r"[\s\"',;=]+", value)
    return any(_RANDOM.fullmatch(part) and _is_mixed(part) for part in parts)


def _names_a_secret(text: str) -> bool:
    """Whether a text assigns a value to a name that looks secret, as a shell command may."""
    return any(is_secret_name(name) for name in _ASSIGNED.findall(text))


def _is_mixed(part: str) -> bool:
    """Whether a text looks random: kinds of characters alternate more often than in paths."""
    kinds = [
        "digit" if sign.isdigit() else "upper" if sign.isupper() else "lower"
        for sign in part
        if sign.isalnum()
    ]
    changes = sum(a != b for a, b in pairwise(kinds))
    return changes * 5 >= len(part)
