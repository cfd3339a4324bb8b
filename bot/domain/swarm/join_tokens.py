"""Join roles and fingerprints of join tokens."""

from __future__ import annotations

import hashlib
from typing import Final

ROLES: Final = ("worker", "manager")


def fingerprint(token: str) -> str:
    """Twelve hex digits that identify a join token where the token itself must not appear.

    A token has more than a hundred random bits, so the digits reveal nothing about it.
    """
    return hashlib.sha256(token.encode()).hexdigest()[:12]
