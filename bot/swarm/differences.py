"""The differences between two looks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from bot.domain.swarm.events import Event, EventAction
from bot.domain.swarm.model import Availability, Node, NodeState, Service, StackLook, Task
from bot.ports import FeedChange

_Mark = tuple[object, ...]
_Object = TypeVar("_Object", Task, Service, Node)


def differences(before: StackLook, after: StackLook) -> tuple[FeedChange, ...]:
    """The changes of the services that both looks cover.

    A service that is in only one look was added, removed, or has just been subscribed to: one hint
    to look again. A changed node is a hint for every service.
    """
    return tuple(_changes(before, after))


def _changes(before: StackLook, after: StackLook) -> Iterator[FeedChange]:
    old = {service.id: service for service in before.services}
    new = {service.id: service for service in after.services}
    old_tasks, new_tasks = _tasks_by_service(before), _tasks_by_service(after)
    nodes_changed = _nodes(before) != _nodes(after)
    for service_id in sorted(old.keys() | new.keys()):
        if nodes_changed or old.get(service_id) != new.get(service_id):
            yield FeedChange(service_id)
        if service_id in old and service_id in new:
            tasks = (by_service.get(service_id, {}) for by_service in (old_tasks, new_tasks))
            yield from _task_changes(service_id, *tasks)


def _task_changes(
    service_id: str, old: Mapping[str, Task], new: Mapping[str, Task]
) -> Iterator[FeedChange]:
    for task_id, task in new.items():
        if task_id not in old or _mark(old[task_id]) != _mark(task):
            yield FeedChange(service_id, task)
    if old.keys() - new.keys():
        yield FeedChange(service_id)


def _tasks_by_service(look: StackLook) -> dict[str, dict[str, Task]]:
    found: dict[str, dict[str, Task]] = {}
    for task in look.tasks:
        found.setdefault(task.service_id, {})[task.id] = task
    return found


def _mark(task: Task) -> _Mark:
    return (task.state, task.desired, task.err, task.exit_code, task.node_id, task.up_to_date)


def _nodes(look: StackLook) -> dict[str, tuple[NodeState, Availability]]:
    return {node.id: (node.state, node.availability) for node in look.nodes}


def events_between(before: StackLook, after: StackLook) -> tuple[Event, ...]:
    """The events of a stream between two looks at the whole swarm, as far as visible.

    A new object is also reported as an update, because it may have changed since its creation.
    Services and nodes come first, then tasks by the time of their state, then removals.
    """
    services = {service.id: service for service in (*before.services, *after.services)}
    tasks = sorted(_changed(before.tasks, after.tasks), key=lambda task: (task.since, task.id))
    old_nodes, new_nodes = _without_leader(before.nodes), _without_leader(after.nodes)
    return (
        *_events(EventAction.UPDATE, _changed(before.services, after.services), services),
        *_events(EventAction.UPDATE, _changed(old_nodes, new_nodes), services),
        *_events(EventAction.UPDATE, tasks, services),
        *_events(EventAction.REMOVE, _gone(before.tasks, after.tasks), services),
        *_events(EventAction.REMOVE, _gone(before.services, after.services), services),
        *_events(EventAction.REMOVE, _gone(old_nodes, new_nodes), services),
    )


def _events(
    action: EventAction, objects: Iterable[Task | Service | Node], services: Mapping[str, Service]
) -> Iterator[Event]:
    for one in objects:
        service_id = one.service_id if isinstance(one, Task) else one.id
        yield Event(action, one, services.get(service_id))


def _changed(before: Iterable[_Object], after: Iterable[_Object]) -> list[_Object]:
    old = {one.id: _compared_fields(one) for one in before}
    return [one for one in after if old.get(one.id) != _compared_fields(one)]


def _gone(before: Iterable[_Object], after: Iterable[_Object]) -> list[_Object]:
    left = {one.id for one in after}
    return [one for one in before if one.id not in left]


def _compared_fields(found: Task | Service | Node) -> object:
    """The properties whose difference makes a change.

    That a task became outdated is not one: this is reported with its service.
    """
    if not isinstance(found, Task):
        return found
    return found.state, found.desired, found.err, found.exit_code, found.node_id


def _without_leader(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """Nodes as in ``Event``: without the leader."""
    return tuple(replace(node, manager="") for node in nodes)
