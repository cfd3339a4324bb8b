"""Replaces tasks that ended: pure (swarmkit manager/orchestrator/restart)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from playground.swarm.ids import Ids
from playground.swarm.model import NODE_DOWN, Service, State, Task, part, seconds
from playground.swarm.store import Store
from playground.swarm.tasks import new_task, wanted
from playground.swarm.timeline import Course, Process, Timeline, Wait

DEFAULT_DELAY: Final = 5.0
_NEWS: Final = 0.1  # engines batch their reports
_OLD_TASK_SECONDS: Final = 60.0


@dataclass(slots=True)
class _History:
    spec_version: int
    times: list[float] = field(default_factory=list)


class Restarts:
    """The restart supervisor. To follow a delayed start, wait for ``key(task)``."""

    def __init__(self, store: Store, timeline: Timeline, ids: Ids) -> None:
        self._store = store
        self._timeline = timeline
        self._ids = ids
        self._delays: dict[str, Process] = {}
        self._waiters: set[str] = set()
        self._history: dict[tuple[str, str], _History] = {}

    def restart(self, service: Service, task: Task) -> None:
        """Shut a task down and, if the restart policy allows it, replace it."""
        if task.id in self._delays:
            if task.id not in self._waiters:
                self._waiters.add(task.id)
                self._timeline.spawn(self._once_started(task.id))
            return
        if not task.live:
            return
        task = self._store.put(wanted(task, State.SHUTDOWN))
        if not self.should_restart(service, task):
            return
        self._replace(service, task)

    def restart_job(self, service: Service, task: Task) -> None:
        """Shut a task of a job down and, if the restart policy allows it, replace it."""
        if not self.is_delayed(task.id):
            task = self._store.put(wanted(task, State.SHUTDOWN))
            if self.should_restart(service, task):
                self._replace(service, task)

    def should_restart(self, service: Service, task: Task) -> bool:
        """Whether the restart policy of the task allows another one."""
        policy = part(task.spec, "RestartPolicy")
        condition = policy.get("Condition") or "any"
        if service.is_job and condition == "any":
            condition = "on-failure"
        if condition == "none" or (
            condition == "on-failure" and task.status.state is State.COMPLETE
        ):
            return False
        most = int(policy.get("MaxAttempts") or 0)
        history = self._history.get((task.service_id, task.place))
        if not most or history is None or history.spec_version != task.spec_version:
            return True
        window = seconds(policy.get("Window"), 0.0)
        since = self._timeline.now - window if window else 0.0
        return sum(at >= since for at in history.times) < most

    def updatable(self, service: Service, slot: list[Task]) -> list[Task]:
        """A slot's tasks to update: the live ones, or the last one if it will not be replaced."""
        live = [task for task in slot if task.live]
        if live or not slot:
            return live
        newest = max(slot, key=lambda task: (task.meta.created, task.status.at))
        return [] if self.should_restart(service, newest) else [newest]

    def delay_start(self, old: Task | None, new: Task, delay: float) -> None:
        """Let a task run once the delay is over and ``old`` has stopped."""
        process = self._timeline.spawn(self._delayed(old.id if old else "", new.id, delay))
        self._delays[new.id] = process

    def is_delayed(self, task_id: str) -> bool:
        """Whether a task still waits for its delayed start."""
        return task_id in self._delays

    def cancel(self, task_id: str) -> None:
        """Cancel a delayed start."""
        process = self._delays.pop(task_id, None)
        if process is not None:
            self._timeline.cancel(process)
            self._timeline.tell([key(task_id)])

    def forget(self, service_id: str) -> None:
        """Forget the restarts of a removed service."""
        for found in [each for each in self._history if each[0] == service_id]:
            del self._history[found]

    def _replace(self, service: Service, task: Task) -> None:
        now = self._timeline.now
        node = self._store.nodes.get(task.node_id)
        pinned = task.node_id if service.mode.startswith("Global") else ""
        new = new_task(self._ids, service, task.slot, pinned, desired=State.READY, at=now)
        drained = node is not None and node.availability == "drain"
        policy = part(task.spec, "RestartPolicy")
        delay = 0.0 if drained else seconds(policy.get("Delay"), DEFAULT_DELAY)
        stopped = task.ended or (node is not None and node.state == NODE_DOWN)
        self._store.put(new)
        self._record(new)
        self.delay_start(None if stopped else task, new, delay)

    def _record(self, new: Task) -> None:
        if not part(new.spec, "RestartPolicy").get("MaxAttempts"):
            return
        place = (new.service_id, new.place)
        history = self._history.get(place)
        if history is None or history.spec_version != new.spec_version:
            history = self._history[place] = _History(new.spec_version)
        history.times.append(self._timeline.now)

    def _delayed(self, old_id: str, new_id: str, delay: float) -> Course:
        deadline = self._timeline.now + _OLD_TASK_SECONDS
        yield Wait(delay)
        while self._still_runs(old_id) and self._timeline.now < deadline:
            old = self._store.tasks[old_id]
            keys = (("task", old_id), ("node", old.node_id))
            yield Wait(deadline - self._timeline.now, keys)
        if old_id:
            yield Wait(_NEWS)
        self._delays.pop(new_id, None)
        task = self._store.tasks.get(new_id)
        if task is not None and task.desired < State.RUNNING:
            job = task.iteration is not None
            self._store.put(wanted(task, State.COMPLETE if job else State.RUNNING))
        self._timeline.tell([key(new_id)])

    def _still_runs(self, task_id: str) -> bool:
        task = self._store.tasks.get(task_id)
        if task is None or task.ended:
            return False
        node = self._store.nodes.get(task.node_id)
        return node is not None and node.state != NODE_DOWN

    def _once_started(self, task_id: str) -> Course:
        """Restart a task that failed before its delayed start, once the delay is over."""
        while task_id in self._delays:
            yield Wait(keys=(key(task_id),))
        self._waiters.discard(task_id)
        task = self._store.tasks.get(task_id)
        service = self._store.services.get(task.service_id) if task else None
        if task is not None and service is not None and task.desired <= State.COMPLETE:
            self.restart(service, task)


def key(task_id: str) -> tuple[str, str]:
    """The key that is signalled when a delayed start is over."""
    return ("delay", task_id)
