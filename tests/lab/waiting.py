"""Waiting for real states: poll with a deadline, never sleep and hope."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_RARELY = 0.25


class LabError(Exception):
    """The lab could not be brought to the state that was asked for."""


def wait_until(
    look: Callable[[], T | None], what: str, *, seconds: float = 30.0, every: float = 0.03
) -> T:
    """The first truthy answer of `look`.

    The longer it takes, the rarer it is asked for (a tenth of the time that has passed): a look at
    the swarm costs processor time that everything waited for needs as well.

    Raises:
        LabError: `look` gave nothing truthy within the time; names `what` and the last answer.
    """
    begin = time.monotonic()
    while True:
        answer = look()
        if answer:
            return answer
        passed = time.monotonic() - begin
        if passed > seconds:
            raise LabError(f"waited {seconds:g} s in vain for {what}; last seen: {answer!r}")
        time.sleep(max(every, min(passed / 10, _RARELY)))
