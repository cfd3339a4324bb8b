"""Streams of real control sockets: exact, resumable on any manager, and trusted only if proven."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.swarm.events import CursorLostError, Event, EventAction
from bot.domain.swarm.model import Node, Service, StackLook, Task, TaskState
from bot.swarm.engine import DockerSwarm
from bot.swarm.event_stream.client import StreamClient
from bot.swarm.event_stream.trust import EngineTrust
from bot.swarm.push_feed import PushFeed
from tests.lab.images import BUSY
from tests.lab.node import Node as Machine
from tests.lab.swarm import Lab
from tests.swarm.watching import SECONDS, Identity, StreamListener, failures, identities, listening

QUIETLY = ["--quiet", "--detach", "--no-resolve-image"]
CRASHES = ["--restart-delay", "0s", "--container-label", "b=2", "--container-label", "a=1"]
RICH = [
    "--label", "com.docker.stack.namespace=shop", "--label", "tier=web",
    "--container-label", "x=1", "--container-label", "y=2", "--constraint", "node.role==manager",
    "--reserve-memory", "8M", "--limit-memory", "64M", "--limit-cpu", "0.5",
    "--publish", "mode=host,target=80,published=18080", "--replicas-max-per-node", "2",
    "--mount", "type=volume,source=data,target=/data,volume-label=p=1,volume-label=q=2",
    "--mount", "type=tmpfs,target=/scratch", "--health-cmd", "true", "--health-interval", "1s",
    "--update-monitor", "7s", "--update-failure-action", "rollback", "--rollback-monitor", "9s",
    "--restart-max-attempts", "4", "--restart-condition", "on-failure", "--network", "host",
]  # fmt: skip


@pytest.fixture
async def clients(lab: Lab) -> AsyncIterator[list[StreamClient]]:
    """One for each of the lab's three managers."""
    trusts = [EngineTrust(node.socket) for node in lab.nodes]
    yield [
        StreamClient(node.control_socket, trust, check_seconds=1.0)
        for node, trust in zip(lab.nodes, trusts, strict=True)
    ]
    for trust in trusts:
        await trust.aclose()


@pytest.fixture
def own(lab_factory: Callable[..., Lab]) -> Lab:
    """A swarm whose engines a test may stop: nothing that ran before is in its log."""
    return lab_factory(nodes=3, managers=3)


@pytest.fixture
async def swarm(lab: Lab) -> AsyncIterator[DockerSwarm]:
    swarm = DockerSwarm(lab.manager.socket)
    yield swarm
    await swarm.aclose()


ELSEWHERE: dict[str, Any] = {
    "template": "", "updated_at": 0.0, "restarts": 0, "previous": None, "can_roll_back": False
}  # fmt: skip
"""What is another for each source, or told by looks alone."""


def comparable(found: Task | Service) -> Task | Service:
    """Without times, and for a service without what is not told by streams."""
    if isinstance(found, Task):
        return replace(found, since=0.0, created=0.0)
    return replace(found, **ELSEWHERE)


def between(first: str, last: str, events: list[Event]) -> list[Identity]:
    """Everything from the making of one service until a task of another runs.

    Before and after it, each listener began and ended when it could.
    """
    start = [(event.action, event.object.id) for event in events].index((EventAction.CREATE, first))
    end = next(
        place
        for place, event in enumerate(events)
        if isinstance(event.object, Task)
        and (event.object.service_id, event.object.state) == (last, TaskState.RUNNING)
    )
    return identities(events[start : end + 1])


def newest(events: list[Event]) -> dict[str, Task | Service | Node]:
    return {event.object.id: event.object for event in events}


async def caught_up(
    swarm: DockerSwarm, listener: StreamListener
) -> tuple[StackLook, dict[str, Task | Service | Node]]:
    """A look, and the newest of each object that was told, once they are at the same point."""
    async with asyncio.timeout(SECONDS):
        while True:
            look = await swarm.stack_look("")
            told = newest(listener.events)
            states = {task.id: (task.state, task.desired) for task in look.tasks}
            heard = {
                one.id: (one.state, one.desired) for one in told.values() if isinstance(one, Task)
            }
            if states.items() <= heard.items():
                return look, told
            await asyncio.sleep(0.1)


async def test_objects_are_as_the_engine_says(
    lab: Lab, clients: list[StreamClient], swarm: DockerSwarm
) -> None:
    """All fields of all kinds of services, of their tasks and of nodes."""
    async with aclosing(clients[0].stream()) as stream, listening(stream) as listener:
        pause = ["--label-add", "zone=a", "--availability", "pause"]
        lab.docker("node", "update", *pause, "photon-machine-03")
        web = lab.create_service("shop_web", "/bin/serve", replicas=2, options=RICH)
        glob = lab.docker(
            "service", "create", *QUIETLY, "--mode", "global", "--name", "all", BUSY
        ).strip()
        job = lab.create_service("job", "/bin/true", options=["--mode", "replicated-job"])
        await listener.until(
            (web, TaskState.RUNNING), (glob, TaskState.RUNNING), (job, TaskState.COMPLETE)
        )
        lab.wait_running("shop_web", 2)
        lab.wait_running("all", 2)
        look, told = await caught_up(swarm, listener)

    for service in look.services:
        found = told[service.id]
        assert isinstance(found, Service)
        assert found.updated_at == pytest.approx(service.updated_at, abs=1e-5)
        assert comparable(found) == comparable(service)
    for task in look.tasks:
        one = told[task.id]
        assert isinstance(one, Task)
        assert one.since == pytest.approx(task.since, abs=1e-5)
        assert comparable(one) == comparable(task)
    (paused,) = [node for node in look.nodes if node.hostname == "photon-machine-03"]
    assert told[paused.id] == replace(paused, manager="")
    assert (len(look.services), len(look.tasks)) == (3, 5)


async def test_whether_a_task_is_up_to_date_is_as_the_engine_says(
    lab: Lab, clients: list[StreamClient], swarm: DockerSwarm
) -> None:
    """After a scale, a move and half an update, with tasks that end at that moment."""
    options = [*CRASHES, "--restart-condition", "none", "--update-parallelism", "1"]
    service = lab.create_service("web", "/bin/serve", replicas=2, options=options)
    lab.wait_running("web", 2)
    async with aclosing(clients[1].stream()) as stream, listening(stream) as listener:
        lab.docker("service", "scale", "--detach", "web=4")
        lab.wait_running("web", 4)
        lab.docker("service", "update", "--detach", "--constraint-add", "node.role==manager", "web")
        update = ["--env-add", "NEW=1", "--update-delay", "300s", "--update-monitor", "1s"]
        lab.docker("service", "update", "--detach", *update, "web")
        await listener.until((service, TaskState.SHUTDOWN))
        lab.wait_running("web", 4)
        for node in lab.nodes:
            for container in lab.client(node).containers():
                lab.client(node).kill(container["Id"])
        await listener.until((service, TaskState.FAILED))
        lab.wait_running("web", 0)
        look, told = await caught_up(swarm, listener)

    ended = {task.id: task for task in look.tasks if task.state is TaskState.FAILED}
    said = {found.id: found for found in told.values() if isinstance(found, Task)}
    assert len(ended) == 4
    assert {key: said[key].up_to_date for key in ended} == {
        key: task.up_to_date for key, task in ended.items()
    }
    assert {task.up_to_date for task in ended.values()} == {True, False}


async def test_resumed_on_another_manager_it_tells_exactly_what_was_missed(
    lab: Lab, clients: list[StreamClient]
) -> None:
    """Three managers take turns; the first listener stays connected all the time.

    One that is a moment behind the others does not know the version yet: it is asked again.
    """
    script = "sleep 0.5; exit 3"
    events: list[Event] = []
    async with aclosing(clients[0].stream()) as stream, listening(stream) as witness:
        version, first = None, ""
        for turn in range(6):
            feed = PushFeed(clients[(turn + 1) % 3])
            async with aclosing(feed.events(version)) as other, listening(other) as listener:
                name = f"crash{turn}"
                crash = lab.create_service(name, "/bin/sh", "-c", script, options=CRASHES)
                first = first or crash
                await listener.until((crash, TaskState.FAILED))
                version = listener.version
                events += listener.events
            lab.docker("service", "rm", name)
            missed = lab.create_service(f"{name}b", "/bin/sh", "-c", script, options=CRASHES)
            await witness.until((missed, TaskState.FAILED))
        last = lab.create_service("last", "/bin/serve")
        await witness.until((last, TaskState.RUNNING))
        feed = PushFeed(clients[2])
        async with aclosing(feed.events(version)) as other, listening(other) as listener:
            await listener.until((last, TaskState.RUNNING))
            events += listener.events
        await witness.until((last, TaskState.RUNNING))
    wanted = between(first, last, witness.events)

    assert len(wanted) > 100
    assert between(first, last, events) == wanted


@pytest.mark.parametrize("leads", [True, False], ids=["leader", "follower"])
async def test_an_engines_restart_loses_nothing(own: Lab, leads: bool) -> None:
    """Its control socket is made anew; what happened meanwhile is told once."""
    node = next(node for node in own.nodes if (node is own.leader) == leads)
    other = next(other for other in own.nodes if other is not node)
    own.create_service("crash", "/bin/sh", "-c", "sleep 0.5; exit 3", options=CRASHES)
    async with following(other) as witness, following(node) as listener:
        await listener.failed(3)
        node.shut_down()
        missed = fails_elsewhere(own, "missed", node)
        await witness.until((missed, TaskState.FAILED))
        own.start_node(node)
        await listener.until((missed, TaskState.FAILED))
        last = await both_hear_the_last(own, witness, listener, node)
    assert_same_failures(witness, listener, last)


async def test_a_new_leader_loses_nothing(own: Lab) -> None:
    """Nor does it tell anything twice."""
    leader = own.leader
    one, other = (node for node in own.nodes if node is not leader)
    own.create_service("crash", "/bin/sh", "-c", "sleep 0.5; exit 3", options=CRASHES)
    async with following(one) as listener, following(other) as witness:
        await listener.failed(3)
        own.stop_node(leader)
        own.wait_node_state(leader, "down")
        missed = fails_elsewhere(own, "missed", leader)
        await listener.until((missed, TaskState.FAILED))
        last = await both_hear_the_last(own, witness, listener, leader)
    assert_same_failures(witness, listener, last)


@asynccontextmanager
async def following(node: Machine) -> AsyncIterator[StreamListener]:
    """All events of a manager, resumed by itself whatever happens to it."""
    trust = EngineTrust(node.socket)
    feed = PushFeed(StreamClient(node.control_socket, trust, check_seconds=1.0), grace=SECONDS)
    async with aclosing(feed.events()) as stream, listening(stream) as listener:
        yield listener
    await trust.aclose()


def fails_elsewhere(lab: Lab, name: str, node: Machine) -> str:
    """A service whose one task fails once, on another node than that."""
    options = ["--restart-condition", "none", "--constraint", f"node.hostname!={node.name}"]
    return lab.create_service(name, "/bin/false", options=options)


async def both_hear_the_last(
    lab: Lab, one: StreamListener, other: StreamListener, node: Machine
) -> str:
    """Id of a service whose one failure, not on that node, ends what is compared."""
    last = fails_elsewhere(lab, "last", node)
    await one.until((last, TaskState.FAILED))
    await other.until((last, TaskState.FAILED))
    return last


def assert_same_failures(witness: StreamListener, listener: StreamListener, last: str) -> None:
    """Both heard of the same ends of tasks in the same order, none of them twice.

    One may have begun before the other, and heard of earlier ones.
    """
    told, wanted = failures(listener, last), failures(witness, last)
    first = next(end for end in told if end in wanted)
    told, wanted = (ends[ends.index(first) :] for ends in (told, wanted))
    assert len(wanted) > 3
    assert told == wanted
    assert len(set(told)) == len(told) > 4
    versions = [batch.version for batch in listener.batches]
    assert versions == sorted(versions)


async def test_a_version_of_another_swarm_is_no_place_to_begin(clients: list[StreamClient]) -> None:
    async with aclosing(clients[0].stream(1_000_000_000)) as batches:
        with pytest.raises(CursorLostError) as caught:
            await anext(batches)
    assert caught.value.ahead
