"""The message of a job of many services is not written again for each of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from unittest.mock import ANY

import pytest

from bot.domain.convergence.goal import ConvergenceLimits
from bot.domain.jobs.model import Job, JobState, Target
from bot.domain.jobs.progress import ServiceProgress
from bot.domain.jobs.verdict import Outcome, Verdict
from bot.domain.text.message import Message
from bot.jobs.follower import FEW, Following


class Leased:
    """A lease on a job that changes this many services."""

    def __init__(self, services: int) -> None:
        targets = tuple(
            Target(f"orochi_s{number:03}", f"s{number}", 1) for number in range(services)
        )
        self.job = Job(
            "k3f9ab", "drain", "", "drain n1", "U1", "C1", 0.0, targets, state=JobState.RUNNING
        )
        self.holds = True

    def still(self) -> bool:
        """As in ``JobLease``."""
        return self.holds


class Shown:
    """A chat that keeps what it shows."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.came = asyncio.Event()

    def show(self, _channel: str, _ts: str, message: Message, *, still: object) -> None:
        """As in ``bot.ports.Chat``."""
        del still
        self.messages.append(message)
        self.came.set()


@pytest.fixture
def chat() -> Shown:
    return Shown()


def all_change(chat: Shown, lease: Any) -> None:
    """Every service of the job runs now."""
    clock = SimpleNamespace(now=lambda: 5.0)
    stack_in = {"C1": "orochi"}.get
    ctx: Any = SimpleNamespace(chat=chat, command="/orochi", clock=clock, stack_in=stack_in)
    aim: Any = None
    following = Following(ctx, aim, aim)
    for index, target in enumerate(lease.job.targets):
        following.progress(lease, index, ServiceProgress(target.service, 1, 1, "running"))


async def test_few_services_are_shown_at_once(chat: Shown) -> None:
    all_change(chat, Leased(FEW))

    assert len(chat.messages) == FEW


async def test_many_services_are_shown_together_with_the_newest_state(chat: Shown) -> None:
    all_change(chat, Leased(100))

    assert chat.messages == []
    async with asyncio.timeout(10):
        await chat.came.wait()
    (only,) = chat.messages
    assert "100/100 running" in only.text


async def test_nothing_is_shown_later_without_the_lease(chat: Shown) -> None:
    lease = Leased(100)
    all_change(chat, lease)
    lease.holds = False
    other = Leased(100)
    all_change(chat, other)
    async with asyncio.timeout(10):
        await chat.came.wait()

    assert len(chat.messages) == 1


async def test_a_revised_verdict_comes_with_what_was_seen_then() -> None:
    """Not with the tasks of the first verdict."""
    good = Outcome(Verdict.CONVERGED, "All run.", provisional=True)
    bad = Outcome(Verdict.CRASH_LOOPING, "It exits.")
    seen = ServiceProgress("orochi_s000", 0, 1, "0/1 running")

    async def follow(_convergence: object, note: Any) -> Outcome:
        note(seen)
        return bad

    lease: Any = Leased(1)
    first = lease.job.seen(0, ServiceProgress("orochi_s000", 1, 1, "1/1 running"), 3.0)
    lease.job = replace(first.with_outcome(0, good), state=JobState.FINISHED, finished=4.0)
    ctx: Any = SimpleNamespace(
        clock=SimpleNamespace(now=lambda: 5.0), observer=SimpleNamespace(follow=follow),
        command="/orochi", limits=ConvergenceLimits(),
    )  # fmt: skip

    job = await Following(ctx, lambda _job, _index, goal: goal, ANY).follow_probation(lease)

    assert (job.revised, job.outcomes, job.progress) == (True, (bad,), (seen,))
