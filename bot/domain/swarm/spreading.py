"""Tasks that are placed one after the other, as swarmkit's scheduler spreads them. Pure.

Each goes where the fewest of its service and the fewest of all are
(manager/scheduler/scheduler.go). The scheduler may take another order, so tasks that find no node
here may find one there; it does not search for the tightest fit either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from bot.domain.swarm.model import Node, Resources, Service, Task, TaskState
from bot.domain.swarm.placement import Fit, explain, tasks_by_node

_STAND_IN: Final = Task("", "", 0, "", TaskState.RUNNING, TaskState.RUNNING)


class NodeUsage:
    """The resources used by a node's tasks: one sum per kind, to be fast with many tasks."""

    def __init__(self, node: Node, tasks: Iterable[Task]) -> None:
        self.node = node
        self._taken = Resources()
        self._ports: frozenset[str] = frozenset()
        self._counts: Counter[str] = Counter()
        self.size = 0
        for task in tasks:
            self._add(task.service_id, task.reservation, task.host_ports)

    def copy(self) -> NodeUsage:
        """An independent copy."""
        other = NodeUsage(self.node, ())
        other._taken, other._ports = self._taken, self._ports
        other._counts, other.size = self._counts.copy(), self.size
        return other

    def put(self, service: Service) -> None:
        """Add one task of the service."""
        self._add(service.id, service.reservation, service.host_ports)

    def count(self, service: Service) -> int:
        """The number of the service's tasks on this node."""
        return self._counts[service.id]

    def tasks(self, service: Service) -> Iterator[Task]:
        """Stand-in tasks that leave the service as much room as all tasks on this node."""
        yield replace(
            _STAND_IN, node_id=self.node.id, reservation=self._taken, host_ports=tuple(self._ports)
        )
        if count := self.count(service):
            own = replace(_STAND_IN, node_id=self.node.id, service_id=service.id)
            yield from (own for _ in range(count))

    def _add(self, service_id: str, taken: Resources, ports: Iterable[str]) -> None:
        cpus, memory = self._taken.nano_cpus + taken.nano_cpus, self._taken.memory + taken.memory
        generic = self._taken.generic
        if taken.generic:
            generic = tuple((Counter(dict(generic)) + Counter(dict(taken.generic))).items())
        self._taken = Resources(cpus, memory, generic)
        self._ports = self._ports.union(ports)
        self._counts[service_id] += 1
        self.size += 1


def used_nodes(nodes: Iterable[Node], tasks: Iterable[Task]) -> list[NodeUsage]:
    """The nodes with the tasks that stay there; ``tasks`` may be of all nodes."""
    held = tasks_by_node(tasks)
    return [NodeUsage(node, held.get(node.id, ())) for node in nodes]


def fit_beside(service: Service, held: Sequence[NodeUsage]) -> Fit:
    """How many more tasks of the service would fit on these nodes."""
    tasks = [task for each in held for task in each.tasks(service)]
    return explain(service, [each.node for each in held], tasks)


def place(service: Service, count: int, held: Sequence[NodeUsage]) -> int:
    """Place ``count`` tasks of the service; returns how many fit nowhere."""
    rooms = {each.node.id: fit_beside(service, (each,)).room for each in held}
    for placed in range(count):
        open_nodes = [each for each in held if rooms[each.node.id] != 0]
        if not open_nodes:
            return count - placed
        chosen = min(open_nodes, key=lambda each: (each.count(service), each.size, each.node.id))
        room = rooms[chosen.node.id]
        rooms[chosen.node.id] = None if room is None else room - 1
        chosen.put(service)
    return 0
