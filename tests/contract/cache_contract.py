"""The contract of the cache: after any changes it holds what the engine lists."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.swarm.model import Look, Node, Service, StackLook, Task
from bot.swarm.cache import SwarmCache
from bot.swarm.engine import DockerSwarm
from bot.swarm.event_stream.client import StreamClient
from bot.swarm.event_stream.trust import EngineTrust
from bot.swarm.push_feed import PushFeed
from tests.contract.labs import AnyLab
from tests.lab import images

SECONDS = 60.0
APART = 1e-4
"""In seconds: how far times that are the same may be apart."""


class CountingSwarm:
    """An engine; ``whole`` is how often the whole swarm was read."""

    def __init__(self, swarm: DockerSwarm) -> None:
        self.whole = 0
        self._swarm = swarm

    async def stack_look(self, stack: str) -> StackLook:
        self.whole += 1
        return await self._swarm.stack_look(stack)

    async def look(self, service_id: str) -> Look:
        return await self._swarm.look(service_id)

    async def services(self, stack: str = "") -> tuple[Service, ...]:
        return await self._swarm.services(stack)

    async def nodes(self) -> tuple[Node, ...]:
        return await self._swarm.nodes()


class CacheContract:
    """The contract; a test class that derives from it has the fixture ``lab``."""

    @pytest.fixture
    async def swarm(self, lab: AnyLab) -> AsyncIterator[DockerSwarm]:
        engine = DockerSwarm(lab.manager.socket)
        yield engine
        await engine.aclose()

    @pytest.fixture
    async def feed(self, lab: AnyLab) -> AsyncIterator[PushFeed]:
        trust = EngineTrust(lab.manager.socket)
        client = StreamClient(lab.manager.control_socket, trust)
        feed = PushFeed(client, silence=SECONDS)  # on a busy machine it is often behind
        yield feed
        await feed.aclose()
        await trust.aclose()

    async def test_after_many_changes_it_equals_the_engines_list(
        self, lab: AnyLab, swarm: DockerSwarm, feed: PushFeed
    ) -> None:
        """Services that scale, update, crash and go, and nodes that change; read whole once."""
        counted = CountingSwarm(swarm)
        cache = SwarmCache(counted, feed)
        feed.start()
        async with asyncio.timeout(SECONDS):
            await feed.up.wait()
        lab.create_service("web", "/bin/serve", replicas=2)
        lab.create_service("gone", "/bin/serve")
        await cache.stack_look("")

        crash = ["--restart-max-attempts", "2", "--restart-delay", "100ms"]
        lab.create_service("crash", "/bin/crash", options=crash)
        lab.docker("service", "scale", "--detach", "web=3")
        await equal(cache, swarm)
        lab.docker(
            "service", "update", "--detach", "--quiet", "--no-resolve-image",
            "--image", images.BUSY_NEXT, "web",
        )  # fmt: skip
        await cache.stack_look("")
        lab.docker("service", "rm", "gone")
        lab.wait_running("web", 3)
        lab.docker("node", "update", "--availability", "drain", hostname(lab, 2))
        await equal(cache, swarm)
        lab.wait_running("web", 3)
        lab.docker("service", "scale", "--detach", "web=1")
        await equal(cache, swarm)
        assert counted.whole == 1

    async def test_a_node_label_decides_which_tasks_are_up_to_date(
        self, lab: AnyLab, swarm: DockerSwarm, feed: PushFeed
    ) -> None:
        """Without an event of any task or service."""
        cache = SwarmCache(swarm, feed)
        feed.start()
        async with asyncio.timeout(SECONDS):
            await feed.up.wait()
        lab.create_service("web", "/bin/serve", replicas=1)
        lab.wait_running("web", 1)
        await equal(cache, swarm)
        lab.docker("node", "update", "--label-add", "disk=ssd", hostname(lab, 1))
        await equal(cache, swarm)


def hostname(lab: AnyLab, number: int) -> str:
    """The name of one of the lab's nodes."""
    name: str = lab.node(number).name
    return name


async def equal(cache: SwarmCache, swarm: DockerSwarm) -> None:
    """Return when both show the same; fail with the difference if they do not in time."""
    late = asyncio.get_running_loop().time() + SECONDS
    while True:
        different = differences(await cache.stack_look(""), await swarm.stack_look(""))
        if not different:
            return
        assert asyncio.get_running_loop().time() < late, different
        await asyncio.sleep(0.2)


def differences(ours: StackLook, theirs: StackLook) -> list[tuple[Any, Any]]:
    """What two looks show differently; the order of tasks does not count."""
    mine, others = ({task.id: task for task in look.tasks} for look in (ours, theirs))
    pairs = [(mine.get(id_), others.get(id_)) for id_ in mine.keys() | others.keys()]
    unlike: list[tuple[Any, Any]] = [pair for pair in pairs if not same_task(*pair)]
    for one, other in ((ours.services, theirs.services), (ours.nodes, theirs.nodes)):
        unlike += [(one, other)] if one != other else []
    return unlike


def same_task(one: Task | None, other: Task | None) -> bool:
    """Whether two are alike but for addresses, which events do not have.

    Times come as text from one side and as numbers from the other.
    """
    if one is None or other is None:
        return False
    close = abs(one.since - other.since) < APART and abs(one.created - other.created) < APART
    like = replace(other, since=one.since, created=one.created, addresses=one.addresses)
    return close and one == like
