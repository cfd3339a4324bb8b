"""Removes old tasks: pure (swarmkit manager/orchestrator/taskreaper)."""

from __future__ import annotations

from typing import Final

from playground.swarm.model import State, Task, part
from playground.swarm.store import Store, StoreChange
from playground.swarm.timeline import Timeline

KEPT: Final = 5
_BATCH: Final = 0.25


class Reaper:
    """Keeps five tasks of a slot, including the running one; none that is marked for removal."""

    def __init__(self, store: Store, timeline: Timeline) -> None:
        self._store = store
        self._timeline = timeline
        self._dirty: dict[tuple[str, str], None] = {}
        self._due = False
        store.subscribers.append(self._hear)

    def _hear(self, change: StoreChange) -> None:
        task = change.object
        if not isinstance(task, Task) or change.action == "remove":
            return
        if change.action == "create" or _is_done_with(task):
            self._dirty[task.service_id, task.place] = None
            if not self._due:
                self._due = True
                self._timeline.after(_BATCH, self._run)

    def _run(self) -> None:
        self._due = False
        dirty, self._dirty = self._dirty, {}
        by_service: dict[str, dict[str, list[Task]]] = {}
        for service_id, place in dirty:
            if service_id not in by_service:
                places: dict[str, list[Task]] = {}
                for task in self._store.tasks_of(service_id):
                    places.setdefault(task.place, []).append(task)
                by_service[service_id] = places
            self._tidy(service_id, by_service[service_id].get(place, []))

    def _tidy(self, service_id: str, tasks: list[Task]) -> None:
        left = []
        for task in tasks:
            if _is_done_with(task):
                self._store.remove(task)
            else:
                left.append(task)
        service = self._store.services.get(service_id)
        if service is None:
            return
        attempts = int(part(service.template, "RestartPolicy").get("MaxAttempts") or 0)
        surplus = len(left) - max(KEPT, attempts + 1 if attempts else 0)
        ended = [
            task
            for task in left
            if task.ended or (_is_nowhere(task) and task.desired > State.COMPLETE)
        ]
        for task in ended[: max(surplus, 0)]:
            self._store.remove(task)


def _is_nowhere(task: Task) -> bool:
    return task.status.state < State.ASSIGNED


def _is_done_with(task: Task) -> bool:
    """Whether a task that is marked for removal has nothing left to stop."""
    return task.desired is State.REMOVE and (task.ended or _is_nowhere(task))
