"""Nodes on which a service's tasks may run, the reasons against others, and the remaining room.

The rules are the scheduler's own: swarmkit manager/scheduler/filter.go and nodeinfo.go. If the
scheduler checks something that is not in a look (plugins of networks, CSI volumes, ports of tasks
that do not run yet), the node is assumed to pass; so tasks that are reported not to fit certainly
do not. Tasks that are being stopped count as gone, because the scheduler tries again once they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bot.domain.swarm.constraints import spaced, unmet_constraint
from bot.domain.swarm.model import Availability, Node, NodeState, Platform, Resources, Service, Task
from bot.domain.swarm.model import TaskState as State

_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
_CORE: Final = 10**9
_UNITS: Final = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why the scheduler rejects one node. ``reason`` is a clause for people."""

    node_id: str
    hostname: str
    reason: str


@dataclass(frozen=True, slots=True)
class Fit:
    """How a service fits on the present nodes.

    ``placed`` is the number of its desired tasks on nodes that can keep them. ``room`` is the
    number of further tasks that would find a node now, None if unlimited. ``obstacles`` has one
    entry for each node that accepts none, by hostname.
    """

    placed: int
    room: int | None
    obstacles: tuple[Obstacle, ...] = ()

    def sentences(self, limit: int) -> tuple[str, ...]:
        """Nodes grouped by reason, largest group first.

        At most ``limit`` lines; the last one says how many nodes are left out.
        """
        groups: dict[str, list[str]] = {}
        for obstacle in self.obstacles:
            groups.setdefault(obstacle.reason, []).append(obstacle.hostname)
        ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[1][0]))
        lines = [f"{_nodes(names)}: {reason}" for reason, names in ordered]
        if len(lines) <= limit:
            return tuple(lines)
        shown = max(limit - 1, 0)
        rest = sum(len(names) for _, names in ordered[shown:])
        return (*lines[:shown], f"{rest} more {'node' if rest == 1 else 'nodes'}")[:limit]


def supports_platform(service: Service, node: Node) -> bool:
    """Whether the node has one of the image's platforms; no platforms fit any node."""
    return not service.platforms or any(
        _same_platform(platform, node.platform) for platform in service.platforms
    )


def eligible_nodes(service: Service, nodes: Iterable[Node]) -> tuple[Node, ...]:
    """The nodes that run a global service's task: ready, active, and allowed by its placement."""
    return tuple(node for node in nodes if not _closed(service, node))


def explain(service: Service, nodes: Iterable[Node], tasks: Iterable[Task]) -> Fit:
    """How many more tasks of the service would fit, and what limits that.

    ``tasks`` are all tasks of the swarm with desired state running, of any service: each of them
    uses its reservation on its node.
    """
    held = tasks_by_node(tasks)
    rooms: list[int | None] = []
    obstacles: list[Obstacle] = []
    placed = 0
    for node in sorted(nodes, key=lambda node: (node.hostname, node.id)):
        there = held.get(node.id, [])
        placed += _count(service, there) if _keeps_tasks(node) else 0
        room, reason = _room_on(service, node, there)
        rooms.append(room)
        if reason:
            obstacles.append(Obstacle(node.id, node.hostname or node.id, reason))
    limited = [room for room in rooms if room is not None]
    unlimited = len(limited) < len(rooms)
    return Fit(placed, None if unlimited else sum(limited), tuple(obstacles))


def unlimited(service: Service, nodes: Iterable[Node]) -> bool:
    """Whether some node takes any number of the service's tasks: it asks for nothing there.

    ``explain`` finds the same, but has to look at every node and task.
    """
    need = service.reservation
    asks = need.nano_cpus > 0 or need.memory > 0 or need.generic or service.plugins
    bounded = service.max_per_node or service.host_ports or service.mode.is_global
    return not asks and not bounded and any(not _closed(service, node) for node in nodes)


def explain_full(service: Service, nodes: Iterable[Node], tasks: Iterable[Task]) -> Fit:
    """Why no more would fit once every node is filled with tasks of the service."""
    nodes, tasks = tuple(nodes), tuple(tasks)
    held = tasks_by_node(tasks)
    added: list[Task] = []
    for node in nodes:
        room, _ = _room_on(service, node, held.get(node.id, []))
        added += [_task_on(node, service)] * (room or 0)
    return explain(service, nodes, (*tasks, *added))


def _task_on(node: Node, service: Service) -> Task:
    """A task as it would run there."""
    return Task(
        id="",
        service_id=service.id,
        slot=0,
        node_id=node.id,
        state=State.RUNNING,
        desired=State.RUNNING,
        reservation=service.reservation,
        host_ports=service.host_ports,
    )


def _same_platform(image: Platform, node: Platform) -> bool:
    arch, ours = (_ARCHITECTURES.get(p.arch, p.arch) for p in (image, node))
    return arch in {"", ours} and image.os in {"", node.os}


def _closed(service: Service, node: Node) -> str:
    """Why the node cannot run tasks of the service even when empty; or ""."""
    if node.state is not NodeState.READY:
        return str(node.state.value)
    if node.availability is not Availability.ACTIVE:
        return "drained" if node.availability is Availability.DRAIN else "paused"
    if unmet := unmet_constraint(service, node):
        return f"constraint {spaced(unmet)} not met"
    if not supports_platform(service, node):
        return f"platform {node.platform.os}/{node.platform.arch} not supported by the image"
    return ""


def _room_on(service: Service, node: Node, there: list[Task]) -> tuple[int | None, str]:
    """How many more tasks fit on a node (None: unlimited), and the reason if none."""
    if reason := _closed(service, node):
        return 0, reason
    room: int | None = None
    for limit in _LIMITS:
        found, reason = limit(service, node, there)
        if found == 0:
            return 0, reason
        room = found if room is None else min(room, found) if found is not None else room
    return room, ""


_Limit = tuple[int | None, str]


def _resource_limit(service: Service, node: Node, there: list[Task]) -> _Limit:
    """The room left by reservations; actual usage does not matter."""
    need = service.reservation
    free = Resources(
        node.resources.nano_cpus - sum(task.reservation.nano_cpus for task in there),
        node.resources.memory - sum(task.reservation.memory for task in there),
    )
    cpus = _share(free.nano_cpus, need.nano_cpus)
    memory = _share(free.memory, need.memory)
    if cpus == 0:
        return 0, f"needs {_cpus(need.nano_cpus)} CPU, {_cpus(free.nano_cpus)} free"
    if memory == 0:
        return 0, f"needs {_bytes(need.memory)} of memory, {_bytes(free.memory)} free"
    return min((room for room in (cpus, memory) if room is not None), default=None), ""


def _replica_limit(service: Service, _node: Node, there: list[Task]) -> _Limit:
    most = service.max_per_node
    if not most:
        return None, ""
    return max(most - _count(service, there), 0), f"has its {most} of at most {most} a node"


def _port_limit(service: Service, _node: Node, there: list[Task]) -> _Limit:
    if not service.host_ports:
        return None, ""
    used = {port for task in there for port in task.host_ports}
    if _count(service, there):
        used.update(service.host_ports)
    taken = next((port for port in service.host_ports if port in used), "")
    return (0, f"host port {taken} taken") if taken else (1, "")


def _global_limit(service: Service, _node: Node, there: list[Task]) -> _Limit:
    if not service.mode.is_global:
        return None, ""
    return (0, "has its task") if _count(service, there) else (1, "")


def _plugin_limit(service: Service, node: Node, _there: list[Task]) -> _Limit:
    """No room without the service's plugins; a node that names none of a kind is not judged.

    (swarmkit manager/scheduler/filter.go: older nodes do not report their log drivers.)
    """
    for kind, name in service.plugins:
        names = {known for of, known in node.plugins if of == kind}
        if names and not names & {name, f"{name}:latest"}:
            return 0, f"has no {kind.lower()} plugin {name}"
    return None, ""


def _generic_limit(service: Service, node: Node, there: list[Task]) -> _Limit:
    room: int | None = None
    if node.generic is None:
        return None, ""
    offered = dict(node.generic)
    for kind, need in service.reservation.generic:
        if kind not in offered and need <= 0:
            return 0, f"has no {kind}"
        used = sum(dict(task.reservation.generic).get(kind, 0) for task in there)
        free = offered.get(kind, 0) - used
        found = _share(free, need)
        if found == 0:
            return 0, f"needs {need} {kind}, {max(free, 0)} free"
        room = found if room is None else min(room, found or 0)
    return room, ""


_LIMITS: Final = (
    _plugin_limit,
    _resource_limit,
    _generic_limit,
    _replica_limit,
    _port_limit,
    _global_limit,
)


def _share(free: int, need: int) -> int | None:
    return max(free, 0) // need if need > 0 else None


def _count(service: Service, tasks: Iterable[Task]) -> int:
    return sum(task.service_id == service.id for task in tasks)


def holds_its_place(task: Task) -> bool:
    """Whether a task uses resources on its node and will continue to."""
    assigned = State.ASSIGNED <= task.state <= State.RUNNING
    return bool(task.node_id) and assigned and task.desired <= State.COMPLETE


def tasks_by_node(tasks: Iterable[Task]) -> dict[str, list[Task]]:
    """The tasks that hold their place, by the id of their node."""
    held: dict[str, list[Task]] = {}
    for task in tasks:
        if holds_its_place(task):
            held.setdefault(task.node_id, []).append(task)
    return held


def _keeps_tasks(node: Node) -> bool:
    """Whether the orchestrator keeps tasks on this node (swarmkit ``InvalidNode``)."""
    return node.state is not NodeState.DOWN and node.availability is not Availability.DRAIN


def _nodes(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} nodes"


def _cpus(nano: int) -> str:
    return f"{max(nano, 0) / _CORE:.2f}".rstrip("0").rstrip(".")


def _bytes(count: int) -> str:
    for unit, size in _UNITS:
        if count >= size:
            return f"{count / size:.1f}".removesuffix(".0") + f" {unit}"
    return f"{max(count, 0)} B"
