"""A simulated lab: the interface of `tests.lab.swarm.Lab`, without root and engines.

The swarm is the demo's. It runs in a thread of its own, because tests block theirs by running the
docker CLI.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from docker import APIClient

from playground.swarm.engine import SimulatedSwarm
from playground.swarm.simulation import Machine, Simulation
from tests.lab import images
from tests.lab.cleaning import running
from tests.lab.shell import run
from tests.lab.waiting import wait_until

T = TypeVar("T")


@dataclass(frozen=True)
class SimulatedNode:
    """A manager of the simulated lab; all of its nodes are managers."""

    name: str
    index: int
    socket: str
    control_socket: Path
    manager: bool = True


class SimulatedLab:
    """A swarm of managers, a context manager."""

    def __init__(self, nodes: int = 3, *, heartbeat: float = 0.2) -> None:
        machines = [
            Machine(f"photon-machine-{number:02d}", manager=True, cpus=2)
            for number in range(1, nodes + 1)
        ]
        self.simulation = Simulation(machines, now=time.time(), heartbeat=heartbeat)
        self.nodes: list[SimulatedNode] = []
        self._lost: set[str] = set()
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()))

    def __enter__(self) -> SimulatedLab:
        self._thread.start()
        self._started.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(30)

    @property
    def manager(self) -> SimulatedNode:
        """The first manager that runs."""
        return next(node for node in self.nodes if node.name not in self._lost)

    def node(self, index: int) -> SimulatedNode:
        """The node with this number (from 1)."""
        return self.nodes[index - 1]

    def client(self, node: SimulatedNode | None = None) -> APIClient:
        """Low-level client of the docker SDK."""
        return APIClient((node or self.manager).socket, version="1.41", timeout=30)

    def docker(
        self, *args: str, node: SimulatedNode | None = None, stdin: str | None = None
    ) -> str:
        """Standard output of the real docker CLI."""
        env = {"DOCKER_HOST": (node or self.manager).socket, "DOCKER_CLI_HINTS": "false"}
        return run(["docker", *args], stdin=stdin, env=env, seconds=60)

    def create_service(
        self,
        name: str,
        *command: str,
        image: str = images.BUSY,
        replicas: int = 1,
        options: Sequence[str] = (),
    ) -> str:
        """The id of a new service, as on a real lab."""
        return self.docker(
            "service", "create", "--quiet", "--detach", "--no-resolve-image",
            "--name", name, "--replicas", str(replicas), *options, image, *command,
        ).strip()  # fmt: skip

    def stop_node(self, node: SimulatedNode) -> None:
        """Lose the node."""
        self._lost.add(node.name)
        self._call(self._swarm.stop_node(node.name))

    def start_node(self, node: SimulatedNode) -> None:
        """Boot a lost node again."""
        self._call(self._swarm.start_node(node.name))
        self._lost.discard(node.name)

    def wait_ready(self) -> None:
        """Return when every node is ready."""
        wait_until(
            lambda: all(one["Status"]["State"] == "ready" for one in self.client().nodes()),
            "all nodes ready",
        )

    def wait_running(self, service: str, count: int) -> None:
        """Return when exactly `count` tasks of the service run and should run."""
        wait_until(
            lambda: len(running(self.client(), service)) == count,
            f"{count} running tasks of {service}",
        )

    def clean(self) -> None:
        """Do nothing: each test has a swarm of its own."""

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        with tempfile.TemporaryDirectory(prefix="sim") as folder:
            async with SimulatedSwarm(self.simulation, Path(folder)) as swarm:
                self._swarm = swarm
                self.nodes = [
                    SimulatedNode(name, index, swarm.host(name), swarm.control_socket(name))
                    for index, name in enumerate(swarm.managers, 1)
                ]
                self._started.set()
                await self._over.wait()
