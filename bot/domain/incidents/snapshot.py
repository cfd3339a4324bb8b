"""The watcher's copy of the swarm's state: a listing, updated from the stream.

No I/O and no clock. A replayed event may be older than the listing. As a task's states only move
forward (https://docs.docker.com/engine/swarm/how-swarm-mode-works/swarm-task-states/), an event
older than the known state changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Set
from dataclasses import replace

from bot.domain.incidents.events import Fetch, News, ReducerContext, Rules
from bot.domain.incidents.model import WatcherState
from bot.domain.swarm.events import Batch, Event, EventAction, Listing
from bot.domain.swarm.model import Node, Service, Task, TaskState
from bot.domain.swarm.slots import may_complete

_ENDS = frozenset({TaskState.COMPLETE, TaskState.FAILED, TaskState.REJECTED})


class Snapshot:
    """Services, nodes and live tasks (for run-to-completion services: all tasks)."""

    def __init__(self) -> None:
        self.services: dict[str, Service] = {}
        self.nodes: dict[str, Node] = {}
        self._tasks: dict[str, dict[str, Task]] = {}

    def take(self, listing: Listing) -> None:
        """Replace everything by a listing."""
        look = listing.look
        self.services = {service.id: service for service in look.services}
        self.nodes = {node.id: node for node in look.nodes}
        self._tasks = {}
        for task in look.tasks:
            self._keep(task)

    def see(self, event: Event) -> None:
        """Apply one change."""
        match event.object:
            case Task() as task:
                self._see_task(event.action, task)
            case Service() as service:
                self._see_service(event.action, service)
            case Node() as node:
                self._see_node(event.action, node)

    def tasks(self, service_id: str) -> Collection[Task]:
        """The tasks of one service."""
        return self._tasks.get(service_id, {}).values()

    def context(self, busy: Set[str], rules: Rules) -> ReducerContext:
        """The reducer's context; a view of this snapshot, not a copy."""
        return ReducerContext(self.services, self.nodes, self.tasks, busy, rules)

    def _see_task(self, action: EventAction, task: Task) -> None:
        if action is EventAction.REMOVE:
            self._drop(task)
            return
        known = self._tasks.get(task.service_id, {}).get(task.id)
        if known is not None and known.state > task.state:
            return
        if known is not None and known.desired > task.desired:
            task = replace(task, desired=known.desired)
        self._keep(task)

    def _see_service(self, action: EventAction, service: Service) -> None:
        if action is EventAction.REMOVE:
            self.services.pop(service.id, None)
            self._tasks.pop(service.id, None)
            return
        known = self.services.get(service.id)
        if known is None or known.version <= service.version:
            self.services[service.id] = service

    def _see_node(self, action: EventAction, node: Node) -> None:
        if action is EventAction.REMOVE:
            self.nodes.pop(node.id, None)
            return
        known = self.nodes.get(node.id)
        if known is not None and not node.manager:
            node = replace(node, manager=known.manager)
        self.nodes[node.id] = node

    def _keep(self, task: Task) -> None:
        service = self.services.get(task.service_id)
        if task.state.over and (service is None or not may_complete(service)):
            self._drop(task)
        else:
            self._tasks.setdefault(task.service_id, {})[task.id] = task

    def _drop(self, task: Task) -> None:
        of_service = self._tasks.get(task.service_id)
        if of_service is not None:
            of_service.pop(task.id, None)
            if not of_service:
                del self._tasks[task.service_id]


def news_of_listing(listing: Listing, since: float) -> News:
    """The news in a listing: the complete state if the stream could not be resumed.

    ``since`` is when this watcher started: tasks that ended before are found late.
    """
    cursor = listing.version or None
    if listing.resumed:
        return News(nodes=listing.look.nodes, cursor=cursor)
    look = listing.look
    late = any(_is_late(task, since) for task in look.tasks)
    return News(look.tasks, look.nodes, reconciled=True, late=late, cursor=cursor)


def news_of_batch(batch: Batch, since: float) -> tuple[News, ...]:
    """The news in a batch; tasks that ended before ``since`` come separately, and first."""
    tasks = tuple(task for event in batch.events if (task := _task(event)) is not None)
    old = tuple(task for task in tasks if _is_late(task, since))
    fresh = tuple(task for task in tasks if not _is_late(task, since)) if old else tasks
    nodes = tuple(
        event.object
        for event in batch.events
        if isinstance(event.object, Node) and event.action is not EventAction.REMOVE
    )
    removed = frozenset(
        event.object.id
        for event in batch.events
        if event.action is EventAction.REMOVE and not isinstance(event.object, Task)
    )
    late = (News(old, late=True),) if old else ()
    return (*late, News(fresh, nodes, removed, cursor=batch.version or None))


def unread(listing: Listing, state: WatcherState) -> tuple[Fetch, ...]:
    """The last failures of open incidents whose requested evidence never arrived.

    The process that requested it was killed. Failures too old to be listed are left out, because
    they cannot be read any more.
    """
    tasks = {task.id: task for task in listing.look.tasks}
    return tuple(
        Fetch(incident.id, tasks[incident.last_task])
        for incident in state.incidents.values()
        if incident.fetched is not None
        and not (incident.evidence or incident.confirmed)
        and incident.last_task in tasks
    )


def ends_tasks(batch: Batch) -> bool:
    """Whether a task of the batch ended in a way that may be a failure."""
    return any(
        isinstance(event.object, Task)
        and event.action is not EventAction.REMOVE
        and event.object.state in _ENDS
        for event in batch.events
    )


def _task(event: Event) -> Task | None:
    """The task as the reducer needs it: if removed alive, its desired state was shutdown."""
    if not isinstance(event.object, Task):
        return None
    if event.action is not EventAction.REMOVE:
        return event.object
    return None if event.object.state.over else replace(event.object, desired=TaskState.REMOVE)


def _is_late(task: Task, since: float) -> bool:
    return task.state in _ENDS and 0 < task.since < since
