"""Background tasks: counted, awaited, and ended."""

import asyncio

import pytest

from bot.runtime.tasks import Background


async def test_a_drain_also_waits_for_tasks_spawned_meanwhile() -> None:
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


async def test_tasks_that_do_not_end_in_time_are_reported_and_can_be_cancelled() -> None:
    background = Background()
    task = background.start(asyncio.Event().wait(), "for ever")

    assert await background.drain(0.01) is False
    await background.cancel()
    assert task.cancelled()
    assert background.count == 0


async def test_an_exception_is_logged_with_the_tasks_name(caplog: pytest.LogCaptureFixture) -> None:
    background = Background()

    async def breaks() -> None:
        raise ValueError("broken")

    background.spawn(breaks(), "the work")

    assert await background.drain(5.0)
    await asyncio.sleep(0)
    assert "the work failed" in caplog.text
