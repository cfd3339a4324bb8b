"""A lease ends by this replica's own clock, whatever the store does or does not say."""

from __future__ import annotations

import asyncio

import pytest

from bot.domain.errors import LeaseLostError, StoreUnavailableError
from bot.loops.lease import Lease
from bot.ports import acts_until

LEASE = 3.0


class Time:
    """A clock whose sleeps are as long as the test wants; renewals take ``slow`` seconds."""

    def __init__(self, *answers: Exception | None) -> None:
        self.at = 100.0
        self.slow = 0.0
        self.answers = list(answers)
        self.waits = asyncio.Queue[float]()

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds
        await asyncio.sleep(0)

    async def renew(self) -> None:
        """The store's next answer; it never answers again after the last one."""
        self.at += self.slow
        if not self.answers:
            self.waits.put_nowait(self.at)
            await asyncio.Event().wait()
        if error := self.answers.pop(0):
            raise error


async def kept(time: Time, lease: Lease) -> None:
    """Keep the lease until the store has no more answers."""
    keeping = asyncio.create_task(lease.keep(time.renew, LEASE, time))
    await time.waits.get()
    keeping.cancel()


async def test_a_renewal_counts_from_before_the_question():
    """The answer may come late: the store counts from when it was asked at the earliest."""
    time = Time(None)
    time.slow = 1.0
    lease = Lease(time.at + LEASE, time.now)
    await kept(time, lease)
    # Asked at 101, answered at 102; asked again at 103, and 104 is now.
    assert lease.still() == 0.0
    assert not lease.holds()


async def test_it_lapses_while_the_store_is_away_and_is_held_again_afterwards():
    away = StoreUnavailableError("away")
    time = Time(away, away, away, None)
    lease = Lease(time.at + LEASE, time.now)
    keeping = asyncio.create_task(lease.keep(time.renew, LEASE, time))
    while len(time.answers) > 1:  # noqa: ASYNC110 - turns of the loop, not seconds
        await asyncio.sleep(0)
    assert not lease.holds()
    await lease.held()
    assert lease.holds()
    keeping.cancel()


async def test_a_lost_lease_is_never_held_again():
    time = Time(LeaseLostError("Another replica works on it."))
    lease = Lease(time.at + LEASE, time.now)
    with pytest.raises(LeaseLostError):
        await lease.keep(time.renew, LEASE, time)
    lease.extend(time.at + LEASE)
    assert not lease.holds()


def test_it_ends_before_the_store_gives_it_away():
    """What was sent in its last moment is on its way then."""
    assert LEASE / 2 < acts_until(100.0, LEASE) - 100.0 < LEASE
