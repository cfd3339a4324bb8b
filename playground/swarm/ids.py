"""Generates the ids of engines and managers from a seed."""

from __future__ import annotations

import random
from typing import Final

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


class Ids:
    """The source of ids: the same seed gives the same ids in the same order."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - reproducible on purpose

    def object(self) -> str:
        """An id of a swarm object: 25 digits of base 36 (swarmkit identity/randomid.go)."""
        return "".join(self._random.choices(_DIGITS, k=25))

    def container(self) -> str:
        """An id of a container: 64 hex digits."""
        return f"{self._random.getrandbits(256):064x}"

    def about(self, seconds: float) -> float:
        """A random duration near ``seconds``, because engines are not equally fast."""
        return seconds * self._random.uniform(0.85, 1.3)
