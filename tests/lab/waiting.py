"""Waiting for real states: poll with a deadline, never sleep and hope."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class LabError(Exception):
    """The lab could not be brought to the state that was asked for."""


def wait_until(
    look: Callable[[], T | None], what: str, *, seconds: float = 30.0, every: float = 0.03
) -> T:
    """The first truthy answer of `look`.

    Raises:
        LabError: `look` gave nothing truthy within the time; names `what` and the last answer.
    """
    deadline = time.monotonic() + seconds
    while True:
        answer = look()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise LabError(f"waited {seconds:g} s in vain for {what}; last seen: {answer!r}")
        time.sleep(every)
