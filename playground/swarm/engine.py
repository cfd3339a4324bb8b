"""A simulated swarm with its sockets: what the demo and tests start."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from playground.swarm.certificates import new_identity
from playground.swarm.control import ControlServer
from playground.swarm.driver import Driver
from playground.swarm.faults import SwarmFaults
from playground.swarm.requests import Requests
from playground.swarm.server import EngineServer
from playground.swarm.simulation import Simulation

_SOCKET: Final = "docker.sock"
_CONTROL: Final = "control.sock"


class SimulatedSwarm:
    """Serves the engines of all managers of a simulation while it is entered.

    Their sockets are in ``folder``, which must exist and have a short path (a unix socket's path is
    limited to 107 bytes). ``clock`` returns Unix seconds. ``faults`` breaks things.
    """

    def __init__(
        self, simulation: Simulation, folder: Path, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.simulation = simulation
        self.requests = Requests(simulation)
        self.faults = SwarmFaults(simulation)
        self._folder = folder
        self._driver = Driver(simulation, clock)
        self._identity = new_identity()
        self._engines: dict[str, EngineServer] = {}
        self._controls: dict[str, ControlServer] = {}
        self._switching = asyncio.Lock()

    @property
    def managers(self) -> list[str]:
        """The hostnames of the managers, in the order in which they joined."""
        return [node.hostname for node in self.simulation.store.nodes.values() if node.manager]

    def host(self, hostname: str = "") -> str:
        """The address of a manager's engine, as for ``DOCKER_HOST``; the first one's by default."""
        return self._engines[hostname or self.managers[0]].host

    def control_socket(self, hostname: str = "") -> Path:
        """A manager's control socket, as for ``BOT_CONTROL_SOCKET``."""
        return self._folder / (hostname or self.managers[0]) / _CONTROL

    def catch_up(self) -> None:
        """Run what is due by now; call it after something was broken."""
        self._driver.catch_up()

    async def stop_node(self, hostname: str) -> None:
        """Power a node off; streams from it break."""
        self.faults.stop_node(hostname)
        self.catch_up()
        if control := self._controls.get(hostname):
            await control.stop()

    async def start_node(self, hostname: str) -> None:
        """Power a node on."""
        self.faults.start_node(hostname)
        self.catch_up()
        await self._serve_again()

    async def mend(self) -> None:
        """Repair everything."""
        self.faults.mend()
        self.catch_up()
        await self._serve_again()

    async def __aenter__(self) -> Self:
        root = self._identity.root.decode()
        for hostname in self.managers:
            folder = self._folder / hostname
            folder.mkdir()
            engine = EngineServer(self.requests, hostname, folder / _SOCKET, root)
            engine.changed = self._driver.catch_up
            self._engines[hostname] = engine
            self._controls[hostname] = ControlServer(
                self.simulation, folder / _CONTROL, self._identity, self.catch_up
            )
        self._driver.start()
        for engine in self._engines.values():
            await engine.start()
        await self._serve_again()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._driver.stop()
        for control in self._controls.values():
            await control.stop()
        for engine in self._engines.values():
            await engine.stop()

    async def _serve_again(self) -> None:
        """Open the control sockets of all managers that are powered on."""
        async with self._switching:
            for hostname, control in self._controls.items():
                if self.simulation.node(hostname).powered:
                    await control.start()
