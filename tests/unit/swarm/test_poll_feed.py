"""The polling feed over looks that the test gives."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.domain.errors import SwarmUnavailableError
from bot.domain.swarm.model import Mode, Node, NodeState, Service, StackLook, Task, TaskState
from bot.ports import FeedChange
from bot.swarm.differences import differences
from bot.swarm.poll_feed import Mailbox, PollFeed

WEB = Service("web", "web", 1, Mode.REPLICATED, 1)
DB = Service("db", "db", 1, Mode.REPLICATED, 1)
RUNS = Task("t1", "web", 1, "n1", TaskState.RUNNING, TaskState.RUNNING)
FAILED = replace(RUNS, state=TaskState.FAILED, desired=TaskState.SHUTDOWN, exit_code=3)
NODE = Node("n1", "photon-machine-01")


def _look(*tasks: Task, services: tuple[Service, ...] = (WEB,), node: Node = NODE) -> StackLook:
    return StackLook(0.0, "", services, tasks, (node,))


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (_look(RUNS), _look(RUNS), ()),
        (_look(RUNS), _look(FAILED), (FeedChange("web", FAILED),)),
        (_look(), _look(RUNS), (FeedChange("web", RUNS),)),
        (_look(RUNS), _look(), (FeedChange("web"),)),
        (_look(RUNS), _look(RUNS, services=()), (FeedChange("web"),)),
        (_look(RUNS), _look(RUNS, services=(replace(WEB, replicas=2),)), (FeedChange("web"),)),
        (_look(RUNS), _look(RUNS, node=replace(NODE, state=NodeState.DOWN)), (FeedChange("web"),)),
        (_look(RUNS), _look(RUNS, node=replace(NODE, message="…")), ()),
        (_look(RUNS), _look(RUNS, services=(WEB, DB)), (FeedChange("db"),)),
        (_look(RUNS), _look(replace(RUNS, since=9.0)), ()),
    ],
)
def test_differences(before: StackLook, after: StackLook, changes: tuple[FeedChange, ...]) -> None:
    assert differences(before, after) == changes


async def test_a_mailbox_keeps_the_newest_state_of_each_task() -> None:
    mailbox = Mailbox(frozenset({"web"}))
    mailbox.put((FeedChange("web", RUNS), FeedChange("db"), FeedChange("web")))
    mailbox.put((FeedChange("web", FAILED),))

    assert await mailbox.wait(0) == (FeedChange("web"), FeedChange("web", FAILED))
    assert await mailbox.wait(0) == ()


async def test_a_full_mailbox_requests_a_new_look() -> None:
    mailbox = Mailbox(frozenset({"web", "db"}))
    mailbox.put(tuple(FeedChange("web", replace(RUNS, id=str(number))) for number in range(1000)))

    assert await mailbox.wait(0) == (FeedChange("web"),)


async def test_a_change_wakes_a_waiting_subscriber() -> None:
    mailbox = Mailbox(frozenset({"web"}))
    waiting = asyncio.create_task(mailbox.wait(60))
    await asyncio.sleep(0)
    mailbox.put((FeedChange("web"),))

    assert await waiting == (FeedChange("web"),)


async def test_a_cancelled_wait_loses_nothing() -> None:
    mailbox = Mailbox(frozenset({"web"}))
    waiting = asyncio.create_task(mailbox.wait(60))
    await asyncio.sleep(0)
    mailbox.put((FeedChange("web"),))
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert waiting.cancelled()
    assert await mailbox.wait(0) == (FeedChange("web"),)


class Looks:
    """A source of looks that the test gives; it counts its calls."""

    def __init__(self) -> None:
        self.look: StackLook | Exception = _look(RUNS)
        self.asked: list[frozenset[str]] = []
        self.answered = asyncio.Condition()

    async def services_look(self, service_ids: frozenset[str]) -> StackLook:
        async with self.answered:
            self.asked.append(service_ids)
            self.answered.notify_all()
        if isinstance(self.look, Exception):
            raise self.look
        return self.look

    async def polls(self, count: int) -> None:
        """Return after a number of further polls have begun."""
        async with self.answered:
            goal = len(self.asked) + count
            await self.answered.wait_for(lambda: len(self.asked) >= goal)


async def test_one_poll_serves_all_subscribers_and_stops_with_the_last() -> None:
    source = Looks()
    feed = PollFeed(source, interval=0.01)
    async with feed.subscribe(frozenset({"web"})):
        async with feed.subscribe(frozenset({"db"})):
            await source.polls(2)
            assert source.asked[-1] == {"web", "db"}
        await source.polls(2)
        assert source.asked[-1] == {"web"}
    count = len(source.asked)
    await asyncio.sleep(0.05)

    assert len(source.asked) == count
    assert feed.status().lag == 0


async def test_an_outage_is_reported_and_missed_changes_follow() -> None:
    source = Looks()
    feed = PollFeed(source, interval=0.01)
    async with feed.subscribe(frozenset({"web"})) as changes:
        assert await changes.wait(0) == ()
        source.look = SwarmUnavailableError("The engine does not answer.")
        await source.polls(3)
        assert feed.status().trouble == "The engine does not answer."
        assert feed.status().lag > 0
        source.look = _look(FAILED)
        assert await changes.wait(10) == (FeedChange("web", FAILED),)
        assert feed.status().trouble == ""


async def test_an_unexpected_error_does_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    source = Looks()
    feed = PollFeed(source, interval=0.01)
    async with feed.subscribe(frozenset({"web"})) as changes:
        source.look = KeyError("ID")
        await source.polls(2)
        assert feed.status().trouble
        source.look = _look(FAILED)
        assert await changes.wait(10) == (FeedChange("web", FAILED),)

    assert "the poll feed failed" in caplog.text


async def test_a_subscription_to_a_dead_engine_times_out() -> None:
    source = Looks()
    source.look = SwarmUnavailableError("The engine does not answer.")
    feed = PollFeed(source, interval=0.01)
    async with asyncio.timeout(5), feed.subscribe(frozenset({"web"})) as changes:
        source.look = _look(RUNS)
        assert await changes.wait(10) == (FeedChange("web"),), "nobody knows what was missed"
