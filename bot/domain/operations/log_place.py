"""The tasks whose log is asked for: ``worker01.2``, or ``exporter.m-02`` for a global service."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.domain.errors import RefusedError
from bot.domain.operations.node_change import find_node
from bot.domain.operations.node_names import ShortNames
from bot.domain.swarm.model import Node, Service, Task

MOST_NAMED = 12


def tasks_at(
    service: Service, place: str, tasks: Iterable[Task], nodes: Sequence[Node]
) -> frozenset[str]:
    """The ids of the tasks of a slot, or of a node for a global service.

    Raises:
        RefusedError: there is no such slot, node, or task on it.
    """
    if service.mode.is_global:
        return _on_node(service, place, tasks, nodes)
    slots = sorted({task.slot for task in tasks if task.slot})
    name = service.short_name
    if not place.isascii() or not place.isdecimal():
        raise RefusedError(
            f"`{place}` is not a slot of `{name}`: a slot is a number.", hint=_known(slots)
        )
    found = frozenset(task.id for task in tasks if task.slot == int(place))
    if not found:
        raise RefusedError(f"`{name}` has no slot {int(place)}.", hint=_known(slots))
    return found


def _on_node(
    service: Service, place: str, tasks: Iterable[Task], nodes: Sequence[Node]
) -> frozenset[str]:
    node, names = find_node(place, nodes), ShortNames(nodes)
    found = frozenset(task.id for task in tasks if task.node_id == node.id)
    if found:
        return found
    there = sorted({names.of(task.node_id) for task in tasks if task.node_id})
    raise RefusedError(
        f"`{service.short_name}` has no task on {node.hostname}.",
        hint=f"It has tasks on {_listed(there)}." if there else "It has no tasks.",
    )


def _known(slots: Sequence[int]) -> str:
    return f"Its slots: {_listed(list(map(str, slots)))}." if slots else "It has no tasks."


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
