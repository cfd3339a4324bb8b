"""Streams of real control sockets: exact, resumable on any manager, and trusted only if proven."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.errors import NotAManagerError, SwarmError, SwarmUnavailableError
from bot.domain.stream import Action, Batch, CursorLostError, Event
from bot.domain.swarm import Node, Service, Task, TaskState
from bot.swarm.engine import DockerSwarm
from bot.swarm.push_feed import PushFeed
from bot.swarm.watch.channel import Channel
from bot.swarm.watch.client import WatchClient
from bot.swarm.watch.errors import NoControlSocketError, UntrustedError
from bot.swarm.watch.trust import EngineTrust
from bot.swarm.watch.tunnel import Tunnel
from tests.lab.images import BUSY
from tests.lab.swarm import Lab

SECONDS = 60.0
STRANGER = """-----BEGIN CERTIFICATE-----
MIIBfTCCASOgAwIBAgIUYHdQcJCzEFfYrDulfb6BDxPhq3wwCgYIKoZIzj0EAwIw
EzERMA8GA1UEAwwIc3dhcm0tY2EwIBcNMjYxMTIzMTMxNzI0WhgPMjEyNjEwMzAx
MzE3MjRaMBMxETAPBgNVBAMMCHN3YXJtLWNhMFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAEOdeL9mzbFwypRse3WTzlBRyqidIHAhGShDNBa+hYiLX5rQHBXQBiWnEs
SJftxUtJMA5UbLhaP9dQvSihbKrodqNTMFEwHQYDVR0OBBYEFLuFYmiuMRly/wmt
XKi2NZb7Nwt5MB8GA1UdIwQYMBaAFLuFYmiuMRly/wmtXKi2NZb7Nwt5MA8GA1Ud
EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgVCwgKpevJJAQktvBYVbA7mcA
XPv77+6W8aDUH1lZaAMCIQD//t72yNDSZEta99zI7ZW/IhAk8Qzn6sRq8gc3KGv7
FA==
-----END CERTIFICATE-----
"""
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

Identity = tuple[Action, str, str, object]


class Watcher:
    """Collects the batches of one stream in the background."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.error: Exception | None = None
        self._grown = asyncio.Condition()

    async def follow(self, batches: AsyncIterator[Batch]) -> None:
        try:
            async for batch in batches:
                async with self._grown:
                    self.batches.append(batch)
                    self._grown.notify_all()
        except SwarmError as error:
            async with self._grown:
                self.error = error
                self._grown.notify_all()

    async def until(self, *told: tuple[str, TaskState]) -> None:
        """Return when there are events of a task of each of these services in this state."""
        await self._until(lambda: set(told) <= self._states())

    async def failed(self, count: int) -> None:
        """Return when so many failures of tasks were told."""
        await self._until(lambda: len(failures(self)) >= count)

    async def up(self) -> None:
        """Return when the stream is up."""
        await self._until(lambda: bool(self.batches))

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(SECONDS), self._grown:
            await self._grown.wait_for(lambda: condition() or self.error is not None)
        if self.error is not None:
            raise self.error

    @property
    def events(self) -> list[Event]:
        return [event for batch in self.batches for event in batch.events]

    @property
    def version(self) -> int:
        return self.batches[-1].version

    def _states(self) -> set[tuple[str, TaskState]]:
        return {
            (event.object.service_id, event.object.state)
            for event in self.events
            if isinstance(event.object, Task)
        }


@asynccontextmanager
async def watching(batches: AsyncIterator[Batch]) -> AsyncIterator[Watcher]:
    watcher = Watcher()
    following = asyncio.create_task(watcher.follow(batches))
    try:
        await watcher.up()
        yield watcher
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


@pytest.fixture
async def clients(lab: Lab) -> AsyncIterator[list[WatchClient]]:
    """One for each of the lab's three managers."""
    trusts = [EngineTrust(node.socket) for node in lab.nodes]
    yield [
        WatchClient(node.control_socket, trust, check_seconds=1.0)
        for node, trust in zip(lab.nodes, trusts, strict=True)
    ]
    for trust in trusts:
        await trust.aclose()


@pytest.fixture
async def swarm(lab: Lab) -> AsyncIterator[DockerSwarm]:
    swarm = DockerSwarm(lab.manager.socket)
    yield swarm
    await swarm.aclose()


@pytest.fixture(scope="module")
def spare() -> Iterator[Lab]:
    """A swarm to spoil: one manager, one worker."""
    with Lab(nodes=2, managers=1) as lab:
        yield lab


def identities(events: list[Event]) -> list[Identity]:
    return [(event.action, event.kind, event.object.id, marks(event.object)) for event in events]


def marks(found: Task | Service | Node) -> object:
    if isinstance(found, Task):
        return found.state, found.desired, found.node_id, found.err, found.since
    return found


def without_times(found: Task | Service) -> Task | Service:
    """Nor a service's digest, which is another for each source."""
    if isinstance(found, Task):
        return replace(found, since=0.0, created=0.0)
    return replace(found, template="", updated_at=0.0)


def newest(events: list[Event]) -> dict[str, Task | Service | Node]:
    return {event.object.id: event.object for event in events}


async def test_objects_are_as_the_engine_says(
    lab: Lab, clients: list[WatchClient], swarm: DockerSwarm
) -> None:
    """All fields of all kinds of services, of their tasks and of nodes."""
    async with aclosing(clients[0].watch()) as stream, watching(stream) as watcher:
        web = lab.create_service("shop_web", "/bin/serve", replicas=2, options=RICH)
        glob = lab.docker(
            "service", "create", *QUIETLY, "--mode", "global", "--name", "all", BUSY
        ).strip()
        job = lab.create_service("job", "/bin/true", options=["--mode", "replicated-job"])
        lab.docker(
            "node",
            "update",
            "--label-add",
            "zone=a",
            "--availability",
            "pause",
            "photon-machine-03",
        )
        await watcher.until(
            (web, TaskState.RUNNING), (glob, TaskState.RUNNING), (job, TaskState.COMPLETE)
        )
        lab.wait_running("shop_web", 2)
        lab.wait_running("all", 2)
        await asyncio.sleep(1.5)
        look = await swarm.stack_look("")
        told = newest(watcher.events)

    for service in look.services:
        found = told[service.id]
        assert isinstance(found, Service)
        assert found.updated_at == pytest.approx(service.updated_at, abs=1e-5)
        assert without_times(found) == without_times(service)
    for task in look.tasks:
        one = told[task.id]
        assert isinstance(one, Task)
        assert one.since == pytest.approx(task.since, abs=1e-5)
        assert without_times(one) == without_times(task)
    (paused,) = [node for node in look.nodes if node.hostname == "photon-machine-03"]
    assert told[paused.id] == replace(paused, manager="")
    assert (len(look.services), len(look.tasks)) == (3, 6)


async def test_whether_a_task_is_up_to_date_is_as_the_engine_says(
    lab: Lab, clients: list[WatchClient], swarm: DockerSwarm
) -> None:
    """After a scale, a move and half an update, with tasks that end at that moment."""
    options = [*CRASHES, "--restart-condition", "none", "--update-parallelism", "1"]
    service = lab.create_service("web", "/bin/serve", replicas=2, options=options)
    lab.wait_running("web", 2)
    async with aclosing(clients[1].watch()) as stream, watching(stream) as watcher:
        lab.docker("service", "scale", "--detach", "web=4")
        lab.wait_running("web", 4)
        lab.docker("service", "update", "--detach", "--constraint-add", "node.role==manager", "web")
        update = ["--env-add", "NEW=1", "--update-delay", "300s", "--update-monitor", "1s"]
        lab.docker("service", "update", "--detach", *update, "web")
        await watcher.until((service, TaskState.SHUTDOWN))
        lab.wait_running("web", 4)
        for node in lab.nodes:
            for container in lab.client(node).containers():
                lab.client(node).kill(container["Id"])
        await watcher.until((service, TaskState.FAILED))
        lab.wait_running("web", 0)
        await asyncio.sleep(1)
        look = await swarm.look(service)
        told = newest(watcher.events)

    ended = {task.id: task for task in look.tasks if task.state is TaskState.FAILED}
    said = {found.id: found for found in told.values() if isinstance(found, Task)}
    assert len(ended) == 4
    assert {key: said[key].up_to_date for key in ended} == {
        key: task.up_to_date for key, task in ended.items()
    }
    assert {task.up_to_date for task in ended.values()} == {True, False}


async def test_resumed_on_another_manager_it_tells_exactly_what_was_missed(
    lab: Lab, clients: list[WatchClient]
) -> None:
    """Three managers take turns; the first watcher stays connected all the time."""
    script = "sleep 0.5; exit 3"
    events: list[Event] = []
    async with aclosing(clients[0].watch()) as stream, watching(stream) as witness:
        version = None
        for turn in range(6):
            client = clients[(turn + 1) % 3]
            async with aclosing(client.watch(version)) as other, watching(other) as watcher:
                name = f"crash{turn}"
                crash = lab.create_service(name, "/bin/sh", "-c", script, options=CRASHES)
                await watcher.until((crash, TaskState.FAILED))
                version = watcher.version
                events += watcher.events
            lab.docker("service", "rm", name)
            missed = lab.create_service(f"{name}b", "/bin/sh", "-c", script, options=CRASHES)
            await witness.until((missed, TaskState.FAILED))
        last = lab.create_service("last", "/bin/serve")
        await witness.until((last, TaskState.RUNNING))
        async with aclosing(clients[2].watch(version)) as other, watching(other) as watcher:
            await watcher.until((last, TaskState.RUNNING))
            events += watcher.events
        await witness.until((last, TaskState.RUNNING))
    wanted, told = identities(witness.events), identities(events)
    together = min(len(wanted), len(told))

    assert together > 100
    assert told[:together] == wanted[:together]
    assert len(wanted) - together < 20, "one ended a moment before the other"


async def test_an_engines_restart_loses_nothing(lab: Lab, clients: list[WatchClient]) -> None:
    """Its control socket is made anew; what happened meanwhile is told once."""
    feed = PushFeed(clients[0], grace=SECONDS)
    lab.create_service("crash", "/bin/sh", "-c", "sleep 0.5; exit 3", options=CRASHES)
    async with (
        aclosing(clients[1].watch()) as stream,
        watching(stream) as witness,
        aclosing(feed.events()) as events,
        watching(events) as watcher,
    ):
        await watcher.failed(3)
        lab.nodes[0].shut_down()
        missed = lab.create_service("missed", "/bin/false", options=["--restart-condition", "none"])
        await witness.until((missed, TaskState.FAILED))
        lab.start_node(lab.nodes[0])
        await watcher.until((missed, TaskState.FAILED))
        last = await both_hear_the_last(lab, witness, watcher)
    assert_same_failures(witness, watcher, last)


async def test_a_new_leader_loses_nothing(lab: Lab, clients: list[WatchClient]) -> None:
    """Nor does it tell anything twice."""
    leader = lab.leader
    others = [lab.nodes.index(node) for node in lab.nodes if node is not leader]
    lab.create_service("crash", "/bin/sh", "-c", "sleep 0.5; exit 3", options=CRASHES)
    async with (
        aclosing(PushFeed(clients[others[0]], grace=SECONDS).events()) as one,
        watching(one) as watcher,
        aclosing(PushFeed(clients[others[1]], grace=SECONDS).events()) as two,
        watching(two) as witness,
    ):
        await watcher.failed(3)
        lab.stop_node(leader)
        lab.wait_node_state(leader, "down")
        missed = lab.create_service("missed", "/bin/false", options=["--restart-condition", "none"])
        await watcher.until((missed, TaskState.FAILED))
        last = await both_hear_the_last(lab, witness, watcher)
    assert_same_failures(witness, watcher, last)


async def both_hear_the_last(lab: Lab, one: Watcher, other: Watcher) -> str:
    """Id of a service whose one failure ends what is compared."""
    last = lab.create_service("last", "/bin/false", options=["--restart-condition", "none"])
    await one.until((last, TaskState.FAILED))
    await other.until((last, TaskState.FAILED))
    return last


def assert_same_failures(witness: Watcher, watcher: Watcher, last: str) -> None:
    """Both heard of the same ends of tasks in the same order, none of them twice."""
    told, wanted = failures(watcher, last), failures(witness, last)
    assert told == wanted
    assert len(set(told)) == len(told) > 4
    versions = [batch.version for batch in watcher.batches]
    assert versions == sorted(versions)


def failures(watcher: Watcher, last: str = "") -> list[Identity]:
    """Ends of tasks that the swarm had not asked for, up to those of the service ``last``."""
    ends = [
        (event.object.service_id, identity)
        for event, identity in zip(watcher.events, identities(watcher.events), strict=True)
        if isinstance(event.object, Task)
        and event.action is Action.UPDATE
        and event.object.state is TaskState.FAILED
        and event.object.desired is TaskState.RUNNING
    ]
    stop = next((place for place, end in enumerate(ends, 1) if end[0] == last), len(ends))
    return [identity for _, identity in ends[:stop]]


async def test_a_version_of_another_swarm_is_no_place_to_begin(clients: list[WatchClient]) -> None:
    async with aclosing(clients[0].watch(1_000_000_000)) as batches:
        with pytest.raises(CursorLostError) as caught:
            await anext(batches)
    assert caught.value.ahead


async def test_a_compacted_log_is_no_place_to_begin(spare: Lab) -> None:
    """The swarm keeps so many changes and no more."""
    client = spare.client()
    swarm = client.inspect_swarm()
    raft = {**swarm["Spec"]["Raft"], "SnapshotInterval": 5, "LogEntriesForSlowFollowers": 1}
    client.update_swarm(swarm["Version"]["Index"], swarm_spec={**swarm["Spec"], "Raft": raft})
    spare.create_service("web", "/bin/serve", replicas=3)
    spare.wait_running("web", 3)
    trust = EngineTrust(spare.manager.socket)
    async with aclosing(WatchClient(spare.manager.control_socket, trust).watch(2)) as batches:
        with pytest.raises(CursorLostError) as caught:
            await anext(batches)
    await trust.aclose()

    assert not caught.value.ahead
    assert "compacted" in caught.value.sentence


async def test_another_swarms_root_is_refused(lab: Lab) -> None:
    """Nothing is asked of who cannot prove to be a manager; the root is read again next time."""
    roots = [STRANGER.encode()]
    true = EngineTrust(lab.manager.socket)

    async def trust() -> bytes:
        return roots.pop() if roots else await true()

    client = WatchClient(lab.manager.control_socket, trust)
    async with aclosing(client.watch()) as batches:
        with pytest.raises(UntrustedError):
            await anext(batches)
    async with aclosing(client.watch()) as batches:
        assert (await anext(batches)).events == ()
    await true.aclose()


async def test_a_rotated_root_is_read_again(spare: Lab) -> None:
    """``docker swarm ca --rotate`` while the bot runs."""
    trust = EngineTrust(spare.manager.socket)
    client = WatchClient(spare.manager.control_socket, trust)
    await first_batch(client)
    before = await trust()
    spare.docker("swarm", "ca", "--rotate", "--quiet")
    spare.wait_ready()

    assert await trust() != before
    assert (await first_batch(client)).events == ()
    await trust.aclose()


async def test_a_worker_has_no_stream(spare: Lab) -> None:
    worker = spare.nodes[1]
    trust = EngineTrust(worker.socket)
    with pytest.raises(NotAManagerError):
        await trust()
    with pytest.raises(NoControlSocketError, match="no control socket"):
        await first_batch(WatchClient(worker.control_socket, trust))
    with pytest.raises(NoControlSocketError, match="not a manager"):
        await first_batch(WatchClient(spare.manager.control_socket, trust))
    await trust.aclose()


async def test_a_socket_of_root_is_not_for_others(lab: Lab, tmp_path: Path) -> None:
    """The engine's folder lets nobody else in."""
    trust = EngineTrust(lab.manager.socket)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "control.sock").symlink_to(lab.manager.control_socket)
    os.seteuid(65534)
    try:
        with pytest.raises(NoControlSocketError, match="may not open") as caught:
            await first_batch(WatchClient(closed / "control.sock", trust))
    finally:
        os.seteuid(0)
    await trust.aclose()
    assert "as root" in caught.value.hint


async def test_the_entrance_for_grpc_is_for_this_process_alone(lab: Lab) -> None:
    """Who may reach a network namespace may reach its abstract sockets; not this one."""
    trust = EngineTrust(lab.manager.socket)
    knock = (
        "import socket, sys; door = socket.socket(socket.AF_UNIX); "
        "door.connect('\\0' + sys.argv[1]); door.sendall(b'PRI'); "
        "print(door.recv(9) or 'closed')"
    )
    async with Tunnel(str(lab.manager.control_socket), await trust(), 5.0) as tunnel:
        stranger = await asyncio.create_subprocess_exec(
            sys.executable, "-c", knock, tunnel.target.partition(":")[2],
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, complaint = await stranger.communicate()
        async with Channel(tunnel, 5.0) as channel:
            nodes = (await channel.listing()).nodes
    await trust.aclose()

    assert said.strip() == b"closed" or b"ConnectionReset" in complaint or b"Broken" in complaint
    assert len(nodes) == 3


async def first_batch(client: WatchClient) -> Batch:
    async with aclosing(client.watch()) as batches:
        return await anext(batches)


async def test_an_engine_that_is_gone_does_not_answer(lab: Lab) -> None:
    """What it left of its socket is still there."""
    node = lab.nodes[2]
    trust = EngineTrust(node.socket)
    client = WatchClient(node.control_socket, trust)
    await first_batch(client)
    lab.stop_node(node)
    with pytest.raises(SwarmUnavailableError, match="does not answer at its control socket"):
        await first_batch(client)
    await trust.aclose()
