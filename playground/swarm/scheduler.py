"""Puts tasks to nodes: pure (swarmkit manager/scheduler: filter.go, nodeinfo.go, scheduler.go)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from playground.swarm import constraints
from playground.swarm.model import (
    NODE_READY,
    Node,
    Service,
    State,
    Status,
    Task,
    host_ports,
    part,
)
from playground.swarm.store import Store, StoreChange
from playground.swarm.timeline import Timeline

_DEBOUNCE: Final = 0.05
_PENDING: Final = "pending task scheduling"
_ASSIGNED: Final = "scheduler assigned task to node"
_CONFIRMED: Final = "scheduler confirmed task can run on preassigned node"
_FAILURE_WINDOW: Final = 300.0
_MANY_FAILURES: Final = 5


class _Load:
    """The resources, ports and tasks in use on a node."""

    def __init__(self, node: Node, tasks: Iterable[Task]) -> None:
        self.node = node
        self.count = 0
        self.of: Counter[str] = Counter()
        self._free = {"NanoCPUs": node.cpus, "MemoryBytes": node.memory}
        self.ports: set[tuple[int, str]] = set()
        for task in tasks:
            self.add(task)

    def add(self, task: Task) -> None:
        """Count one more task on the node."""
        self.count += 1
        self.of[task.service_id] += 1
        self.ports.update(host_ports(task.endpoint))
        for key, value in part(task.spec, "Resources", "Reservations").items():
            if key in self._free:
                self._free[key] -= int(value or 0)

    def fits(self, task: Task) -> bool:
        """Whether the resources that the task reserves are free."""
        need = part(task.spec, "Resources", "Reservations")
        return all(
            int(need.get(key) or 0) <= free for key, free in self._free.items() if need.get(key)
        )


@dataclass(frozen=True, slots=True)
class _Filter:
    """One filter of nodes.

    ``concerns`` says whether the filter applies to a task. Its words say how many nodes do not
    pass; without ``plural`` they never include a number.
    """

    concerns: Callable[[Task, Service], bool]
    passes: Callable[[_Load, Task, Service], bool]
    singular: str
    plural: str = ""

    def explain(self, count: int) -> str:
        return self.plural.format(count) if self.plural and count > 1 else self.singular


def _is_ready(load: _Load, _task: Task, _service: Service) -> bool:
    return load.node.state == NODE_READY and load.node.availability == "active"


def _has_free_ports(load: _Load, task: Task, _service: Service) -> bool:
    return load.ports.isdisjoint(host_ports(task.endpoint))


def _has_few_enough(load: _Load, task: Task, _service: Service) -> bool:
    return load.of[task.service_id] < _most_per_node(task)


def _most_per_node(task: Task) -> int:
    return int(part(task.spec, "Placement").get("MaxReplicas") or 0)


_FILTERS: Final = (
    _Filter(
        lambda *_: True,
        _is_ready,
        "1 node not available for new tasks",
        "{} nodes not available for new tasks",
    ),
    _Filter(
        lambda task, _: bool(part(task.spec, "Resources", "Reservations")),
        lambda load, task, _: load.fits(task),
        "insufficient resources on 1 node",
        "insufficient resources on {} nodes",
    ),
    _Filter(
        lambda _, service: bool(part(service.template, "Placement").get("Constraints")),
        lambda load, _, service: constraints.meets_constraints(service, load.node),
        "scheduling constraints not satisfied on 1 node",
        "scheduling constraints not satisfied on {} nodes",
    ),
    _Filter(
        lambda _, service: bool(part(service.template, "Placement").get("Platforms")),
        lambda load, _, service: constraints.supports_platform(service, load.node),
        "unsupported platform on 1 node",
        "unsupported platform on {} nodes",
    ),
    _Filter(
        lambda task, _: bool(host_ports(task.endpoint)),
        _has_free_ports,
        "host-mode port already in use on 1 node",
        "host-mode port already in use on {} nodes",
    ),
    _Filter(
        lambda task, _: bool(_most_per_node(task)),
        _has_few_enough,
        "max replicas per node limit exceed",
    ),
)


class Scheduler:
    """Spreads tasks over the nodes that pass all filters."""

    def __init__(self, store: Store, timeline: Timeline) -> None:
        self._store = store
        self._timeline = timeline
        self._due = False
        self._waiting: dict[str, None] = {}
        self._failures: dict[tuple[str, str], list[float]] = {}
        store.subscribers.append(self._hear)

    def _hear(self, change: StoreChange) -> None:
        found = change.object
        if isinstance(found, Task):
            self._hear_of_task(change, found)
        elif isinstance(found, Node):
            self._soon()

    def _hear_of_task(self, change: StoreChange, task: Task) -> None:
        if change.action == "create" and task.status.state is State.NEW:
            status = Status(self._timeline.now, State.PENDING, _PENDING)
            self._store.put(replace(task, status=status))
            self._waiting[task.id] = None
            self._soon()
        elif change.action == "remove":
            self._waiting.pop(task.id, None)
            self._soon()
        elif task.ended:
            if task.status.state in {State.FAILED, State.REJECTED} and task.node_id:
                place = (task.node_id, task.service_id)
                self._failures.setdefault(place, []).append(self._timeline.now)
            self._soon()

    def _soon(self) -> None:
        if not self._due and self._waiting:
            self._due = True
            self._timeline.after(_DEBOUNCE, self._run)

    def _run(self) -> None:
        self._due = False
        loads = {node.id: self._load(node) for node in self._store.nodes.values()}
        for key in tuple(self._waiting):
            task = self._store.tasks.get(key)
            service = self._store.services.get(task.service_id) if task else None
            if task is not None and service is not None:
                self._place(task, service, loads)

    def _load(self, node: Node) -> _Load:
        tasks = self._store.tasks_on(node.id)
        placed = (t for t in tasks if State.ASSIGNED <= t.status.state <= State.RUNNING)
        return _Load(node, placed)

    def _place(self, task: Task, service: Service, loads: dict[str, _Load]) -> None:
        if task.node_id:
            possible: Sequence[_Load] = [loads[task.node_id]] if task.node_id in loads else []
        else:
            possible = tuple(loads.values())
        filters = [(n, one) for n, one in enumerate(_FILTERS) if one.concerns(task, service)]
        failures: Counter[int] = Counter()
        passing = []
        for load in possible:
            failed = next((n for n, one in filters if not one.passes(load, task, service)), None)
            if failed is None:
                passing.append(load)
            else:
                failures[failed] += 1
        if not passing:
            self._refuse(task, service, _explain(failures))
            return
        rank = self._ranking(task, service, passing)
        best = min(passing, key=rank)
        message = _CONFIRMED if task.node_id else _ASSIGNED
        status = Status(self._timeline.now, State.ASSIGNED, message)
        assigned = self._store.put(replace(task, node_id=best.node.id, status=status))
        best.add(assigned)
        self._waiting.pop(task.id)

    def _refuse(self, task: Task, service: Service, why: str) -> None:
        """Record the reason and try again later; a task of an older spec is shut down instead."""
        err = f"no suitable node ({why})" if why else "no suitable node"
        status = replace(task.status, at=self._timeline.now, err=err)
        if service.spec_version > task.spec_version:
            self._waiting.pop(task.id)
            status = replace(status, state=State.SHUTDOWN, err="")
        if status != replace(task.status, at=status.at):
            self._store.put(replace(task, status=status))

    def _ranking(
        self, task: Task, service: Service, passing: Iterable[_Load]
    ) -> Callable[[_Load], tuple[object, ...]]:
        """The sort key of nodes: the lowest is chosen (swarmkit ``nodeLess``)."""
        since = self._timeline.now - _FAILURE_WINDOW
        spread: list[tuple[str, Counter[str]]] = []
        for key in _preferences(task):
            counts: Counter[str] = Counter()
            for load in passing:
                counts[_value(load, key)] += load.of[task.service_id]
            spread.append((key, counts))

        def rank(load: _Load) -> tuple[object, ...]:
            times = self._failures.get((load.node.id, service.id), ())
            failed = sum(at > since for at in times) if times else 0
            return (
                failed if failed >= _MANY_FAILURES else 0,
                *(counts[_value(load, key)] for key, counts in spread),
                load.of[task.service_id],
                load.count,
                load.node.id,
            )

        return rank


def _explain(failures: Counter[int]) -> str:
    """The scheduler's own message: the filter that stopped most nodes comes first."""
    order = sorted(failures.items(), key=lambda item: (-item[1], -item[0]))
    return "; ".join(_FILTERS[number].explain(count) for number, count in order)


def _preferences(task: Task) -> list[str]:
    found = part(task.spec, "Placement").get("Preferences") or ()
    return [str(part(one, "Spread").get("SpreadDescriptor", "")) for one in found]


def _value(load: _Load, key: str) -> str:
    for prefix, labels in (
        ("node.labels.", load.node.labels),
        ("engine.labels.", load.node.engine_labels),
    ):
        if key.startswith(prefix):
            return labels.get(key.removeprefix(prefix), "")
    return ""
