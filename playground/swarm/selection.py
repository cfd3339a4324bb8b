"""The filters of the Engine API's lists: pure.

Several values of one filter are alternatives, except for labels, which must all be there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeVar

from playground.swarm.model import Node, Service, State, Task, Thing
from playground.swarm.requests import PREDEFINED_LABEL, RequestError, Requests
from playground.swarm.tasks import is_dirty

_T = TypeVar("_T")
Filters = Mapping[str, Sequence[str]]
_Test = Callable[[_T, Sequence[str]], bool]
_MODES: Final = {
    "Replicated": "replicated",
    "Global": "global",
    "ReplicatedJob": "replicated-job",
    "GlobalJob": "global-job",
}
_STATES: Final = {state.name.lower(): state for state in State}


def filters_from(text: str | None) -> Filters:
    """The query parameter ``filters``: lists of values, or in the older form, maps of them."""
    try:
        raw = json.loads(text or "{}")
    except ValueError as error:
        raise RequestError(400, f"invalid filters: {error}") from error
    if not isinstance(raw, dict):
        raise RequestError(400, "invalid filters: an object is expected")
    return {key: [str(value) for value in values] for key, values in raw.items()}


def services(requests: Requests, filters: Filters) -> list[Service]:
    """The services that match."""
    tests: dict[str, _Test[Service]] = {
        "id": lambda one, values: _begins(one.id, values),
        "name": lambda one, values: _begins(one.name, values),
        "label": lambda one, values: _labelled(one.spec.get("Labels") or {}, values),
        "mode": lambda one, values: _MODES[one.mode] in values,
        "runtime": lambda _, values: "container" in values,
    }
    return _chosen(requests.store.services.values(), tests, filters)


def tasks(requests: Requests, filters: Filters, own_node: str) -> list[Task]:
    """The tasks that match; a filter with an unknown service or node is a 404."""
    store = requests.store
    filters = dict(filters)
    kept: Iterable[Task] = store.tasks.values()
    if wanted := filters.pop("service", ()):
        found = [requests.service(key) for key in wanted]
        kept = [task for service in found for task in store.tasks_of(service.id)]
    nodes = {requests.node(key, own_node).id for key in filters.pop("node", ())}
    if nodes:
        kept = [task for task in kept if task.node_id in nodes]
    states = {_STATES.get(word) for word in filters.get("desired-state", ())}
    tests: dict[str, _Test[Task]] = {
        "id": lambda one, values: _begins(one.id, values),
        "name": lambda one, values: _begins(_task_name(requests, one), values),
        "label": lambda one, values: _labelled(one.labels, values),
        "desired-state": lambda one, _: one.desired in states,
        "runtime": lambda _, values: "container" in values,
        "_up-to-date": lambda one, values: _is_current(requests, one) is (values[0] == "true"),
    }
    return _chosen(kept, tests, filters)


def nodes(requests: Requests, filters: Filters) -> list[Node]:
    """The nodes that match."""
    tests: dict[str, _Test[Node]] = {
        "id": lambda one, values: _begins(one.id, values),
        "name": lambda one, values: _begins(one.hostname, values),
        "role": lambda one, values: one.role in values,
        "membership": lambda _, values: "accepted" in values,
        "label": lambda one, values: _labelled(one.engine_labels, values),
        "node.label": lambda one, values: _labelled(one.labels, values),
    }
    return _chosen(requests.store.nodes.values(), tests, filters)


def things(requests: Requests, kind: str, filters: Filters) -> list[Thing]:
    """The networks, configs or secrets that pass; predefined networks are not listed."""
    tests: dict[str, _Test[Thing]] = {
        "id": lambda one, values: _begins(one.id, values),
        "name": lambda one, values: _begins(one.name, values),
        "names": lambda one, values: one.name in values,
        "label": lambda one, values: _labelled(one.spec.get("Labels") or {}, values),
        "scope": lambda _, values: "swarm" in values,
        "driver": lambda one, values: (one.spec.get("Driver") or "overlay") in values,
        "type": lambda _, values: "custom" in values,
    }
    kept = (
        one
        for one in requests.store.things.values()
        if one.kind == kind and PREDEFINED_LABEL not in (one.spec.get("Labels") or {})
    )
    return _chosen(kept, tests, filters)


def _chosen(kept: Iterable[_T], tests: Mapping[str, _Test[_T]], filters: Filters) -> list[_T]:
    for key in filters:
        if key not in tests:
            raise RequestError(400, f"invalid filter '{key}'")
    return [
        one
        for one in kept
        if all(tests[key](one, values) for key, values in filters.items() if values)
    ]


def _begins(text: str, values: Sequence[str]) -> bool:
    return any(text.startswith(value) for value in values)


def _labelled(labels: Mapping[str, str], values: Sequence[str]) -> bool:
    for value in values:
        key, given, wanted = value.partition("=")
        if key not in labels or (given and labels[key] != wanted):
            return False
    return True


def _task_name(requests: Requests, task: Task) -> str:
    service = requests.store.services.get(task.service_id)
    return f"{service.name if service else ''}.{task.place}.{task.id}"


def _is_current(requests: Requests, task: Task) -> bool:
    service = requests.store.services.get(task.service_id)
    if service is None:
        return False
    if service.is_job:
        return task.iteration == service.iteration
    return not is_dirty(service, task, requests.store.nodes.get(task.node_id))
