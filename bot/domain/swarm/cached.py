"""The swarm's services and tasks in memory: a listing, kept up to date by the stream's events.

The values are the engine's own. A task's events carry all of its new state. A service's do not: the
engine knows more of it, and its tasks may have become outdated. So its event only notes that the
service must be read again with its tasks (``stale``).

A listing comes from the swarm's leader and events from the bot's own manager, so an event may be
older than what is known. As a task's states only move forward
(https://docs.docker.com/engine/swarm/how-swarm-mode-works/swarm-task-states/), it changes nothing
then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.domain.swarm.events import Event, EventAction
from bot.domain.swarm.model import Look, Node, Service, StackLook, Task

_NodeMark = tuple[object, ...]


class CachedSwarm:
    """The services and tasks of a listing of the whole swarm.

    ``stale`` are the ids of services to be read again; ``outdated`` says that everything must be,
    because a node changed in a way that may decide which tasks are up to date.
    """

    def __init__(self, look: StackLook) -> None:
        self.stale: set[str] = set()
        self.outdated = False
        self._services = {service.id: service for service in look.services}
        self._tasks: dict[str, dict[str, Task]] = {}
        self._nodes = {node.id: _mark(node) for node in look.nodes}
        for task in look.tasks:
            self._keep(task)

    def take(self, events: Iterable[Event]) -> None:
        """Apply changes in their order."""
        for event in events:
            match event.object:
                case Task() as task:
                    self._take_task(event.action, task)
                case Service() as service:
                    self._take_service(event.action, service)
                case Node() as node:
                    self._take_node(event.action, node)

    def put(self, service_id: str, look: Look) -> None:
        """Replace a service by a look at it. Apply the events since the look began afterwards."""
        self.stale.discard(service_id)
        self._tasks.pop(service_id, None)
        self._services.pop(service_id, None)
        if look.service is not None:
            self._services[service_id] = look.service
            for task in look.tasks:
                self._keep(task)

    def services(self, stack: str) -> tuple[Service, ...]:
        """All services of a stack, or of the swarm if ``stack`` is empty, by name."""
        found = (each for each in self._services.values() if stack in {"", each.stack})
        return tuple(sorted(found, key=lambda service: service.name))

    def look(self, stack: str, nodes: Sequence[Node], at: float) -> StackLook:
        """All services of a stack, or of the swarm if ``stack`` is empty, with these nodes."""
        services = self.services(stack)
        tasks = (self._tasks.get(service.id, {}).values() for service in services)
        return StackLook(
            at, stack, services, tuple(t for each in tasks for t in each), tuple(nodes)
        )

    def _take_task(self, action: EventAction, task: Task) -> None:
        if action is EventAction.REMOVE:
            self._drop(task)
            return
        known = self._tasks.get(task.service_id, {}).get(task.id)
        self._keep(task if known is None else _later(known, task))

    def _take_service(self, action: EventAction, service: Service) -> None:
        if action is EventAction.REMOVE:
            self._services.pop(service.id, None)
            self._tasks.pop(service.id, None)
            self.stale.discard(service.id)
            return
        known = self._services.get(service.id)
        if known is None or known.version < service.version:
            self.stale.add(service.id)

    def _take_node(self, action: EventAction, node: Node) -> None:
        if action is EventAction.REMOVE:
            self._nodes.pop(node.id, None)
            return
        known = self._nodes.get(node.id)
        self.outdated = self.outdated or known not in {None, _mark(node)}
        self._nodes[node.id] = _mark(node)

    def _drop(self, task: Task) -> None:
        of_service = self._tasks.get(task.service_id, {})
        of_service.pop(task.id, None)
        if not of_service:
            self._tasks.pop(task.service_id, None)

    def _keep(self, task: Task) -> None:
        self._tasks.setdefault(task.service_id, {})[task.id] = task


def _later(known: Task, task: Task) -> Task:
    """The later of two states of one task, with all that only the engine's listing tells."""
    if (known.state, known.since) > (task.state, task.since):
        known, task = task, known
    return replace(
        task,
        desired=max(known.desired, task.desired),
        addresses=task.addresses or known.addresses,
    )


def _mark(node: Node) -> _NodeMark:
    """What placement constraints are about; labels as pairs, as a mark must be hashable."""
    return (
        node.hostname,
        node.role,
        node.address,
        node.platform,
        tuple(sorted(node.labels.items())),
        tuple(sorted(node.engine_labels.items())),
    )
