"""Injected faults: what the panel of the demo and tests can break and repair.

Each fault breaks the same thing as in a real swarm, and leaves the rest to the simulation: states,
messages and exit codes are those of any other failure.
"""

from __future__ import annotations

from typing import Final

from playground.swarm import mounts
from playground.swarm.agent import Killed
from playground.swarm.model import Service, State, Task, part
from playground.swarm.programs import Program, health_of
from playground.swarm.shell import Line
from playground.swarm.simulation import Simulation

_CRASH: Final = Program(
    seconds=1.0,
    code=1,
    lines=(
        Line(0.0, "starting", stderr=True),
        Line(0.9, "fatal: cannot reach its database, giving up", stderr=True),
    ),
)


class FaultError(Exception):
    """The target of a fault does not exist; a sentence for the person who asked."""


class SwarmFaults:
    """Breaks and repairs things. Services and nodes are named by their full names."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._store = simulation.store
        self._agent = simulation.agent

    def kill_task(self, service: str, task_id: str = "") -> str:
        """Kill one container with SIGKILL: failed, exit code 137. Returns the task's id."""
        return self._kill(service, task_id, Killed())

    def crash_task(self, service: str, task_id: str = "") -> str:
        """End one container: failed, exit code 1. Returns the task's id."""
        return self._kill(service, task_id, Killed(code=1))

    def out_of_memory(self, service: str, task_id: str = "") -> str:
        """Kill one container for memory, as the kernel does.

        It looks like a SIGKILL, except on the container's own node. Returns the task's id. Raises
        FaultError if the service has no memory limit.
        """
        limits = part(self._service(service).template, "Resources", "Limits")
        if not limits.get("MemoryBytes"):
            raise FaultError(f"{service} has no memory limit: it cannot run out of memory alone.")
        return self._kill(service, task_id, Killed(out_of_memory=True))

    def crash_loop(self, service: str) -> None:
        """End all containers of a service with exit code 1, and also those that replace them."""
        found = self._service(service)
        self._agent.overrides[found.id] = _CRASH
        for task in self._running(found):
            self._agent.kill(task.id, Killed(code=1))

    def lose_registry(self) -> None:
        """Make the registry unreachable and remove all images from the engines.

        Tasks that start from now on are rejected after 20 s, ``No such image``.
        """
        self._simulation.registry.reachable = False
        self._agent.pulled.clear()

    def fail_health(self, service: str) -> None:
        """Make the health check of a service fail from now on. Raises FaultError if it has none."""
        found = self._service(service)
        container = part(found.template, "ContainerSpec")
        image = self._simulation.registry.find(str(container.get("Image", "")))
        if image is None or not health_of(image, container):
            raise FaultError(f"{service} has no health check that could fail.")
        self._agent.sick.add(found.id)

    def break_volumes(self, service: str) -> None:
        """Make the server of a service's NFS volumes refuse connections.

        Its containers end and cannot be started again: failed, exit code 128. Raises FaultError if
        it has no NFS volume.
        """
        found = self._service(service)
        names = mounts.nfs_volumes(part(found.template, "ContainerSpec"))
        if not names:
            raise FaultError(f"{service} mounts no volume from an NFS server.")
        self._agent.storage.broken.update(names)
        for task in self._running(found):
            self._agent.kill(task.id, Killed(code=1))

    def stop_node(self, node: str) -> None:
        """Power a node off; the swarm notices after about 15 s."""
        self._simulation.stop_node(self._node(node))

    def start_node(self, node: str) -> None:
        """Power a node on."""
        self._simulation.start_node(self._node(node))

    def mend(self) -> None:
        """Repair everything and power all nodes on."""
        self._simulation.registry.reachable = True
        self._agent.overrides.clear()
        self._agent.sick.clear()
        self._agent.storage.broken.clear()
        for node in tuple(self._store.nodes.values()):
            self._simulation.start_node(node.hostname)

    def _kill(self, service: str, task_id: str, killed: Killed) -> str:
        running = self._running(self._service(service))
        chosen = [task for task in running if task.id == task_id or not task_id]
        if not chosen:
            raise FaultError(f"{service} has no such running task.")
        self._agent.kill(chosen[0].id, killed)
        return chosen[0].id

    def _service(self, name: str) -> Service:
        found = self._store.service_named(name)
        if found is None:
            raise FaultError(f"There is no service {name}.")
        return found

    def _node(self, name: str) -> str:
        try:
            return self._simulation.node(name).hostname
        except KeyError as error:
            raise FaultError(f"There is no node {name}.") from error

    def _running(self, service: Service) -> list[Task]:
        tasks = self._store.tasks_of(service.id)
        return [
            t
            for t in tasks
            if t.status.state is State.RUNNING
            and t.desired <= State.COMPLETE
            and self._store.nodes[t.node_id].powered
        ]
