"""Rolling updates and roll backs: pure (swarmkit manager/orchestrator/update/updater.go)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import Final

from playground.swarm.ids import Ids
from playground.swarm.model import Service, Spec, State, Task, UpdateStatus, seconds
from playground.swarm.restarts import Restarts, key
from playground.swarm.store import Store, StoreChange
from playground.swarm.tasks import is_dirty, is_dirty_slot, new_task, wanted
from playground.swarm.timeline import Course, Process, Timeline, Wait

_MONITOR: Final = 5.0
_STOPPED: Final = {"paused", "rollback_paused"}
_IN_PROGRESS: Final = {"updating", "rollback_started"}
_THEN_REMOVE: Final = 0.09


@dataclass(slots=True)
class _Run:
    """One update of one service. ``began`` has the tasks it created and when each first ran."""

    service: Service
    config: Spec
    queue: deque[list[Task]]
    total: int
    began: dict[str, float | None] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    processes: list[Process] = field(default_factory=list)
    working: int = 0
    over: bool = False

    @property
    def monitor(self) -> float:
        return seconds(self.config.get("Monitor"), _MONITOR) or _MONITOR


class Updater:
    """At most one update of each service."""

    def __init__(self, store: Store, timeline: Timeline, ids: Ids, restarts: Restarts) -> None:
        self._store = store
        self._timeline = timeline
        self._ids = ids
        self._restarts = restarts
        self._runs: dict[str, _Run] = {}
        store.subscribers.append(self._look_for_failures)

    def update(self, service: Service, slots: list[list[Task]]) -> None:
        """Update these slots to the service's spec; an update to the same spec just continues."""
        run = self._runs.get(service.id)
        if run is not None and not run.over and _same(run.service, service):
            return
        self.cancel(service.id)
        self._begin(service, slots)

    def cancel(self, service_id: str) -> None:
        """Stop an update."""
        run = self._runs.pop(service_id, None)
        if run is not None:
            self._end(run)

    def _begin(self, service: Service, slots: list[list[Task]]) -> None:
        state = service.update.state if service.update else ""
        if state in _STOPPED:
            return
        dirty = [slot for slot in slots if is_dirty_slot(service, slot, self._store.nodes)]
        if not dirty:
            if state in _IN_PROGRESS:
                self._complete(service.id)
            return
        if service.update is None:
            status = UpdateStatus("updating", self._timeline.now, "update in progress")
            self._store.put(replace(service, update=status))
        rolling_back = state == "rollback_started"
        config = service.spec.get("RollbackConfig" if rolling_back else "UpdateConfig")
        config = config or {"Parallelism": 1}
        run = _Run(service, config, deque(dirty), len(dirty))
        self._runs[service.id] = run
        run.working = min(int(config.get("Parallelism") or 0) or len(dirty), len(dirty))
        run.processes = [self._timeline.spawn(self._work(run)) for _ in range(run.working)]

    def _work(self, run: _Run) -> Course:
        while run.queue:
            slot = [t for t in map(self._fresh, run.queue.popleft()) if t is not None]
            if slot:
                yield from self._update_slot(run, slot)
            if delay := seconds(run.config.get("Delay"), 0.0):
                yield Wait(delay)
        run.working -= 1
        if not run.working:
            run.processes.append(self._timeline.spawn(self._watch(run)))

    def _watch(self, run: _Run) -> Course:
        """Wait until the updated tasks have run for the monitor period."""
        yield Wait(run.monitor)
        run.over = True
        self._complete(run.service.id)

    def _update_slot(self, run: _Run, slot: list[Task]) -> Course:
        nodes = self._store.nodes
        clean = [t for t in slot if t.live and not is_dirty(run.service, t, nodes.get(t.node_id))]
        clean.sort(key=lambda task: -task.desired)
        if clean:
            yield from self._use(run, slot, clean[0])
            return
        service = self._store.services.get(run.service.id)
        start_first = run.config.get("Order") == "start-first"
        if service is None or not (start_first or self._can_stop(service, slot)):
            return
        node = slot[0].node_id if run.service.mode.startswith("Global") else ""
        new = new_task(
            self._ids, service, slot[0].slot, node, desired=State.READY, at=self._timeline.now
        )
        run.began[new.id] = None
        self._store.put(new)
        self._restarts.delay_start(None if start_first else self._remove(slot), new, 0.0)
        while self._restarts.is_delayed(new.id):
            yield Wait(keys=(key(new.id),))
        while (task := self._store.tasks.get(new.id)) and task.status.state < State.RUNNING:
            yield Wait(keys=(("task", new.id),))
        run.began[new.id] = self._timeline.now
        yield Wait(_THEN_REMOVE)
        if start_first and task and task.status.state is State.RUNNING:
            self._remove([each for each in map(self._fresh, slot) if each])

    def _can_stop(self, service: Service, slot: list[Task]) -> bool:
        """Whether a task of the slot is live, or ended for good.

        Otherwise the restart supervisor has replaced them meanwhile, and swarmkit's updater creates
        no task ("was already shut down when reached by updater").
        """
        return any(task.live or not self._restarts.should_restart(service, task) for task in slot)

    def _use(self, run: _Run, slot: list[Task], task: Task) -> Course:
        """Remove the other tasks of a slot that already has one of the new spec."""
        old = self._remove([other for other in slot if other.id != task.id])
        run.began[task.id] = None
        if task.desired < State.RUNNING and not self._restarts.is_delayed(task.id):
            self._restarts.delay_start(old, task, 0.0)
        while self._restarts.is_delayed(task.id):
            yield Wait(keys=(key(task.id),))
        run.began[task.id] = self._timeline.now

    def _remove(self, slot: list[Task]) -> Task | None:
        """Shut the old tasks down; returns one that has to stop first."""
        stopping = None
        for task in slot:
            if task.live:
                self._restarts.cancel(task.id)
                stopped = self._store.put(wanted(task, State.SHUTDOWN))
                stopping = None if stopped.ended else stopped
        return stopping

    def _look_for_failures(self, change: StoreChange) -> None:
        task = change.object
        if not isinstance(task, Task) or change.action != "update" or not task.ended:
            return
        run = self._runs.get(task.service_id)
        if run is None or run.over or task.id in run.failed or task.id not in run.began:
            return
        action = run.config.get("FailureAction") or "pause"
        began = run.began[task.id]
        if action == "continue" or (began is not None and self._timeline.now - began > run.monitor):
            return
        run.failed.add(task.id)
        if len(run.failed) / run.total > float(run.config.get("MaxFailureRatio") or 0.0):
            self._act(run, action, task.id)

    def _act(self, run: _Run, action: str, task_id: str) -> None:
        service = self._store.services.get(run.service.id)
        if service is None or service.update is None:
            return
        self._end(run)
        why = f"due to failure or early termination of task {task_id}"
        if service.update.state == "rollback_started":
            self._tell(service, "rollback_paused", f"rollback paused {why}")
        elif action == "rollback" and service.previous is not None:
            back = replace(
                service,
                spec=service.previous,
                spec_version=service.previous_version,
                previous=None,
                previous_version=0,
            )
            self._tell(back, "rollback_started", f"update rolled back {why}")
        else:
            self._tell(service, "paused", f"update paused {why}")

    def _complete(self, service_id: str) -> None:
        service = self._store.services.get(service_id)
        if service is None or service.update is None:
            return
        state, message = "completed", "update completed"
        if service.update.state == "rollback_started":
            state, message = "rollback_completed", "rollback completed"
        status = UpdateStatus(state, service.update.started, message, self._timeline.now)
        self._store.put(replace(service, update=status))

    def _tell(self, service: Service, state: str, message: str) -> None:
        started = service.update.started if service.update else self._timeline.now
        self._store.put(replace(service, update=UpdateStatus(state, started, message)))

    def _end(self, run: _Run) -> None:
        run.over = True
        for process in run.processes:
            self._timeline.cancel(process)

    def _fresh(self, task: Task) -> Task | None:
        return self._store.tasks.get(task.id)


def _same(one: Service, other: Service) -> bool:
    return one.spec == other.spec and one.spec_version == other.spec_version
