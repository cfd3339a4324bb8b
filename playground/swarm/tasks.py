"""How tasks are created, and when one is outdated: pure (swarmkit manager/orchestrator/task.go)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from playground.swarm import constraints
from playground.swarm.ids import Ids
from playground.swarm.model import Node, Service, Spec, State, Status, Task
from playground.swarm.specs import shown_template

CREATED: Final = "created"


def new_task(
    ids: Ids, service: Service, slot: int, node_id: str = "", *, desired: State, at: float
) -> Task:
    """A new task from the service's current template."""
    template = {key: value for key, value in service.template.items() if key != "Runtime"}
    return Task(
        id=ids.object(),
        service_id=service.id,
        slot=slot,
        node_id=node_id,
        spec=template,
        spec_version=service.spec_version,
        endpoint=service.spec.get("EndpointSpec") or {},
        labels=service.spec.get("Labels") or {},
        status=Status(at, State.NEW, CREATED),
        desired=desired,
        iteration=service.iteration if service.is_job else None,
    )


def is_dirty(service: Service, task: Task, node: Node | None) -> bool:
    """Whether a task was created from another template than the service has now.

    A task that differs only in its placement stays if its node meets the new constraints, and one
    that has its image if only the login differs.
    """
    if task.spec_version == service.spec_version:
        return False
    pulled = State.READY <= task.status.state <= State.RUNNING
    ours = _comparable(task.spec, pulled=pulled)
    wanted = _comparable(service.template, pulled=pulled)
    if ours.get("Placement") != wanted.get("Placement"):
        same = {**ours, "Placement": None} == {**wanted, "Placement": None}
        return not (same and node is not None and constraints.meets_constraints(service, node))
    return ours != wanted or task.endpoint != (service.spec.get("EndpointSpec") or {})


def is_dirty_slot(service: Service, slot: list[Task], nodes: Mapping[str, Node]) -> bool:
    """Whether a slot has to be updated; two tasks in one slot are left over from an update."""
    return len(slot) > 1 or any(is_dirty(service, task, nodes.get(task.node_id)) for task in slot)


def by_slot(tasks: Iterable[Task]) -> dict[int, list[Task]]:
    """Tasks by the slot that they fill."""
    slots: dict[int, list[Task]] = {}
    for task in tasks:
        slots.setdefault(task.slot, []).append(task)
    return slots


def wanted(task: Task, desired: State) -> Task:
    """The task with another desired state, which is never lowered."""
    return replace(task, desired=max(task.desired, desired))


def _comparable(spec: Spec, *, pulled: bool) -> dict[str, object]:
    found = shown_template(spec) if pulled else spec
    return {key: value for key, value in found.items() if key != "Runtime"}
