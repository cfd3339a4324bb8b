"""The watcher's reducer: computes the next state and the actions from state, news and time.

Pure: the same input gives the same output, and repeated news change nothing.

1. A failure is counted once, by its task's id, in exactly one incident. Incidents are grouped by
   service and cause, whatever the slot.
2. A task does not count as a failure if its desired state was shutdown while it lived (scaled down,
   drained, replaced), if its node is down, if the swarm moved it, or if alerts of its service are
   off (its stack is not watched, or its label turns alerts off).
3. A task that has no node, or repeatedly fails to start, is a failure after ten seconds; if it runs
   after all and fails then, that is another failure.
4. A node that stays down for five seconds is one incident that names the services it ran.
5. Alerts are sent at the first failure. Nothing is sent during a silence or while a job changes the
   service: failures are counted, and reported when the silence ends or if they outlast the job.
6. An incident is resolved when all desired tasks have run without a failure for the monitor period
   and a quiet time, when its service or node is removed, or when the node is ready again.
7. A failure within ten minutes of the resolution reopens the same incident with twice the quiet
   time. A reminder is sent then, because people stop watching a resolved incident.
8. An unacknowledged firing incident is repeated every four hours.
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
"""The result of ``next_tick`` when nothing changes without news."""

SHORT_SECONDS: Final = 1.0
"""A delay of less is usual, and makes no difference."""

_REMOVED: Final = "the service was removed"


def reduce(state: WatcherState, news: News, context: ReducerContext, now: float) -> Reduced:
    """The new state and the actions for the news; ``now`` is Unix seconds."""
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
    """Apply changes that depend on time alone; also needed when a job is done with a service."""
    return reduce(state, News(), context, now)


def delayed(state: WatcherState, seconds: float) -> WatcherState:
    """The state after a time in which no news was read: tasks and nodes did not wait for longer.

    What ended their trouble meanwhile comes with the next news.
    """
    if seconds < SHORT_SECONDS or not (state.suspects or state.down):
        return state
    suspects = {
        key: replace(each, since=each.since + seconds) for key, each in state.suspects.items()
    }
    down = {key: replace(each, since=each.since + seconds) for key, each in state.down.items()}
    return replace(state, suspects=suspects, down=down)


def next_tick(state: WatcherState, now: float) -> float:
    """Seconds until something may change without news, at most an hour."""
    if state.due is None:
        return NEVER_SECONDS
    return min(max(state.due - now, 0.0), NEVER_SECONDS)


def acknowledge(state: WatcherState, incident_id: str, user: str, now: float) -> Reduced:
    """Acknowledge a firing incident for a Slack user id; other incidents stay as they are."""
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
    """Silence a service's cause until the given time; replaces an earlier silence.

    Existing messages are updated.
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
    """Store the evidence and show it; empty evidence changes nothing."""
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
    if found.cause is not None and not _loses_memory_record(known, found.cause):
        changed = replace(changed, cause=found.cause, confirmed=True)
    changed = replace(changed, can_roll_back=found.can_roll_back)
    if changed == known:
        return Reduced(state)
    return _told(state, (replace(changed, revision=known.revision + 1),))


def _loses_memory_record(known: Incident, cause: Cause) -> bool:
    """Whether the new cause only lacks the out-of-memory record that the known one has."""
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
    """Resolve incidents of removed services without notifying; a listing shows which exist."""
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
    """The silences except those of the service for the cause; "" means any cause."""
    return tuple(e for e in state.silences if e.service != service or cause not in {"", e.cause})


def _fitting(state: WatcherState, service: str, cause: str) -> list[Incident]:
    return [
        each
        for each in state.incidents.values()
        if each.service == service and cause in {"", each.cause.kind.value}
    ]


def _told(state: WatcherState, changed: Iterable[Incident]) -> Reduced:
    """Store the changed incidents and update their existing messages."""
    incidents = dict(state.incidents)
    actions: list[Action] = []
    for each in changed:
        told = replace(each, told=each.revision) if each.told else each
        incidents[each.key] = told
        if told.told:
            actions.append(Tell(told))
    return Reduced(replace(state, incidents=incidents), tuple(actions))
