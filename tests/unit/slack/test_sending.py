"""A call to Slack ends when its caller may not act any more."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import pytest

from bot.domain.errors import ChatUnavailableError, LeaseLostError
from bot.slack.sending import while_allowed


class Call:
    """A call whose answer comes when the test says so."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.answer = asyncio.get_running_loop().create_future()

    async def __call__(self) -> str:
        self.began.set()
        return str(await self.answer)


def after(*answers: float) -> Callable[[], float]:
    """What a lease says, from question to question; then that it has ended."""
    said = list(answers)
    return lambda: said.pop(0) if said else 0.0


async def test_a_caller_that_may_not_act_sends_nothing():
    call = Call()

    with pytest.raises(LeaseLostError):
        await while_allowed(after(0.0), call)

    assert not call.began.is_set()


async def test_a_call_without_an_answer_ends_with_the_lease():
    call = Call()

    with pytest.raises(ChatUnavailableError):
        await while_allowed(after(1.0, 0.01, 0.01), call)

    assert call.began.is_set()
    assert call.answer.cancelled()


async def test_a_renewed_lease_lets_the_call_go_on():
    call, asked = Call(), asyncio.Event()

    def still() -> float:
        if call.began.is_set():
            asked.set()
        return 0.01

    sending = asyncio.create_task(while_allowed(still, call))
    await asked.wait()
    call.answer.set_result("posted")

    assert await sending == "posted"


@pytest.mark.parametrize("still", [None, lambda: math.inf])
async def test_an_answer_and_an_error_are_passed_on(still: Callable[[], float] | None):
    good, bad = Call(), Call()
    good.answer.set_result("posted")
    bad.answer.set_exception(ChatUnavailableError("No."))

    assert await while_allowed(still, good) == "posted"
    with pytest.raises(ChatUnavailableError, match="No"):
        await while_allowed(still, bad)


async def test_a_cancelled_caller_ends_its_call():
    call = Call()
    sending = asyncio.create_task(while_allowed(lambda: math.inf, call))
    await call.began.wait()
    sending.cancel()

    with pytest.raises(asyncio.CancelledError):
        await sending
    assert call.answer.cancelled()
