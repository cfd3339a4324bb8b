"""The demo's control socket: the same objects as its engine, and a log to resume from."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.swarm.events import CursorLostError
from bot.domain.swarm.model import Node, Service, StackLook, Task, TaskState
from bot.swarm.connection import Connection
from bot.swarm.engine import DockerSwarm
from bot.swarm.event_stream.client import StreamClient
from bot.swarm.event_stream.errors import UntrustedError
from bot.swarm.event_stream.trust import EngineTrust
from playground.swarm.engine import SimulatedSwarm
from playground.swarm.furnished import furnished
from tests.swarm.watching import StreamListener, identities, listening

STACK = "com.docker.stack.namespace"
SECOND = 1_000_000_000
RICH: dict[str, Any] = {
    "Name": "shop_web",
    "Labels": {STACK: "shop", "tier": "web"},
    "TaskTemplate": {
        "ContainerSpec": {
            "Image": "lab/busy:1",
            "Args": ["serve"],
            "Labels": {"x": "1", "y": "2"},
            "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": SECOND // 5},
            "Mounts": [{"Type": "volume", "Source": "data", "Target": "/data"}],
        },
        "Resources": {
            "Limits": {"MemoryBytes": 64 * 2**20, "NanoCPUs": SECOND // 2},
            "Reservations": {"MemoryBytes": 8 * 2**20},
        },
        "Placement": {"Constraints": ["node.role==manager"], "MaxReplicas": 2},
        "RestartPolicy": {"Condition": "on-failure", "Delay": 2 * SECOND, "MaxAttempts": 4},
    },
    "Mode": {"Replicated": {"Replicas": 2}},
    "UpdateConfig": {"Parallelism": 1, "Monitor": 7 * SECOND, "FailureAction": "rollback"},
    "RollbackConfig": {"Parallelism": 1, "Monitor": 9 * SECOND},
    "EndpointSpec": {
        "Ports": [
            {"Protocol": "tcp", "TargetPort": 80, "PublishedPort": 18080, "PublishMode": "host"}
        ]
    },
}
TOLD_BY_LOOKS: dict[str, Any] = {
    "template": "", "updated_at": 0.0, "restarts": 0, "previous": None, "can_roll_back": False
}  # fmt: skip


@pytest.fixture
async def demo() -> AsyncIterator[SimulatedSwarm]:
    """The guide's swarm, with all its sockets."""
    with tempfile.TemporaryDirectory(prefix="sim") as folder:
        async with SimulatedSwarm(furnished(now=time.time()), Path(folder)) as swarm:
            yield swarm


@pytest.fixture
async def client(demo: SimulatedSwarm) -> AsyncIterator[StreamClient]:
    """A client of the first manager's control socket."""
    trust = EngineTrust(demo.host())
    yield StreamClient(demo.control_socket(), trust, check_seconds=1.0)
    await trust.aclose()


async def test_a_proxy_of_the_environment_is_not_used(
    client: StreamClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing listens at its port."""
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    await client.check()


def made(demo: SimulatedSwarm, spec: dict[str, Any]) -> str:
    """Id of a new service."""
    service = demo.requests.create_service(spec)
    demo.catch_up()
    return service.id


def a_service(name: str, *command: str) -> dict[str, Any]:
    container = {"Image": "lab/busy:1", "Args": list(command)}
    return {"Name": name, "TaskTemplate": {"ContainerSpec": container}}


async def all_run(swarm: DockerSwarm) -> StackLook:
    """A look at the swarm once it does not change any more."""
    async with asyncio.timeout(30):
        while True:
            look = await swarm.stack_look("")
            if all(task.state >= TaskState.RUNNING for task in look.tasks):
                return look


async def test_objects_are_as_the_engine_says(demo: SimulatedSwarm, client: StreamClient) -> None:
    swarm = DockerSwarm(demo.host())
    async with aclosing(client.stream()) as stream, listening(stream) as listener:
        node = demo.requests.node("photon-machine-09")
        spec = {"Availability": "pause", "Labels": {"zone": "a"}}
        demo.requests.update_node(node.id, node.meta.version, spec)
        web = made(demo, RICH)
        glob = made(demo, {**a_service("all", "serve"), "Mode": {"Global": {}}})
        job = made(demo, {**a_service("job", "true"), "Mode": {"ReplicatedJob": {}}})
        await listener.until(
            (web, TaskState.RUNNING), (glob, TaskState.RUNNING), (job, TaskState.COMPLETE)
        )
        look = await all_run(swarm)
        await listener.up_to(t for t in look.tasks if t.service_id in {web, glob, job})
        await swarm.aclose()
        told = {event.object.id: event.object for event in listener.events}

    for service in look.services:
        if service.id in {web, glob, job}:
            found = told[service.id]
            assert isinstance(found, Service)
            assert replace(found, **TOLD_BY_LOOKS) == replace(service, **TOLD_BY_LOOKS)
    for task in look.tasks:
        if task.service_id in {web, glob, job}:
            one = told[task.id]
            assert isinstance(one, Task)
            assert (one.since, one.created) == pytest.approx((task.since, task.created), abs=1e-5)
            bare: dict[str, Any] = {"since": 0.0, "created": 0.0, "addresses": ()}
            assert replace(one, **bare) == replace(task, **bare)
    (paused,) = [each for each in look.nodes if each.hostname == "photon-machine-09"]
    assert told[paused.id] == replace(paused, manager="")
    assert isinstance(told[paused.id], Node)


async def test_a_stream_is_resumed_on_another_manager_without_a_gap(
    demo: SimulatedSwarm, client: StreamClient
) -> None:
    trust = EngineTrust(demo.host("photon-machine-02"))
    other = StreamClient(demo.control_socket("photon-machine-02"), trust)
    async with aclosing(client.stream()) as stream, listening(stream) as witness:
        first = made(demo, a_service("first", "crash"))
        await witness.until((first, TaskState.FAILED))
        version = witness.version
        seen = len(witness.events)
        missed = made(demo, a_service("missed", "crash"))
        await witness.until((missed, TaskState.FAILED))
        async with aclosing(other.stream(version)) as again, listening(again) as listener:
            await listener.until((missed, TaskState.FAILED))
        wanted = identities(witness.events[seen:])
    await trust.aclose()

    together = min(len(wanted), len(listener.events))
    assert together > 5
    assert identities(listener.events)[:together] == wanted[:together]


async def test_a_version_of_another_swarm_cannot_be_resumed(client: StreamClient) -> None:
    async with aclosing(client.stream(1_000_000_000)) as batches:
        with pytest.raises(CursorLostError) as caught:
            await anext(batches)
    assert caught.value.ahead


async def test_only_clients_that_know_its_root_can_connect(
    demo: SimulatedSwarm, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    with tempfile.TemporaryDirectory(prefix="sim") as folder:
        async with SimulatedSwarm(furnished(now=time.time()), Path(folder)) as other:
            trust = EngineTrust(other.host())
            stranger = StreamClient(demo.control_socket(), trust)
            with pytest.raises(UntrustedError):
                await stranger.check()
            await trust.aclose()


async def test_a_lost_manager_ends_its_streams(demo: SimulatedSwarm, client: StreamClient) -> None:
    listener = StreamListener()
    async with aclosing(client.stream()) as stream:
        following = asyncio.create_task(listener.follow(stream))
        await listener.up()
        await demo.stop_node("photon-machine-01")
        async with asyncio.timeout(10):
            await following

    assert listener.error is not None


async def test_unsimulated_requests_are_refused_with_a_sentence(demo: SimulatedSwarm) -> None:
    connection = Connection(demo.host())

    answer = await connection.call(
        lambda client: client.get(f"{client.base_url}/v1.41/images/json"), repeat=False
    )
    connection.close()

    said = {"message": "the simulated swarm does not support GET /images/json"}
    assert (answer.status_code, answer.json()) == (501, said)
