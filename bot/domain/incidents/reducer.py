"""The watcher's reducer: what it knows, what is new and the time give what it knows and does.

Pure: the same input gives the same output, and the same news a second time change nothing.

1. A failure is counted once, by its task's id, in exactly one incident; the incident is that of
   the service and the cause, whatever the slot.
2. It is no failure when the task was seen wanted gone while it lived (scaled away, drained,
   replaced), when its node is down, when the swarm moved it, or when nobody wants to hear of the
   service (its stack is not watched, its label turns alerts off).
3. A task without a place, or that cannot start and is tried again and again, is a failure after
   ten seconds; when it runs after all and fails then, that is another.
4. A node that stays down for five seconds is one incident that names the services it ran.
5. Alerts are told at the first failure. Nothing is told while a silence holds, nor while a job
   holds the service: it is counted, and told when the silence ends or the trouble outlives the job.
6. An incident is resolved when all that is wanted has run, without a failure, for the monitor
   period and a quiet time; when its service or node is gone; when the node is ready again.
7. What fails again within ten minutes goes on with the same incident, and with twice the quiet
   time; it is brought to mind then, as whoever saw it resolved looks no more.
8. What fires unacknowledged is brought to mind every four hours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from bot.domain.incidents.events import Action, Evidence, News, Reduced, ReducerContext, Tell
from bot.domain.incidents.model import Incident, IncidentState, Silence, WatcherState
from bot.domain.incidents.nodes import see_missing_nodes, see_node, see_node_removed
from bot.domain.incidents.tasks import see_first_listing, see_later_listing, see_task
from bot.domain.incidents.timers import settle
from bot.domain.incidents.transaction import Transaction
from bot.domain.swarm.causes import Cause, CauseKind
from bot.domain.swarm.model import Task

NEVER_SECONDS: Final = 3600.0
"""What ``next_tick`` says when time alone changes nothing."""

_REMOVED: Final = "the service was removed"


def reduce(state: WatcherState, news: News, context: ReducerContext, now: float) -> Reduced:
    """What is known after the news, and what is to be done; ``now`` is Unix seconds."""
    transaction = Transaction(state, context, now, late=news.late)
    _take(transaction, news)
    quiet = not (news.tasks or news.nodes or news.removed)
    everything = quiet or news.reconciled or (state.due is not None and state.due <= now)
    due = state.due
    if everything or transaction.changed or _concerns_open_ones(transaction):
        due = settle(transaction, everything=everything)
    began = now if news.reconciled and state.began is None else state.began
    return transaction.reduced(due, news.cursor, began)


def tick(state: WatcherState, context: ReducerContext, now: float) -> Reduced:
    """What time alone changes; also wanted when a job lets a service go."""
    return reduce(state, News(), context, now)


def next_tick(state: WatcherState, now: float) -> float:
    """Seconds until time alone may change something, at most an hour."""
    if state.due is None:
        return NEVER_SECONDS
    return min(max(state.due - now, 0.0), NEVER_SECONDS)


def acknowledge(state: WatcherState, incident_id: str, user: str, now: float) -> Reduced:
    """Somebody (a Slack user id) looks after a firing incident; any other stays as it is."""
    known = _open(state, incident_id)
    if known is None or known.state is not IncidentState.FIRING:
        return Reduced(state)
    changed = replace(
        known,
        state=IncidentState.ACKNOWLEDGED,
        acknowledged_by=user,
        acknowledged=now,
        revision=known.revision + 1,
    )
    return _told(state, (changed,))


def silence(state: WatcherState, wanted: Silence) -> Reduced:
    """Tell nothing of the service's cause until then; takes the place of an earlier one.

    Messages that stand already say so.
    """
    others = _without(state, wanted.service, wanted.cause)
    due = wanted.until if state.due is None else min(state.due, wanted.until)
    state = replace(state, silences=(*others, wanted), due=due)
    changed = (
        replace(
            each,
            silenced_until=wanted.until,
            silenced_by=wanted.by,
            revision=each.revision + 1,
        )
        for each in _fitting(state, wanted.service, wanted.cause)
    )
    return _told(state, changed)


def with_evidence(state: WatcherState, found: Evidence) -> Reduced:
    """Keep what was found, and show it; nothing found changes nothing."""
    known = _open(state, found.incident_id)
    if known is None:
        return Reduced(state)
    changed = known
    if found.text:
        changed = replace(
            changed,
            evidence=found.text,
            evidence_title=found.title,
            evidence_task=found.task_id,
        )
    if found.cause is not None and not _unlearns(known, found.cause):
        changed = replace(changed, cause=found.cause, confirmed=True)
    changed = replace(changed, can_roll_back=found.can_roll_back)
    if changed == known:
        return Reduced(state)
    return _told(state, (replace(changed, revision=known.revision + 1),))


def _unlearns(known: Incident, cause: Cause) -> bool:
    """Whether it only says that no kill for memory was recorded, where one was before."""
    proven = known.confirmed and known.cause.kind is CauseKind.OUT_OF_MEMORY
    return proven and cause.kind is CauseKind.EXIT_CODE


def _take(transaction: Transaction, news: News) -> None:
    if news.reconciled:
        _take_listing(transaction, news.tasks)
    for node in news.nodes:
        see_node(transaction, node)
    for task in news.tasks:
        see_task(transaction, task)
    for gone in sorted(news.removed):
        see_node_removed(transaction, gone)
    _resolve_removed(transaction, news)
    if news.reconciled and news.nodes:
        see_missing_nodes(transaction, news.nodes)


def _take_listing(transaction: Transaction, tasks: tuple[Task, ...]) -> None:
    if transaction.state.began is None:
        see_first_listing(transaction, tasks)
    else:
        see_later_listing(transaction, tasks)


def _resolve_removed(transaction: Transaction, news: News) -> None:
    """Incidents of services that are gone, quietly; a listing shows which are."""
    services = transaction.context.services
    for incident in list(transaction.incidents.values.values()):
        missing = news.reconciled and incident.service_id not in services
        if not incident.is_node and (missing or incident.service_id in news.removed):
            transaction.resolve(incident, _REMOVED, for_good=True)
    for task_id, suspect in list(transaction.suspects.values.items() if news.removed else ()):
        if suspect.service_id in news.removed:
            transaction.suspects.drop(task_id)


def _concerns_open_ones(transaction: Transaction) -> bool:
    open_ones = transaction.incidents.values.values()
    return any(each.service_id in transaction.touched for each in open_ones)


def _open(state: WatcherState, incident_id: str) -> Incident | None:
    return next((each for each in state.incidents.values() if each.id == incident_id), None)


def _without(state: WatcherState, service: str, cause: str) -> tuple[Silence, ...]:
    """The silences but those of the service for the cause, "" for every one of the service."""
    return tuple(e for e in state.silences if e.service != service or cause not in {"", e.cause})


def _fitting(state: WatcherState, service: str, cause: str) -> list[Incident]:
    return [
        each
        for each in state.incidents.values()
        if each.service == service and cause in {"", each.cause.kind.value}
    ]


def _told(state: WatcherState, changed: Iterable[Incident]) -> Reduced:
    """Keeps the incidents as they became and shows them where they stand already."""
    incidents = dict(state.incidents)
    actions: list[Action] = []
    for each in changed:
        told = replace(each, told=each.revision) if each.told else each
        incidents[each.key] = told
        if told.told:
            actions.append(Tell(told))
    return Reduced(replace(state, incidents=incidents), tuple(actions))
