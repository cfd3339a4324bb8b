"""Placement against a scheduler: tasks predicted not to fit stay pending, the rest run.

A test class derives from `PlacementContract` and has the fixture `lab`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from bot.domain.swarm.model import Task, TaskState
from bot.domain.swarm.placement import Fit, explain
from bot.swarm.engine import DockerSwarm
from tests.contract.labs import AnyLab

TOO_MANY = 2


@dataclass(frozen=True)
class Case:
    """A case: options of the service, preparation of the swarm, and the scheduler's message."""

    options: tuple[str, ...]
    words: str
    prepare: tuple[tuple[str, ...], ...] = ()
    reason: str = ""


def _node(number: int, *change: str) -> tuple[str, ...]:
    return ("node", "update", *change, f"photon-machine-{number:02d}")


CASES = {
    "memory": Case(("--reserve-memory", "{third}"), "insufficient resources", reason="of memory"),
    "cpu": Case(("--reserve-cpu", "0.7"), "insufficient resources", reason="needs 0.7 CPU"),
    "max replicas": Case(
        ("--replicas-max-per-node", "2"), "max replicas per node limit", reason="at most 2 a node"
    ),
    "constraint": Case(
        ("--replicas-max-per-node", "3", "--constraint", "node.labels.disk==SSD"),
        "max replicas per node limit",
        (_node(1, "--label-add", "disk=ssd"),),
        "constraint node.labels.disk == SSD not met",
    ),
    "no node at all": Case(
        ("--constraint", "node.role!=manager"),
        "scheduling constraints not satisfied",
        reason="constraint node.role != manager not met",
    ),
    "drained and paused": Case(
        ("--replicas-max-per-node", "1"),
        "not available for new tasks",
        (_node(1, "--availability", "drain"), _node(2, "--availability", "pause")),
        "drained",
    ),
    "host port": Case(
        ("--publish", "mode=host,target=80,published=18099"),
        "host-mode port already in use",
        reason="host port 18099/tcp taken",
    ),
}


async def _fit(swarm: DockerSwarm, service_id: str) -> Fit:
    look = await swarm.look(service_id)
    assert look.service is not None
    return explain(look.service, look.nodes, await swarm.tasks())


async def _decided(
    swarm: DockerSwarm, service_id: str, count: int, words: str = ""
) -> tuple[Task, ...]:
    """Wait until the scheduler has placed or refused each task; returns the service's tasks.

    Its first message on a task may omit filters that it had not reached; it tries again and then
    lists all.
    """
    async with asyncio.timeout(60):
        while True:
            tasks = [
                t for t in (await swarm.look(service_id)).tasks if t.desired <= TaskState.RUNNING
            ]
            refused = [task.err for task in tasks if not task.node_id]
            if len(tasks) == count and all(err and words in err for err in refused):
                return tuple(tasks)
            await asyncio.sleep(0.05)


class PlacementContract:
    """The contract of placement."""

    @pytest.fixture
    async def swarm(self, lab: AnyLab) -> AsyncIterator[DockerSwarm]:
        adapter = DockerSwarm(lab.manager.socket)
        yield adapter
        await adapter.aclose()

    @pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
    async def test_the_predicted_room_is_what_the_scheduler_places(
        self, lab: AnyLab, swarm: DockerSwarm, case: Case
    ) -> None:
        for command in case.prepare:
            lab.docker(*command)
        third = (await swarm.nodes())[0].resources.memory // 3
        other = ["--reserve-memory", str(third), "--constraint", "node.hostname==photon-machine-02"]
        lab.create_service("other", "/bin/serve", replicas=2, options=other)
        if "--availability" not in str(case.prepare):
            lab.wait_running("other", 2)
        options = [option.format(third=third) for option in case.options]
        service_id = lab.create_service("web", "/bin/serve", replicas=0, options=options)

        fit = await _fit(swarm, service_id)
        assert fit.room is not None
        wanted = fit.placed + fit.room + TOO_MANY
        lab.docker("service", "scale", "--detach", f"web={wanted}")
        tasks = await _decided(swarm, service_id, wanted, case.words)
        full = await _fit(swarm, service_id)

        left = [task for task in tasks if not task.node_id]
        assert len(left) == TOO_MANY
        assert (full.placed, full.room) == (fit.placed + fit.room, 0)
        assert len(full.obstacles) == len(lab.nodes)
        assert any(case.reason in sentence for sentence in full.sentences(5))

    async def test_without_limits_there_is_always_room(
        self, lab: AnyLab, swarm: DockerSwarm
    ) -> None:
        service_id = lab.create_service("web", "/bin/serve", replicas=4)
        await _decided(swarm, service_id, 4)

        fit = await _fit(swarm, service_id)

        assert (fit.placed, fit.room, fit.obstacles) == (4, None, ())
