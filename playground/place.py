"""The swarm of the demo: a simulated one, or that of this machine's Docker."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bot.domain.errors import BotError
from bot.domain.swarm.reachability import Reach
from bot.ports.engine import Reachability
from bot.swarm.engine import DockerSwarm
from playground.page import Names, NameSource
from playground.page.names import no_names
from playground.people import ALERTS, Try
from playground.slack.model import ADDRESS
from playground.swarm import showcase
from playground.swarm.engine import SimulatedSwarm
from playground.swarm.furnished import STACK, stack_of
from playground.swarm.mounts import NFS_SERVER

STACKS: Final = Path(__file__).parent / "stacks"
"""The stacks that can be deployed on the simulated swarm."""
NFS_PORT: Final = 2049
SWARMS: Final = ("simulated", "docker")


@dataclass(frozen=True, slots=True)
class Place:
    """The swarm where the bot works: settings by environment names, and a check of TCP ports.

    ``swarm`` is the simulation that can be broken, None for a real swarm; ``sentence`` describes
    it. ``broken`` says what does not work from the start. ``names`` are those of its objects, for
    suggestions; ``tries`` are the first commands to try.
    """

    sentence: str
    settings: Mapping[str, str] = field(default_factory=dict)
    swarm: SimulatedSwarm | None = None
    reachability: Reachability | None = None
    broken: str = ""
    names: NameSource = no_names
    tries: tuple[Try, ...] = (
        Try("See what is wrong", "status --all"),
        Try("List the nodes", "nodes"),
        Try("List the stacks", "stacks"),
    )


@asynccontextmanager
async def simulated(folder: Path, seed: int) -> AsyncIterator[Place]:
    """Ten nodes with the demo's stacks; their sockets are in a folder with a short path."""
    made = showcase.showcase(now=time.time(), seed=seed)
    async with SimulatedSwarm(made, folder) as swarm:
        yield Place(
            "a simulated swarm of ten machines",
            {
                "DOCKER_HOST": swarm.host(),
                "BOT_CONTROL_SOCKET": str(swarm.control_socket()),
                "BOT_STACKS_DIR": str(STACKS),
                "REGISTRY_AUTH": showcase.config(),
            },
            swarm,
            SimulatedReachability(swarm),
            broken=f"One service is broken: its alert is in <{ADDRESS}archives/{ALERTS}|#alerts>.",
            names=lambda: _simulated_names(swarm),
            tries=(
                Try("See what is wrong", "status --all"),
                Try("Scale worker01 to 5", "scale worker01 5"),
                Try("List the alerts", "incidents"),
            ),
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
    stack = environ.get("BOT_STACK") or STACK
    return Place(
        f"the Docker swarm of {engine.hostname}", given, names=lambda: _real_names(given, stack)
    )


async def _simulated_names(swarm: SimulatedSwarm) -> Names:
    store = swarm.simulation.store
    services = {each.name: stack_of(each) for each in store.services.values()}
    return _names(services, [node.hostname for node in store.nodes.values()], STACK)


async def _real_names(given: Mapping[str, str], stack: str) -> Names:
    swarm = DockerSwarm(given.get("DOCKER_HOST", ""))
    try:
        services = {each.name: each.stack for each in await swarm.services()}
        return _names(services, [node.hostname for node in await swarm.nodes()], stack)
    except BotError:
        return Names()
    finally:
        await swarm.aclose()


def _names(services: Mapping[str, str], nodes: Iterable[str], own: str) -> Names:
    """Names as people type them: those of the stack ``own`` short, the others with their stack."""
    typed = [_typed(name, stack, own) for name, stack in services.items()]
    stacks = sorted(set(filter(None, services.values())), key=lambda name: (name != own, name))
    return Names(
        tuple(sorted(typed, key=lambda name: ("/" in name, name))),
        tuple(stacks),
        tuple(sorted(nodes)),
    )


def _typed(name: str, stack: str, own: str) -> str:
    short = name.removeprefix(f"{stack}_") if stack else name
    return short if stack in {"", own} else f"{stack}/{short}"


class SimulatedReachability:
    """TCP ports as seen from the simulated swarm: its NFS server answers unless it is broken."""

    def __init__(self, swarm: SimulatedSwarm) -> None:
        self._storage = swarm.simulation.agent.storage

    async def tcp(self, host: str, port: int) -> Reach:
        """Whether the address accepts connections."""
        if (host, port) != (NFS_SERVER, NFS_PORT):
            return Reach.UNREACHABLE
        return Reach.REFUSES if self._storage.broken else Reach.ANSWERS
