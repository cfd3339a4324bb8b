"""The watcher's rules: what counts as a failure, how failures are grouped, when a service is whole.

A **failure** is a task that ended failed or rejected, or complete although it should keep running.
It does not count if the swarm moved the task because of changed constraints, or if the task was to
be removed. Other exceptions depend on earlier states of the task: see
``bot.domain.incidents.reducer``.

Failures are **grouped** by service and cause: several slots that fail in the same way are one
problem with one solution. Causes are equal if they have the same kind; for exit codes, also the
same code; for failed starts and mounts, also the same error without names, paths and numbers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from bot.domain.incidents.events import ReducerContext
from bot.domain.incidents.model import NODE_KEY, Incident
from bot.domain.swarm.causes import (
    KILLED,
    REPLACED_BY_SWARM,
    Cause,
    CauseKind,
    classify,
    short_error,
)
from bot.domain.swarm.health import Trouble, examine_service
from bot.domain.swarm.model import Node, NodeState, Service, Task, TaskState
from bot.domain.swarm.slots import may_complete, place_of

ID_LENGTH: Final = 6
_ID_ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"
_KEY_LENGTH: Final = 120
_CUT: Final = 2000
_CLOCKS_APART: Final = 10.0
_ENDED: Final = frozenset({TaskState.COMPLETE, TaskState.FAILED, TaskState.REJECTED})
_TOLD_APART_BY_TEXT: Final = frozenset({CauseKind.START_FAILED, CauseKind.MOUNT_FAILED})
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_SPECIFIC: Final = re.compile(r"\S*[\d/\\@=]\S*|\b[\w-]+(?:\.[\w-]+)+\S*")


def failure_of(task: Task, service: Service) -> Cause | None:
    """Why the task failed, None if it did not; the cause's ``place`` fits the service's mode."""
    if task.state not in _ENDED or task.desired is TaskState.REMOVE:
        return None
    if REPLACED_BY_SWARM in task.err:
        return None
    if task.state is TaskState.COMPLETE and may_complete(service):
        return None
    return cause_at(task, service)


def cause_at(task: Task, service: Service) -> Cause | None:
    """The classifier's cause with its place."""
    cause = classify(task, service)
    if cause is None:
        return None
    return Cause(
        kind=cause.kind,
        text=cause.text,
        raw=cause.raw,
        exit_code=cause.exit_code,
        task_id=cause.task_id,
        place=place_of(service, task),
        node_id=cause.node_id,
        container_id=cause.container_id,
    )


def incident_key(service_id: str, cause: Cause) -> str:
    """The key that groups failures."""
    return "|".join(
        (service_id, cause.kind.value, *((said,) if (said := _distinction(cause)) else ()))
    )


def coarse_key(service_id: str, cause: Cause) -> str:
    """The key by kind of cause only, for a service that fails in many different ways."""
    return f"{service_id}|{cause.kind.value}|*"


def node_key(node_id: str) -> str:
    """The incident key of a node that is down."""
    return f"{NODE_KEY}{node_id}"


def incident_id(key: str, first: str) -> str:
    """A short id derived from the incident's subject and its first failure."""
    number = int.from_bytes(hashlib.sha256(f"{key}\n{first}".encode(errors="replace")).digest())
    letters = []
    for _ in range(ID_LENGTH):
        number, index = divmod(number, len(_ID_ALPHABET))
        letters.append(_ID_ALPHABET[index])
    return "".join(letters)


def without_names(text: str) -> str:
    """An error without quoted names, paths, addresses and numbers; equal for the same problem."""
    bare = _SPECIFIC.sub("#", _QUOTED.sub("#", short_error(text[:_CUT])))
    return re.sub(r"(?:#\W*)+", "# ", bare).strip().lower()[:_KEY_LENGTH]


def whole(service: Service, tasks: Collection[Task], nodes: Mapping[str, Node]) -> bool:
    """Whether all desired tasks run (or have completed, if they are meant to end)."""
    return examine_service(service, tasks, tuple(nodes.values()), at=0.0).whole


def open_troubles(incidents: Iterable[Incident]) -> dict[str, tuple[Trouble, ...]]:
    """The causes of services' open incidents, by service id, for the health of the services."""
    found: dict[str, tuple[Trouble, ...]] = {}
    for each in incidents:
        if not each.is_node:
            places = each.slots or tuple(filter(None, (each.cause.place,)))
            trouble = Trouble(each.cause, places, each.began, each.count, unsteady=True)
            found[each.service_id] = (*found.get(each.service_id, ()), trouble)
    return found


def newest_by_place(service: Service, tasks: Iterable[Task]) -> dict[str, Task]:
    """The newest task of each place."""
    newest: dict[str, Task] = {}
    for task in tasks:
        place = place_of(service, task)
        known = newest.get(place)
        if known is None or (known.created, known.id) < (task.created, task.id):
            newest[place] = task
    return newest


def overtaken(tasks: Iterable[Task], services: Mapping[str, Service]) -> frozenset[str]:
    """The ids of failed tasks whose desired state was shutdown before they ended, per a listing.

    Their replacement in the same place was created clearly before they ended. This happens when a
    node that was down returns and its engine reports the tasks it had run. The clocks of managers
    (creation) and engines (end) differ by seconds at most. Other tasks that were killed on the same
    node at the same time are treated alike.
    """
    listed = [task for task in tasks if task.service_id in services]
    by_service: dict[str, list[Task]] = {}
    for task in listed:
        by_service.setdefault(task.service_id, []).append(task)
    newest = {
        (service_id, place): task
        for service_id, each in by_service.items()
        for place, task in newest_by_place(services[service_id], each).items()
    }
    killed = [task for task in listed if task.exit_code == KILLED and task.state in _ENDED]
    gone = [
        task
        for task in killed
        if task.created < (heir := newest[_spot(task, services)]).created
        and heir.created + _CLOCKS_APART < task.since
    ]
    returns = {(task.node_id, round(task.since / _CLOCKS_APART)) for task in gone}
    return frozenset(task.id for task in killed if _among(task, returns))


def _spot(task: Task, services: Mapping[str, Service]) -> tuple[str, str]:
    return task.service_id, place_of(services[task.service_id], task)


def _among(task: Task, returns: set[tuple[str, int]]) -> bool:
    moment = round(task.since / _CLOCKS_APART)
    return any((task.node_id, near) in returns for near in (moment - 1, moment, moment + 1))


def is_down(node_id: str, context: ReducerContext) -> bool:
    """Whether the node is known to be down."""
    node = context.nodes.get(node_id)
    return node is not None and node.state is NodeState.DOWN


def worth_an_alert(node: Node | None) -> bool:
    """Whether a node that is down needs an alert.

    A worker that was drained first is down on purpose; a manager never is.
    """
    return node is None or node.availability.value != "drain" or node.role == "manager"


def _distinction(cause: Cause) -> str:
    if cause.kind is CauseKind.EXIT_CODE:
        return str(cause.exit_code)
    return without_names(cause.raw) if cause.kind in _TOLD_APART_BY_TEXT else ""
