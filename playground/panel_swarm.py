"""What the panel can break of a simulated swarm."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from playground.page import Breakable
from playground.panel import PanelAction, Values, one_of
from playground.swarm.engine import SimulatedSwarm
from playground.swarm.model import Service, part
from playground.swarm.mounts import nfs_volumes

FIRST: Final = "orochi_worker01"


class SwarmPart:
    """The containers, nodes, NFS shares and registry of a simulated swarm.

    The first manager is never stopped, because the bot runs there and would stop with it.
    """

    def __init__(self, swarm: SimulatedSwarm) -> None:
        self._swarm = swarm
        self._faults = swarm.faults
        self._store = swarm.simulation.store

    def actions(self) -> list[PanelAction]:
        """The actions that are possible now: break something, or start it again."""
        rows = [*self._of_containers(), *self._of_shares(), *self._of_machines()]
        if self._swarm.simulation.registry.reachable:
            rows.append(self._lose_registry())
        return rows

    async def mend(self) -> None:
        """Repair everything."""
        await self._swarm.mend()

    def _of_containers(self) -> list[PanelAction]:
        running = self._services(lambda service: service.replicas > 0)
        limited = self._services(_has_limit)
        return [
            _of_service(
                "crash_task",
                "Break a container",
                "One task fails with exit 1 and is replaced: an alert fires and resolves.",
                running,
                self._crash_one,
            ),
            _of_service(
                "crash_loop",
                "Crash in a loop",
                "Every container of the service ends with exit 1, until you fix it.",
                running,
                self._crash,
            ),
            _of_service(
                "out_of_memory",
                "Run out of memory",
                "The kernel kills one container at its memory limit.",
                limited,
                self._exhaust,
            ),
        ]

    def _of_shares(self) -> list[PanelAction]:
        mounting = self._services(lambda s: bool(nfs_volumes(part(s.template, "ContainerSpec"))))
        return [
            _of_service(
                "break_volumes",
                "Break its NFS shares",
                "Its containers end, and new ones cannot mount their volumes.",
                mounting,
                self._break,
            )
        ]

    def _of_machines(self) -> list[PanelAction]:
        own = self._swarm.managers[0]
        nodes = list(self._store.nodes.values())
        on = [node.hostname for node in nodes if node.powered and node.hostname != own]
        off = [node.hostname for node in nodes if not node.powered]
        stop = Breakable(
            "stop_node",
            "Power a machine off",
            "The swarm finds out after about 15 s and starts its tasks elsewhere.",
            (one_of("node", "Machine", on, on[-1] if on else ""),),
        )
        start = Breakable(
            "start_node",
            "Power a machine on",
            parameters=(one_of("node", "Machine", off),),
            mends=True,
        )
        rows = [PanelAction(stop, self._stop)] if on else []
        return [*rows, PanelAction(start, self._start)] if off else rows

    def _lose_registry(self) -> PanelAction:
        lose = Breakable(
            "lose_registry",
            "Lose the registry",
            "No image can be pulled: new tasks are rejected, as with a wrong image in a deploy.",
        )

        async def do(_values: Values) -> str:
            self._faults.lose_registry()
            return "The registry is gone. Try /orochi scale 3 now, or a deploy."

        return PanelAction(lose, do)

    def _services(self, fits: Callable[[Service], bool]) -> list[str]:
        return sorted(each.name for each in self._store.services.values() if fits(each))

    async def _crash_one(self, values: Values) -> str:
        self._faults.crash_task(values["service"])
        self._swarm.catch_up()
        return f"A container of {values['service']} crashed."

    async def _crash(self, values: Values) -> str:
        self._faults.crash_loop(values["service"])
        self._swarm.catch_up()
        return f"{values['service']} crashes until you fix everything."

    async def _exhaust(self, values: Values) -> str:
        self._faults.out_of_memory(values["service"])
        self._swarm.catch_up()
        return f"A container of {values['service']} was killed for memory."

    async def _break(self, values: Values) -> str:
        self._faults.break_volumes(values["service"])
        self._swarm.catch_up()
        return f"The NFS shares of {values['service']} refuse connections until you fix everything."

    async def _stop(self, values: Values) -> str:
        await self._swarm.stop_node(values["node"])
        return f"{values['node']} is off."

    async def _start(self, values: Values) -> str:
        await self._swarm.start_node(values["node"])
        return f"{values['node']} is booting."


def _of_service(
    name: str,
    label: str,
    explained: str,
    services: list[str],
    do: Callable[[Values], Awaitable[str]],
) -> PanelAction:
    chosen = (one_of("service", "Service", services, FIRST),)
    return PanelAction(Breakable(name, label, explained, chosen), do)


def _has_limit(service: Service) -> bool:
    return bool(part(service.template, "Resources", "Limits").get("MemoryBytes"))
