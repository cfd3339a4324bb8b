"""What changed from one look to the next: pure."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.swarm import Availability, NodeState, StackLook, Task
from bot.ports import Change

_Mark = tuple[object, ...]


def differences(before: StackLook, after: StackLook) -> tuple[Change, ...]:
    """The changes of services that both looks were made for.

    A service that is in one look only has come, gone, or just begun to be followed: one hint to
    look again. A node that changed is a hint for every service.
    """
    return tuple(_changes(before, after))


def _changes(before: StackLook, after: StackLook) -> Iterator[Change]:
    old = {service.id: service for service in before.services}
    new = {service.id: service for service in after.services}
    nodes_changed = _nodes(before) != _nodes(after)
    for service_id in sorted(old.keys() | new.keys()):
        if nodes_changed or old.get(service_id) != new.get(service_id):
            yield Change(service_id)
        if service_id in old and service_id in new:
            yield from _task_changes(service_id, before, after)


def _task_changes(service_id: str, before: StackLook, after: StackLook) -> Iterator[Change]:
    old = _tasks(before, service_id)
    new = _tasks(after, service_id)
    for task_id, task in new.items():
        if task_id not in old or _mark(old[task_id]) != _mark(task):
            yield Change(service_id, task)
    if old.keys() - new.keys():
        yield Change(service_id)


def _tasks(look: StackLook, service_id: str) -> dict[str, Task]:
    return {task.id: task for task in look.tasks if task.service_id == service_id}


def _mark(task: Task) -> _Mark:
    return (task.state, task.desired, task.err, task.exit_code, task.node_id, task.up_to_date)


def _nodes(look: StackLook) -> dict[str, tuple[NodeState, Availability]]:
    return {node.id: (node.state, node.availability) for node in look.nodes}
