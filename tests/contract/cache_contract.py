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
ROUNDING = 1e-5
"""Times come as text from one side and as numbers from the other."""


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
        ours, theirs = await cache.stack_look(""), await swarm.stack_look("")
        if compared(ours) == compared(theirs):
            return
        if asyncio.get_running_loop().time() > late:
            assert compared(ours) == compared(theirs)
        await asyncio.sleep(0.2)


def compared(look: StackLook) -> tuple[Any, ...]:
    """A look without its time and the order of its tasks."""
    return look.services, {task.id: rounded(task) for task in look.tasks}, look.nodes


def rounded(task: Task) -> Task:
    """A task without addresses, which events do not have, and with times that can be compared."""
    since, created = (round(at / ROUNDING / 10) for at in (task.since, task.created))
    return replace(task, since=since, created=created, addresses=())
