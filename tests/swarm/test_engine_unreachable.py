"""Engines that cannot be used: workers, lost nodes, missing sockets, no answer."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.domain.errors import NotAManagerError, SwarmError, SwarmUnavailableError
from bot.swarm.engine import DockerSwarm
from tests.lab.swarm import Lab


async def test_a_worker_is_refused_as_an_engine(lab_factory: Callable[..., Lab]) -> None:
    lab = lab_factory(nodes=2, managers=1)
    adapter = DockerSwarm(lab.node(2).socket)

    info = await adapter.engine()
    with pytest.raises(NotAManagerError) as raised:
        await adapter.services()
    await adapter.aclose()

    assert (info.is_manager, info.swarm_active) == (False, True)
    assert "photon-machine-02" in raised.value.sentence
    assert lab.node(1).address in raised.value.hint


async def test_an_engine_that_comes_back_is_used_again(
    lab_factory: Callable[..., Lab],
) -> None:
    lab = lab_factory(nodes=1)
    adapter = DockerSwarm(lab.node(1).socket)
    await adapter.engine()
    lab.stop_node(lab.node(1))
    with pytest.raises(SwarmUnavailableError):
        await adapter.engine()
    lab.start_node(lab.node(1))

    info = await adapter.engine()
    await adapter.aclose()

    assert info.hostname == "photon-machine-01"


async def test_a_missing_socket_is_reported(tmp_path: Path) -> None:
    adapter = DockerSwarm(f"unix://{tmp_path}/docker.sock")

    with pytest.raises(SwarmUnavailableError, match="no such socket") as raised:
        await adapter.services()

    assert "DOCKER_HOST" in raised.value.hint


async def test_a_socket_without_an_engine_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    with pytest.raises(SwarmUnavailableError, match="refuses connections"):
        await DockerSwarm(f"unix://{path}").services()


async def test_a_call_to_a_hanging_engine_times_out(tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(path))
        mute.listen()

        with pytest.raises(SwarmUnavailableError, match=r"did not answer within 0\.2 s"):
            await DockerSwarm(f"unix://{path}", timeout=0.2).services()


@pytest.mark.parametrize("host", ["bogus://x", "ssh://nobody@127.0.0.1"])
async def test_an_unusable_address_is_reported(host: str) -> None:
    with pytest.raises(SwarmError, match="cannot be used"):
        await DockerSwarm(host).services()
