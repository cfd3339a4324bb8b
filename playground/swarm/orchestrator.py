"""Keeps the desired number of tasks: pure (swarmkit manager/orchestrator/replicated and global)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Final

from playground.swarm import constraints
from playground.swarm.ids import Ids
from playground.swarm.jobs import Jobs
from playground.swarm.model import NODE_DOWN, NODE_READY, Node, Service, State, Task
from playground.swarm.restarts import Restarts
from playground.swarm.store import Store, StoreChange
from playground.swarm.tasks import by_slot, new_task, wanted
from playground.swarm.timeline import Timeline
from playground.swarm.updater import Updater

_REACTION: Final = 0.01


class Orchestrator:
    """Reacts to every change of the store."""

    def __init__(self, store: Store, timeline: Timeline, ids: Ids) -> None:
        self.restarts = Restarts(store, timeline, ids)
        self.updater = Updater(store, timeline, ids, self.restarts)
        self._jobs = Jobs(store, timeline, ids, self.restarts)
        self._store = store
        self._timeline = timeline
        self._ids = ids
        self._due: set[str] = set()
        store.subscribers.append(self._hear)

    def _hear(self, change: StoreChange) -> None:
        found = change.object
        if isinstance(found, Service):
            self._hear_of_service(change.action, found)
        elif isinstance(found, Task):
            self._hear_of_task(change.action, found)
        elif isinstance(found, Node) and change.action == "update":
            self._hear_of_node(found)

    def _hear_of_service(self, action: str, service: Service) -> None:
        if action != "remove":
            self._soon(service.id)
            return
        self.updater.cancel(service.id)
        self.restarts.forget(service.id)
        for task in self._store.tasks_of(service.id):
            self.restarts.cancel(task.id)
            self._store.remove(task)

    def _hear_of_task(self, action: str, task: Task) -> None:
        service = self._store.services.get(task.service_id)
        if service is None:
            return
        if service.is_job:
            if action == "update" and task.ended:
                self._jobs.ended(service, task)
            return
        if action == "update" and task.ended and task.live:
            self.restarts.restart(service, task)

    def _hear_of_node(self, node: Node) -> None:
        if node.state == NODE_DOWN or node.availability == "drain":
            for task in self._store.tasks_on(node.id):
                self._leave(task, node)
        for service in tuple(self._store.services.values()):
            if service.mode.startswith("Global"):
                self._soon(service.id)

    def _leave(self, task: Task, node: Node) -> None:
        service = self._store.services.get(task.service_id)
        if service is None or not (task.live or task.desired is State.COMPLETE):
            return
        if service.mode == "Global":
            self.restarts.cancel(task.id)
            self._store.put(wanted(task, State.SHUTDOWN))
        elif not service.is_job or (node.state == NODE_DOWN and not task.ended):
            self.restarts.restart(service, task)

    def _soon(self, service_id: str) -> None:
        if service_id not in self._due:
            self._due.add(service_id)
            self._timeline.after(_REACTION, lambda: self._reconcile(service_id))

    def _reconcile(self, service_id: str) -> None:
        self._due.discard(service_id)
        service = self._store.services.get(service_id)
        if service is None:
            return
        if service.is_job:
            self._jobs.reconcile(service)
        elif service.mode == "Global":
            self._reconcile_global(service)
        else:
            self._reconcile_replicated(service)

    def _reconcile_replicated(self, service: Service) -> None:
        slots = by_slot(self._store.tasks_of(service.id))
        counted = {slot: self.restarts.updatable(service, found) for slot, found in slots.items()}
        alive = {slot: found for slot, found in counted.items() if found}
        for slot in slots.keys() - alive.keys():
            self._forget(slots[slot])
        surplus = len(alive) - service.replicas
        if surplus > 0:
            kept, gone = self._chosen(alive, service.replicas)
            self.updater.update(service, kept)
            for slot_tasks in gone:
                self._want_removed(slot_tasks)
            return
        self.updater.update(service, [alive[slot] for slot in sorted(alive)])
        for _ in range(-surplus):
            slot = next(n for n in range(1, service.replicas + len(alive) + 1) if n not in alive)
            task = self._new(service, slot)
            alive[slot] = [task]

    def _chosen(
        self, alive: dict[int, list[Task]], count: int
    ) -> tuple[list[list[Task]], list[list[Task]]]:
        """Which slots stay when there are too many: running ones, evenly over the nodes."""
        on_node: Counter[str] = Counter()
        ranked = []
        for slot in sorted(alive):
            tasks = alive[slot]
            running = [task for task in tasks if task.status.state is State.RUNNING]
            node = (running or tasks)[0].node_id
            ranked.append((not running, on_node[node], slot))
            on_node[node] += 1
        order = [alive[slot] for *_, slot in sorted(ranked)]
        return order[:count], order[count:]

    def _reconcile_global(self, service: Service) -> None:
        nodes = self._store.nodes
        places: dict[str, list[Task]] = {}
        for task in self._store.tasks_of(service.id):
            places.setdefault(task.node_id, []).append(task)
        slots = []
        for node in nodes.values():
            found = self.restarts.updatable(service, places.get(node.id, []))
            if not constraints.meets_constraints(service, node) or node.availability == "drain":
                self._stop(found)
            elif found:
                slots.append(found)
            elif node.state == NODE_READY and node.availability == "active":
                self._new(service, 0, node.id)
        self.updater.update(service, slots)

    def _stop(self, tasks: list[Task]) -> None:
        for task in tasks:
            if task.live:
                self.restarts.cancel(task.id)
                self._store.put(wanted(task, State.SHUTDOWN))

    def _want_removed(self, tasks: list[Task]) -> None:
        for task in tasks:
            self.restarts.cancel(task.id)
            self._store.put(replace(task, desired=State.REMOVE))

    def _forget(self, tasks: list[Task]) -> None:
        """Remove the tasks of an unwanted slot; running ones are removed once they have stopped."""
        for task in tasks:
            if task.ended:
                self._store.remove(task)
            else:
                self._store.put(wanted(task, State.REMOVE))

    def _new(self, service: Service, slot: int, node_id: str = "") -> Task:
        now = self._timeline.now
        task = new_task(self._ids, service, slot, node_id, desired=State.RUNNING, at=now)
        return self._store.put(task)
