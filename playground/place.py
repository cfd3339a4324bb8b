"""The swarm of the demo: a simulated one, or that of this machine's Docker."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bot.domain.swarm.reachability import Reach
from bot.ports.engine import Reachability
from bot.swarm.engine import DockerSwarm
from playground.swarm.engine import SimulatedSwarm
from playground.swarm.furnished import NFS_SERVER, furnished

STACKS: Final = Path(__file__).parent / "stacks"
"""The stacks that can be deployed on the simulated swarm."""
NFS_PORT: Final = 2049
SWARMS: Final = ("simulated", "docker")


@dataclass(frozen=True, slots=True)
class Place:
    """The swarm where the bot works: settings by environment names, and a check of TCP ports.

    ``swarm`` is the simulation that can be broken, None for a real swarm; ``sentence`` describes
    it.
    """

    sentence: str
    settings: Mapping[str, str] = field(default_factory=dict)
    swarm: SimulatedSwarm | None = None
    reachability: Reachability | None = None


@asynccontextmanager
async def simulated(folder: Path, seed: int) -> AsyncIterator[Place]:
    """Ten nodes with the Orochi stack; their sockets are in a folder with a short path."""
    async with SimulatedSwarm(furnished(now=time.time(), seed=seed), folder) as swarm:
        yield Place(
            "a simulated swarm of ten machines",
            {
                "DOCKER_HOST": swarm.host(),
                "BOT_CONTROL_SOCKET": str(swarm.control_socket()),
                "BOT_STACKS_DIR": str(STACKS),
            },
            swarm,
            SimulatedReachability(swarm),
        )


async def real(environ: Mapping[str, str]) -> Place:
    """The swarm of ``DOCKER_HOST``, else of this machine. Raises BotError if there is none."""
    given = {name: environ[name] for name in ("DOCKER_HOST",) if environ.get(name)}
    swarm = DockerSwarm(given.get("DOCKER_HOST", ""))
    try:
        engine = await swarm.engine()
        await swarm.nodes()
    finally:
        await swarm.aclose()
    return Place(f"the Docker swarm of {engine.hostname}", given)


class SimulatedReachability:
    """TCP ports as seen from the simulated swarm: its NFS server answers unless it is broken."""

    def __init__(self, swarm: SimulatedSwarm) -> None:
        self._storage = swarm.simulation.agent.storage

    async def tcp(self, host: str, port: int) -> Reach:
        """Whether the address accepts connections."""
        if (host, port) != (NFS_SERVER, NFS_PORT):
            return Reach.UNREACHABLE
        return Reach.REFUSES if self._storage.broken else Reach.ANSWERS
