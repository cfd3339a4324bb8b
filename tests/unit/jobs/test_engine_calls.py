"""A write without an answer makes the error that ends its repetition doubtful."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bot.domain.errors import (
    BotError,
    NotFoundError,
    OutOfSequenceError,
    RefusedError,
    SwarmUnavailableError,
)
from bot.domain.jobs.verdict import changed_or_not
from bot.jobs.engine_calls import insist

SILENT, OUTDATED = SwarmUnavailableError("No answer."), OutOfSequenceError("Outdated.")


class InstantClock:
    """A clock whose pauses take no time."""

    def now(self) -> float:
        """As in ``bot.ports.Clock``."""
        return 0.0

    async def sleep(self, _seconds: float) -> None:
        """As in ``bot.ports.Clock``."""


async def ended_by(*answers: BotError, taken_over: bool = False) -> BotError:
    """The error that ends a write which fails with these errors, one each time."""
    left = iter(answers)

    async def held() -> None:
        return

    async def make(_doubtful: object) -> None:
        raise next(left)

    lease: Any = SimpleNamespace(authority=SimpleNamespace(held=held))
    with pytest.raises(BotError) as caught:
        await insist(lease, InstantClock(), make, doubtful=taken_over)
    return caught.value


@pytest.mark.parametrize("kind", [RefusedError, NotFoundError])
async def test_an_error_after_a_write_without_an_answer_is_doubtful(kind):
    assert (await ended_by(SILENT, kind("No."))).doubtful
    assert (await ended_by(kind("No."), taken_over=True)).doubtful
    assert (await ended_by(*[SILENT] * 8)).doubtful


@pytest.mark.parametrize("kind", [RefusedError, NotFoundError])
async def test_an_error_after_writes_that_certainly_failed_is_certain(kind):
    assert not (await ended_by(kind("No."))).doubtful
    assert not (await ended_by(OUTDATED, kind("No."))).doubtful


async def test_a_verdict_says_nothing_was_changed_only_if_that_is_certain():
    assert changed_or_not(await ended_by(RefusedError("No."))) == "Nothing was changed."
    doubtful = await ended_by(SILENT, RefusedError("No."))
    assert changed_or_not(doubtful) == "It may have been changed."
