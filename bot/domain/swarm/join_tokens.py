"""Joining the swarm: roles, and how a token is told from another without showing it."""

from __future__ import annotations

import hashlib
from typing import Final

ROLES: Final = ("worker", "manager")


def fingerprint(token: str) -> str:
    """Twelve hex digits that stand for a join token where the token itself must not stand.

    A token holds more than a hundred bits of chance, so nothing of it can be guessed from them.
    """
    return hashlib.sha256(token.encode()).hexdigest()[:12]
