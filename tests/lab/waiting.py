"""Waits for real states: polls with a deadline instead of fixed sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_RARELY = 0.25


class LabError(Exception):
    """The lab did not reach the expected state."""


def wait_until(
    look: Callable[[], T | None], what: str, *, seconds: float = 30.0, every: float = 0.03
) -> T:
    """The first truthy result of `look`.

    The longer it takes, the less often `look` is called (after a tenth of the time that has
    passed), because each call costs processor time that the awaited work needs as well.

    Raises:
        LabError: `look` returned nothing truthy in time; names `what` and the last result.
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
