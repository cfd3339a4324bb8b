"""Tokens for calls: a burst, an even refill, and a reserve for important calls."""

from hypothesis import given
from hypothesis import strategies as st

from bot.slack.budget import LocalBudget


class HandClock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


async def test_a_burst_is_granted_at_once_then_one_token_per_interval():
    clock = HandClock()
    budget = LocalBudget(clock)

    assert [await budget.take("a", 60, 3) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert await budget.take("a", 60, 3) == 1.0
    await clock.sleep(1.0)
    assert await budget.take("a", 60, 3) == 0.0


async def test_the_reserve_is_kept_for_others():
    budget = LocalBudget(HandClock())

    granted = [await budget.take("a", 60, 5, reserve=3) for _ in range(5)]
    assert granted[:2] == [0.0, 0.0]
    assert all(wait > 0 for wait in granted[2:])
    assert [await budget.take("a", 60, 5) for _ in range(3)] == [0.0, 0.0, 0.0]


async def test_the_returned_wait_is_long_enough():
    clock = HandClock()
    budget = LocalBudget(clock)
    while not (wait := await budget.take("a", 7, 3, reserve=1)):
        pass
    for _ in range(10):
        await clock.sleep(wait)
        assert await budget.take("a", 7, 3, reserve=1) == 0.0
        wait = await budget.take("a", 7, 3, reserve=1)


async def test_each_name_has_its_own_bucket():
    budget = LocalBudget(HandClock())

    assert await budget.take("a", 60, 1) == 0.0
    assert await budget.take("b", 60, 1) == 0.0


async def test_buckets_of_unused_channels_are_forgotten():
    clock = HandClock()
    budget = LocalBudget(clock)
    for number in range(1500):
        await budget.take(f"channel {number}", 60, 3)
    await clock.sleep(3600)
    await budget.take("one more", 60, 3)

    assert len(budget._buckets) == 1


@given(st.lists(st.floats(0, 20), max_size=200))
async def test_no_minute_has_more_calls_than_burst_and_refill(gaps):
    clock = HandClock()
    budget = LocalBudget(clock)
    times = []
    for gap in gaps:
        await clock.sleep(gap)
        if await budget.take("a", 30, 18) == 0.0:
            times.append(clock.now())

    assert all(sum(start <= at < start + 60 for at in times) <= 48 for start in times)
