"""Control sockets are trusted only if they prove their identity; errors name the problem."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from bot.domain.errors import NotAManagerError, SwarmUnavailableError
from bot.domain.swarm.events import CursorLostError
from bot.swarm.event_stream.channel import GrpcChannel
from bot.swarm.event_stream.client import StreamClient
from bot.swarm.event_stream.errors import NoControlSocketError, UntrustedError
from bot.swarm.event_stream.trust import EngineTrust
from bot.swarm.event_stream.tunnel import Tunnel
from tests.lab.swarm import Lab
from tests.swarm.watching import first_batch

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


@pytest.fixture(scope="module")
def spare() -> Iterator[Lab]:
    """A swarm that may be damaged: one manager, one worker."""
    with Lab(nodes=2, managers=1) as lab:
        yield lab


async def test_a_compacted_log_cannot_be_resumed(spare: Lab) -> None:
    """The swarm keeps a limited number of changes."""
    client = spare.client()
    swarm = client.inspect_swarm()
    raft = {**swarm["Spec"]["Raft"], "SnapshotInterval": 5, "LogEntriesForSlowFollowers": 1}
    client.update_swarm(swarm["Version"]["Index"], swarm_spec={**swarm["Spec"], "Raft": raft})
    spare.create_service("web", "/bin/serve", replicas=3)
    spare.wait_running("web", 3)
    trust = EngineTrust(spare.manager.socket)
    async with aclosing(StreamClient(spare.manager.control_socket, trust).stream(2)) as batches:
        with pytest.raises(CursorLostError) as caught:
            await anext(batches)
    await trust.aclose()

    assert not caught.value.ahead
    assert "compacted" in caught.value.sentence


async def test_another_swarms_root_is_refused(lab: Lab) -> None:
    """Nothing is sent to a server that is no proven manager; the root is read again next time."""
    roots = [STRANGER.encode()]
    true = EngineTrust(lab.manager.socket)

    async def trust() -> bytes:
        return roots.pop() if roots else await true()

    client = StreamClient(lab.manager.control_socket, trust)
    async with aclosing(client.stream()) as batches:
        with pytest.raises(UntrustedError):
            await anext(batches)
    async with aclosing(client.stream()) as batches:
        assert (await anext(batches)).events == ()
    await true.aclose()


async def test_a_rotated_root_is_read_again(spare: Lab) -> None:
    """``docker swarm ca --rotate`` while the bot runs."""
    trust = EngineTrust(spare.manager.socket)
    client = StreamClient(spare.manager.control_socket, trust)
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
    with pytest.raises(NoControlSocketError, match="no engine control socket"):
        await first_batch(StreamClient(worker.control_socket, trust))
    with pytest.raises(NoControlSocketError, match="not a manager"):
        await first_batch(StreamClient(spare.manager.control_socket, trust))
    await trust.aclose()


async def test_a_socket_of_root_is_refused_to_others(lab: Lab, tmp_path: Path) -> None:
    """The engine's folder lets nobody else in."""
    trust = EngineTrust(lab.manager.socket)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "control.sock").symlink_to(lab.manager.control_socket)
    os.seteuid(65534)
    try:
        with pytest.raises(NoControlSocketError, match="may not open") as caught:
            await first_batch(StreamClient(closed / "control.sock", trust))
    finally:
        os.seteuid(0)
    await trust.aclose()
    assert "as root" in caught.value.hint


async def test_only_this_process_can_use_the_grpc_proxy(lab: Lab) -> None:
    """Any process in a network namespace can reach its abstract sockets, but not this one."""
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
        async with GrpcChannel(tunnel, 5.0) as channel:
            nodes = (await channel.listing()).nodes
    await trust.aclose()

    assert said.strip() == b"closed" or b"ConnectionReset" in complaint or b"Broken" in complaint
    assert len(nodes) == 3


async def test_the_socket_of_a_dead_engine_does_not_answer(lab: Lab) -> None:
    """Its socket file still exists."""
    node = lab.nodes[2]
    trust = EngineTrust(node.socket)
    client = StreamClient(node.control_socket, trust)
    await first_batch(client)
    lab.stop_node(node)
    with pytest.raises(SwarmUnavailableError, match="does not answer at its control socket"):
        await first_batch(client)
    await trust.aclose()
