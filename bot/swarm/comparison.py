"""A look whose tasks are compared with the services' templates while they are read. No I/O.

This saves the call with the engine's ``_up-to-date`` filter. A task's specification is many times
larger than what is kept of the task, so it is dropped at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from bot.domain.swarm.constraints import meets_constraints
from bot.domain.swarm.model import Look, Node, Service, StackLook, Task
from bot.swarm import wire

Template = tuple[Service, wire.Raw]
"""A service with its template, which tasks are compared with."""
ComparedTask = tuple[Task, bool]
"""A task, and whether its node decides if it is up to date: only the placement differs."""


def template(raw_service: wire.Raw) -> Template:
    """What to keep of a service."""
    return wire.service_from(raw_service), wire.template_of(raw_service)


class Comparison:
    """Compares tasks with the templates of some services."""

    def __init__(self, templates: Iterable[Template]) -> None:
        self._templates = {service.id: (service, wanted) for service, wanted in templates}

    @property
    def service_ids(self) -> list[str]:
        """The ids of the services."""
        return [*self._templates]

    def task(self, raw: wire.Raw) -> ComparedTask | None:
        """What to keep of a task; None if it is of another service."""
        known = self._templates.get(str(raw.get("ServiceID")))
        if known is None:
            return None
        equal = wire.has_template(raw, known[1])
        return wire.task_from(raw, up_to_date=bool(equal)), equal is None

    def look(
        self, at: float, tasks: Iterable[ComparedTask | None], nodes: tuple[Node, ...]
    ) -> StackLook:
        """The services by name, their tasks, and the nodes."""
        services = [service for service, _ in self._templates.values()]
        by_id = {node.id: node for node in nodes}
        return StackLook(
            at,
            "",
            tuple(sorted(services, key=lambda service: service.name)),
            tuple(self._judged(each, by_id) for each in tasks if each is not None),
            nodes,
        )

    def _judged(self, compared: ComparedTask, nodes: Mapping[str, Node]) -> Task:
        """A task stays up to date if its node meets the constraints that are new."""
        task, placed = compared
        node = nodes.get(task.node_id) if placed else None
        if node is None:
            return task
        service, _ = self._templates[task.service_id]
        return replace(task, up_to_date=meets_constraints(service, node))


def is_current(raw_task: wire.Raw, raw_service: wire.Raw, raw_node: wire.Raw | None = None) -> bool:
    """Whether a task was made from the service's present template.

    Follows swarmkit (manager/orchestrator/task.go, ``IsTaskDirty``): the templates are equal, or
    they differ only in the placement and the task's node meets the new constraints. Swarmkit also
    compares published ports, but the API does not show those of a task. If the engine can be asked,
    its ``_up-to-date`` filter is authoritative.
    """
    equal = wire.has_template(raw_task, wire.template_of(raw_service))
    if equal is None and raw_node is not None:
        return meets_constraints(wire.service_from(raw_service), wire.node_from(raw_node))
    return bool(equal)


def look_from(
    raw_service: wire.Raw | None,
    raw_tasks: Iterable[wire.Raw],
    current_ids: Iterable[str] | None,
    raw_nodes: Iterable[wire.Raw],
    at: float,
) -> Look:
    """One look at one service.

    ``current_ids`` are the ids that the ``_up-to-date`` filter returned; None compares the
    templates instead (``is_current``), for stored objects.
    """
    services = [raw_service] if raw_service else []
    look = stack_look_from("", services, raw_tasks, current_ids, raw_nodes, at=at)
    return Look(at, look.services[0] if look.services else None, look.tasks, look.nodes)


def stack_look_from(
    stack: str,
    raw_services: Iterable[wire.Raw],
    raw_tasks: Iterable[wire.Raw],
    current_ids: Iterable[str] | None,
    raw_nodes: Iterable[wire.Raw],
    *,
    at: float,
) -> StackLook:
    """One look at several services; ``current_ids`` as for ``look_from``."""
    services = {_id(raw): raw for raw in raw_services}
    nodes = {_id(raw): raw for raw in raw_nodes}
    current = None if current_ids is None else frozenset(current_ids)

    def up_to_date(raw: wire.Raw) -> bool:
        if current is not None:
            return _id(raw) in current
        service = services.get(str(raw.get("ServiceID")))
        return bool(service) and is_current(raw, service or {}, nodes.get(str(raw.get("NodeID"))))

    return StackLook(
        at=at,
        stack=stack,
        services=tuple(sorted(map(wire.service_from, services.values()), key=lambda s: s.name)),
        tasks=tuple(wire.task_from(raw, up_to_date=up_to_date(raw)) for raw in raw_tasks),
        nodes=wire.by_hostname(map(wire.node_from, nodes.values())),
    )


def _id(raw: wire.Raw) -> str:
    return str(raw.get("ID", ""))
