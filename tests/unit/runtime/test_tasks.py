"""What goes on in the background: counted, waited for, and ended."""

import asyncio

import pytest

from bot.runtime.tasks import Background


async def test_a_drain_waits_for_what_is_spawned_meanwhile_too() -> None:
    background, ended = Background(), list[str]()

    async def second() -> None:
        ended.append("second")

    async def first() -> None:
        background.spawn(second(), "the second")
        ended.append("first")

    background.spawn(first(), "the first")

    assert await background.drain(5.0)
    assert ended == ["first", "second"]
    assert background.count == 0


async def test_what_does_not_end_in_time_is_said_and_can_be_cancelled() -> None:
    background = Background()
    task = background.start(asyncio.Event().wait(), "for ever")

    assert await background.drain(0.01) is False
    await background.cancel()
    assert task.cancelled()
    assert background.count == 0


async def test_what_is_raised_is_logged_by_its_name(caplog: pytest.LogCaptureFixture) -> None:
    background = Background()

    async def breaks() -> None:
        raise ValueError("broken")

    background.spawn(breaks(), "the work")

    assert await background.drain(5.0)
    await asyncio.sleep(0)
    assert "the work failed" in caplog.text
