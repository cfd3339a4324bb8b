"""The simulated swarm: its parts put together, and the state of its nodes: pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from playground.swarm.agent import Agent
from playground.swarm.ids import Ids
from playground.swarm.images import Registry, digest
from playground.swarm.model import NODE_DOWN, NODE_READY, Node
from playground.swarm.orchestrator import Orchestrator
from playground.swarm.programs import Image
from playground.swarm.reaper import Reaper
from playground.swarm.scheduler import Scheduler
from playground.swarm.store import Store, StoreChange
from playground.swarm.timeline import Timeline

_MISSED: Final = 3.1
_BACK_AFTER: Final = 0.6
_ELECTION: Final = 2.0
_GIBIBYTE: Final = 2**30


@dataclass(frozen=True, slots=True)
class Machine:
    """The hardware of a node: ``cpus`` in cores, ``memory`` in bytes."""

    hostname: str
    manager: bool = False
    cpus: int = 4
    memory: int = 16 * _GIBIBYTE
    engine_version: str = "29.0.4"


class Simulation:
    """A swarm that runs as its ``timeline`` advances; the same seed gives the same course.

    ``heartbeat`` is the dispatcher's period in seconds: a lost node is ``down`` after about three
    of them.
    """

    def __init__(
        self, machines: Iterable[Machine], *, now: float, seed: int = 1, heartbeat: float = 5.0
    ) -> None:
        self.timeline = Timeline(now)
        self.ids = Ids(seed)
        self.store = Store(lambda: self.timeline.now)
        self.registry = Registry()
        self.cluster_id = self.ids.object()
        self.cluster_version = 10
        self.join_secrets = {"Worker": self.ids.object(), "Manager": self.ids.object()}
        self.heartbeat = heartbeat
        self.store.subscribers.append(self._tell)
        self.orchestrator = Orchestrator(self.store, self.timeline, self.ids)
        self.scheduler = Scheduler(self.store, self.timeline)
        self.agent = Agent(self.store, self.timeline, self.ids, self.registry)
        self._reaper = Reaper(self.store, self.timeline)
        self.timeline.after_each = self.store.commit
        for number, machine in enumerate(machines, 1):
            self._add(number, machine)
        self.store.commit()

    @property
    def has_leader(self) -> bool:
        """Whether the managers have a quorum and a leader."""
        managers = [node for node in self.store.nodes.values() if node.manager]
        up = [node for node in managers if node.powered]
        return 2 * len(up) > len(managers) and any(node.leader for node in up)

    def advance(self, until: float) -> None:
        """Run everything that is due by then."""
        self.timeline.advance(until)

    def node(self, hostname: str) -> Node:
        """The node with this hostname. Raises KeyError."""
        for node in self.store.nodes.values():
            if hostname in {node.hostname, node.id}:
                return node
        raise KeyError(hostname)

    def load(self, image: Image) -> None:
        """Push an image and put it on every node."""
        self.registry.add(image)
        self.agent.pulled.update((node, digest(image)) for node in self.store.nodes)

    def stop_node(self, hostname: str) -> None:
        """Power a node off; the swarm notices by itself."""
        node = self.node(hostname)
        if not node.powered:
            return
        node = self.store.put(replace(node, powered=False))
        self.agent.power_off(node)
        if node.leader:
            self.timeline.after(_ELECTION, lambda: self._elect(node.id))
        self.timeline.after(self.heartbeat * _MISSED, lambda: self._lose(node.id))
        self.store.commit()

    def start_node(self, hostname: str) -> None:
        """Boot a node again."""
        node = self.node(hostname)
        if not node.powered:
            self.store.put(replace(node, powered=True))
            self.timeline.after(_BACK_AFTER, lambda: self._return(node.id))
            self.store.commit()

    def _add(self, number: int, machine: Machine) -> None:
        self.store.put(
            Node(
                id=self.ids.object(),
                hostname=machine.hostname,
                address=f"10.0.0.{number}"
                if number < 255
                else f"10.0.{number // 250}.{number % 250}",
                role="manager" if machine.manager else "worker",
                manager=machine.manager,
                cpus=machine.cpus * 10**9,
                memory=machine.memory,
                engine_version=machine.engine_version,
                leader=machine.manager and not any(n.leader for n in self.store.nodes.values()),
            )
        )

    def _lose(self, node_id: str) -> None:
        node = self.store.nodes[node_id]
        if not node.powered and node.state != NODE_DOWN:
            self.store.put(replace(node, state=NODE_DOWN, message="heartbeat failure"))

    def _return(self, node_id: str) -> None:
        node = self.store.nodes[node_id]
        if node.powered:
            self.store.put(replace(node, state=NODE_READY, message=""))
            self.agent.power_on(node)
            if not any(each.leader for each in self.store.nodes.values()):
                self._elect(node_id)

    def _elect(self, lost: str) -> None:
        """Elect another leader, if enough managers are left."""
        nodes = self.store.nodes.values()
        managers = [node for node in nodes if node.manager]
        up = [node for node in managers if node.powered]
        before = self.store.nodes[lost]
        if before.leader and before.powered:
            return
        if before.leader:
            self.store.put(replace(before, leader=False))
        if 2 * len(up) > len(managers):
            self.store.put(replace(up[0], leader=True))

    def _tell(self, change: StoreChange) -> None:
        kind = type(change.object).__name__.lower()
        self.timeline.tell([(kind, change.object.id)])
