"""The contract of every feed, on a real swarm and on the demo's.

A test class for a feed derives from `FeedContract` and has a fixture `feed`; in `tests/swarm` it
runs on the lab, here with the fixture `lab` on a simulated one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.domain.swarm.model import Task, TaskState
from bot.ports import Feed, FeedChange, FeedStatus, Subscription
from tests.contract.labs import AnyLab
from tests.lab.waiting import wait_until

SECONDS = 60.0


async def collect(
    changes: Subscription, enough: Callable[[list[FeedChange]], bool], seconds: float = SECONDS
) -> list[FeedChange]:
    """All changes until there are enough of them."""
    found: list[FeedChange] = []
    async with asyncio.timeout(seconds):
        while not enough(found):
            found += await changes.wait(5)
    return found


async def settle(changes: Subscription) -> None:
    """Read pending changes until none arrives for a moment."""
    async with asyncio.timeout(SECONDS):
        while await changes.wait(1.5):
            continue


async def status_with(feed: Feed, wanted: Callable[[FeedStatus], bool]) -> FeedStatus:
    """The feed's status once it matches."""
    async with asyncio.timeout(SECONDS):
        while True:
            status = feed.status()
            if wanted(status):
                return status
            await asyncio.sleep(0.05)


def _failed(lab: AnyLab, service: str) -> bool:
    """Whether a task of the service has failed."""
    tasks = lab.client().tasks(filters={"service": [service]})
    return any(task["Status"]["State"] == "failed" for task in tasks)


def tasks_in(changes: list[FeedChange], state: TaskState) -> list[Task]:
    """The tasks that were reported in this state."""
    return [change.task for change in changes if change.task and change.task.state is state]


class FeedContract:
    """The contract. Fixture `feed`: an implementation of `bot.ports.Feed` on the lab's manager."""

    async def test_a_failed_task_is_reported_although_it_is_replaced(
        self, lab: AnyLab, feed: Feed
    ) -> None:
        script = "sleep 1; exit 3"
        service = lab.create_service("web", "/bin/sh", "-c", script, replicas=0)
        options = ["--restart-delay", "0s", "--replicas", "1"]
        async with feed.subscribe(frozenset({service})) as changes:
            lab.docker("service", "update", "--detach", "--quiet", *options, "web")
            found = await collect(
                changes, lambda found: len({t.id for t in tasks_in(found, TaskState.FAILED)}) >= 3
            )

        failed = tasks_in(found, TaskState.FAILED)
        assert {task.exit_code for task in failed} == {3}
        assert {task.err for task in failed} == {"task: non-zero exit (3)"}
        assert {(task.service_id, task.slot, task.up_to_date) for task in failed} == {
            (service, 1, True)
        }

    async def test_a_scale_is_reported(self, lab: AnyLab, feed: Feed) -> None:
        service = lab.create_service("web", "/bin/serve")
        lab.wait_running("web", 1)
        async with feed.subscribe(frozenset({service})) as changes:
            await settle(changes)
            lab.docker("service", "scale", "--detach", "web=3")
            found = await collect(
                changes, lambda found: len({t.id for t in tasks_in(found, TaskState.RUNNING)}) >= 2
            )

        assert {change.service_id for change in found} == {service}
        assert any(change.task is None for change in found), "the service itself changed"

    async def test_earlier_changes_are_not_reported_as_new(self, lab: AnyLab, feed: Feed) -> None:
        service = lab.create_service("web", "/bin/crash", options=["--restart-condition", "none"])
        await asyncio.to_thread(wait_until, lambda: _failed(lab, service), "a failed task")
        async with feed.subscribe(frozenset({service})) as changes:
            await settle(changes)

        async with feed.subscribe(frozenset({service})) as changes:
            lab.docker("service", "scale", "--detach", "web=2")
            found = await collect(changes, lambda found: bool(tasks_in(found, TaskState.FAILED)))

        assert {task.slot for task in tasks_in(found, TaskState.FAILED)} == {2}

    async def test_nothing_is_reported_when_nothing_happens(self, lab: AnyLab, feed: Feed) -> None:
        service = lab.create_service("web", "/bin/serve")
        lab.wait_running("web", 1)
        async with feed.subscribe(frozenset({service})) as changes:
            await settle(changes)
            began = asyncio.get_running_loop().time()
            assert await changes.wait(0.5) == ()
            assert await changes.wait(0) == ()
            took = asyncio.get_running_loop().time() - began

        assert took > 0.4  # the subscription waited and did not return at once

    async def test_each_subscriber_gets_only_its_services(self, lab: AnyLab, feed: Feed) -> None:
        one, two = lab.create_service("one", "/bin/serve"), lab.create_service("two", "/bin/serve")
        lab.wait_running("one", 1)
        lab.wait_running("two", 1)
        async with (
            feed.subscribe(frozenset({one})) as ones,
            feed.subscribe(frozenset({one, two})) as both,
        ):
            await settle(both)
            await settle(ones)
            lab.docker("service", "scale", "--detach", "two=2")
            heard = await collect(both, lambda found: bool(tasks_in(found, TaskState.RUNNING)))
            assert {change.service_id for change in heard} == {two}
            assert await ones.wait(0) == ()
            lab.docker("service", "scale", "--detach", "one=2")
            for changes in (ones, both):
                found = await collect(
                    changes, lambda found: bool(tasks_in(found, TaskState.RUNNING))
                )
                assert one in {change.service_id for change in found}

    async def test_a_removed_service_is_a_hint(self, lab: AnyLab, feed: Feed) -> None:
        service = lab.create_service("web", "/bin/serve")
        lab.wait_running("web", 1)
        async with feed.subscribe(frozenset({service})) as changes:
            await settle(changes)
            lab.docker("service", "rm", "web")
            found = await collect(changes, bool)

        assert found[0].service_id == service

    async def test_a_drained_node_is_a_hint(self, lab: AnyLab, feed: Feed) -> None:
        service = lab.create_service("web", "/bin/serve")
        lab.wait_running("web", 1)
        async with feed.subscribe(frozenset({service})) as changes:
            await settle(changes)
            lab.docker("node", "update", "--availability", "pause", "photon-machine-03")
            assert await collect(changes, bool) == [FeedChange(service)]

    async def test_a_subscription_to_an_unknown_service_is_harmless(
        self, lab: AnyLab, feed: Feed
    ) -> None:
        service = lab.create_service("web", "/bin/serve")
        lab.wait_running("web", 1)
        async with feed.subscribe(frozenset({service, "nosuchservice"})) as changes:
            lab.docker("service", "scale", "--detach", "web=2")
            await collect(changes, lambda found: bool(tasks_in(found, TaskState.RUNNING)))
            assert feed.status().trouble == ""

    async def test_it_continues_by_itself_when_its_engine_comes_back(
        self, lab: AnyLab, feed: Feed
    ) -> None:
        service = lab.create_service("web", "/bin/serve")
        lab.wait_running("web", 1)
        async with feed.subscribe(frozenset({service})) as changes:
            manager = lab.manager
            lab.stop_node(manager)
            broken = await status_with(feed, lambda status: bool(status.trouble))
            lab.start_node(manager)
            lab.wait_ready()
            healthy = await status_with(feed, lambda status: not status.trouble)
            await settle(changes)
            lab.docker("service", "scale", "--detach", "web=3")
            await collect(changes, lambda found: bool(tasks_in(found, TaskState.RUNNING)))

        assert "engine" in broken.trouble
        assert healthy.kind == broken.kind

    async def test_the_lag_is_small_while_the_engine_answers(self, lab: AnyLab, feed: Feed) -> None:
        service = lab.create_service("web", "/bin/serve")
        assert feed.status().lag == 0
        async with feed.subscribe(frozenset({service})) as changes:
            await settle(changes)
            assert feed.status().lag < 5
