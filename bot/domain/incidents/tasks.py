"""Handles the news of one task (leaving, suspect, ended) and counts failures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from bot.domain.incidents.events import Fetch, wants_no_alerts
from bot.domain.incidents.model import Incident, IncidentState, Suspect
from bot.domain.incidents.rules import (
    cause_at,
    failure_of,
    incident_id,
    is_down,
    newest_by_place,
    overtaken,
    whole,
)
from bot.domain.incidents.transaction import Transaction
from bot.domain.swarm.causes import Cause, CauseKind, not_allocated
from bot.domain.swarm.model import Service, Task, TaskState
from bot.domain.swarm.slots import place_order

MOST_PLACES: Final = 200
_RUNNING: Final = TaskState.RUNNING
_SHUTDOWN: Final = TaskState.SHUTDOWN


def see_task(transaction: Transaction, task: Task) -> None:
    """Handle a task's new state."""
    transaction.touched.add(task.service_id)
    if task.state > _RUNNING:
        _see_ended(transaction, task)
        return
    if task.desired >= _SHUTDOWN:
        _see_leaving(transaction, task)
    elif is_held_up(task):
        _see_troubled(transaction, task)
    elif task.id in transaction.suspects.values:
        transaction.suspects.drop(task.id)


def is_held_up(task: Task) -> bool:
    """Whether something may keep a task from starting that is wanted to run."""
    wanted = task.desired < _SHUTDOWN
    return wanted and (task.state is TaskState.NEW or bool(task.err and task.state < _RUNNING))


def see_first_listing(transaction: Transaction, tasks: Iterable[Task]) -> None:
    """Ignore tasks that ended before the first listing, unless their place is still empty."""
    by_service: dict[str, list[Task]] = {}
    for task in tasks:
        by_service.setdefault(task.service_id, []).append(task)
    for service_id, each in by_service.items():
        service = transaction.context.services.get(service_id)
        if service is None:
            continue
        well = whole(service, each, transaction.context.nodes)
        present = set() if well else {t.id for t in newest_by_place(service, each).values()}
        for task in each:
            if task.id not in present and failure_of(task, service) is not None:
                transaction.judge(task.id)


def see_later_listing(transaction: Transaction, tasks: Iterable[Task]) -> None:
    """Ignore failed tasks that, according to a listing, were replaced before they ended."""
    for task_id in overtaken(tasks, transaction.context.services):
        if not transaction.knows(task_id):
            transaction.judge(task_id)


def count_failure(
    transaction: Transaction, service: Service, cause: Cause, task: Task | None
) -> None:
    """Count a failure in its incident; ``task`` is None if it has not ended."""
    if task is None:
        transaction.judge_waiting(cause.task_id, cause.kind)
    else:
        transaction.judge(cause.task_id)
    known = _incident_for(transaction, service, cause, task)
    busy = service.id in transaction.context.busy
    node = transaction.context.nodes.get(cause.node_id)
    hostname = node.hostname if node else cause.node_id
    fetched = _want_evidence(transaction, known, cause, task)
    slot = () if service.mode.is_global else (cause.place,)
    counted = replace(
        known,
        cause=_newest_cause(known, cause),
        count=known.count + 1,
        last=transaction.now,
        last_task=cause.task_id,
        node=hostname,
        slots=_merged(known.slots, slot),
        nodes=_merged(known.nodes, (hostname,) if hostname else ()),
        well_since=None,
        held=busy,
        held_until=None,
        fetched=fetched,
        revision=known.revision + 1,
    )
    transaction.put(counted)


def excused_by_label(transaction: Transaction, service: Service) -> bool:
    """Whether the service's alerts are off."""
    return not transaction.rules.watches(service) or wants_no_alerts(service)


def _see_leaving(transaction: Transaction, task: Task) -> None:
    transaction.suspects.drop(task.id)
    if task.id not in transaction.leaving.values and not transaction.knows(task.id):
        transaction.leaving.put(task.id, transaction.now)


def _see_troubled(transaction: Transaction, task: Task) -> None:
    service = transaction.context.services.get(task.service_id)
    if service is None or transaction.knows(task.id):
        return
    cause = cause_at(task, service) or not_allocated(task)
    known = transaction.suspects.get(task.id)
    if cause is None or (known is not None and known.cause == cause):
        return
    if transaction.judged_waiting(task.id, cause.kind):
        return
    since = transaction.now
    if known is not None and known.cause.kind is cause.kind:
        since = known.since
    else:
        transaction.suspects.drop(task.id)
    transaction.suspects.put(task.id, Suspect(service.id, since, cause))


def _see_ended(transaction: Transaction, task: Task) -> None:
    if task.id in transaction.suspects.values:
        transaction.suspects.drop(task.id)
    service = transaction.context.services.get(task.service_id)
    cause = failure_of(task, service) if service is not None else None
    if cause is None or service is None or transaction.judged(task):
        transaction.leaving.drop(task.id)
    elif transaction.judged_waiting(task.id, cause.kind) or _excused(transaction, task, service):
        transaction.judge(task.id)
    else:
        count_failure(transaction, service, cause, task)


def _excused(transaction: Transaction, task: Task, service: Service) -> bool:
    if task.id in transaction.leaving.values or excused_by_label(transaction, service):
        return True
    return task.node_id in transaction.down.values or is_down(task.node_id, transaction.context)


def _incident_for(
    transaction: Transaction, service: Service, cause: Cause, task: Task | None
) -> Incident:
    key = transaction.key_for(service, cause)
    known = transaction.incidents.get(key)
    if known is not None:
        return known
    former = transaction.recent.get(key)
    if former is not None:
        return reopened(transaction, former)
    began = transaction.now
    if transaction.late and task is not None and 0 < task.since < transaction.now:
        began = task.since
    silence = transaction.silence_for(service.name, cause.kind.value)
    return Incident(
        id=incident_id(key, cause.task_id),
        key=key,
        service=service.name,
        service_id=service.id,
        stack=service.stack,
        cause=cause,
        state=IncidentState.FIRING,
        began=began,
        last=transaction.now,
        count=0,
        late=transaction.late,
        channel=transaction.rules.channel_for(service),
        silenced_until=silence.until if silence else None,
        silenced_by=silence.by if silence else "",
        revision=0,
    )


def reopened(transaction: Transaction, former: Incident) -> Incident:
    """The resolved incident reopened, without its old acknowledgement."""
    transaction.recent.drop(former.key)
    silence = transaction.silence_for(former.service, former.cause.kind.value)
    return replace(
        former,
        silenced_until=silence.until if silence else None,
        silenced_by=silence.by if silence else "",
        state=IncidentState.FIRING,
        acknowledged_by="",
        acknowledged=None,
        resolved=None,
        resolution="",
        reopened=former.reopened + 1,
        reminded=None,
    )


def _newest_cause(known: Incident, cause: Cause) -> Cause:
    """The latest cause; details verified on the node are kept."""
    if not known.confirmed or known.cause.kind is cause.kind:
        return cause
    return replace(cause, kind=known.cause.kind, text=known.cause.text)


def _merged(known: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    if not more or set(more) <= set(known):
        return known
    return tuple(sorted({*known, *more}, key=place_order))[:MOST_PLACES]


def _want_evidence(
    transaction: Transaction, incident: Incident, cause: Cause, task: Task | None
) -> float | None:
    """Request evidence of this failure unless that was done recently; returns when it last was."""
    fetched = incident.fetched
    if fetched is not None and transaction.now - fetched < transaction.rules.refresh:
        return fetched
    task = task or _task(transaction, incident.service_id, cause.task_id)
    if task is None:
        return fetched
    transaction.act(Fetch(incident.id, task))
    return transaction.now


def _task(transaction: Transaction, service_id: str, task_id: str) -> Task | None:
    return next(
        (task for task in transaction.context.tasks(service_id) if task.id == task_id), None
    )


def is_unplaced(suspect: Suspect) -> bool:
    """Whether the scheduler finds no node for it."""
    return suspect.cause.kind is CauseKind.UNSCHEDULABLE
