"""Services whose tasks run to completion: pure (swarmkit manager/orchestrator/jobs)."""

from __future__ import annotations

from playground.swarm import constraints
from playground.swarm.ids import Ids
from playground.swarm.model import NODE_READY, Service, State, Task
from playground.swarm.restarts import Restarts
from playground.swarm.store import Store
from playground.swarm.tasks import new_task, wanted
from playground.swarm.timeline import Timeline


class Jobs:
    """Runs the current iteration of each job, and removes the tasks of former ones."""

    def __init__(self, store: Store, timeline: Timeline, ids: Ids, restarts: Restarts) -> None:
        self._store = store
        self._timeline = timeline
        self._ids = ids
        self._restarts = restarts

    def reconcile(self, service: Service) -> None:
        """Create the missing tasks."""
        tasks = self._store.tasks_of(service.id)
        for task in tasks:
            if task.iteration != service.iteration and not task.ended:
                self._restarts.cancel(task.id)
                self._store.put(wanted(task, State.REMOVE))
        ours = [task for task in tasks if task.iteration == service.iteration]
        if service.mode == "GlobalJob":
            self._reconcile_global(service, ours)
        else:
            self._reconcile_replicated(service, ours)

    def ended(self, service: Service, task: Task) -> None:
        """React to the end of a task: retry it, or start the next one."""
        if task.iteration != service.iteration:
            return
        if task.status.state is not State.COMPLETE and task.desired <= State.COMPLETE:
            self._restarts.restart_job(service, task)
        self.reconcile(service)

    def _reconcile_replicated(self, service: Service, tasks: list[Task]) -> None:
        most = _count(service, "MaxConcurrent", 1)
        total = _count(service, "TotalCompletions", most)
        done = sum(task.status.state is State.COMPLETE for task in tasks)
        running = [task for task in tasks if not task.ended and task.desired <= State.COMPLETE]
        given_up = self._given_up(service, tasks)
        used = {task.slot for task in running} | given_up
        used |= {task.slot for task in tasks if task.status.state is State.COMPLETE}
        count = min(most - len(running), total - done - len(running) - len(given_up))
        free = (slot for slot in range(total + len(used)) if slot not in used)
        for _ in range(max(count, 0)):
            self._new(service, next(free))

    def _reconcile_global(self, service: Service, tasks: list[Task]) -> None:
        there = {task.node_id for task in tasks}
        for node in self._store.nodes.values():
            usable = node.state == NODE_READY and node.availability == "active"
            if usable and node.id not in there and constraints.meets_constraints(service, node):
                self._new(service, 0, node.id)

    def _given_up(self, service: Service, tasks: list[Task]) -> set[int]:
        """The slots whose last task failed and will not be replaced."""
        slots: dict[int, list[Task]] = {}
        for task in tasks:
            slots.setdefault(task.slot, []).append(task)
        return {
            slot
            for slot, found in slots.items()
            if all(t.ended and t.status.state is not State.COMPLETE for t in found)
            and not self._restarts.should_restart(service, found[-1])
        }

    def _new(self, service: Service, slot: int, node_id: str = "") -> None:
        now = self._timeline.now
        self._store.put(new_task(self._ids, service, slot, node_id, desired=State.COMPLETE, at=now))


def _count(service: Service, field: str, default: int) -> int:
    """A number of the service's mode. 0 is none; only what is absent has a default."""
    number = service.mode_spec.get(field)
    return default if number is None else int(number)
