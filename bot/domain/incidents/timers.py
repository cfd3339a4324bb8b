"""Changes that depend on time: suspects become failures, services recover, alerts become due."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from bot.domain.incidents.events import Remind, Rules
from bot.domain.incidents.model import Incident, IncidentState, Suspect
from bot.domain.incidents.nodes import fire_nodes, hits, note_unplaced
from bot.domain.incidents.rules import node_key, whole, worth_an_alert
from bot.domain.incidents.tasks import count_failure, excused_by_label, is_held_up, is_unplaced
from bot.domain.incidents.transaction import Transaction
from bot.domain.swarm.model import Service

RECHECK_SECONDS: Final = 10.0
"""How often a service that is not fully running is checked without news of it."""

_MOST_DOUBLINGS: Final = 10


def settle(transaction: Transaction, *, everything: bool) -> float | None:
    """Evaluate what the news changed, or ``everything`` that time may have changed.

    Returns when something may next change without news, None for never.
    """
    if everything:
        _end_silences(transaction)
        _expire_recent(transaction)
    fire_nodes(transaction)
    _fire_suspects(transaction)
    keys = list(_concerned(transaction, everything=everything))
    for key in keys:
        _settle_one(transaction, transaction.incidents.values[key])
    times = list(_times(transaction, keys, everything=everything))
    if not everything and transaction.state.due is not None:
        times.append(transaction.state.due)
    return min(times, default=None)


def _concerned(transaction: Transaction, *, everything: bool) -> Iterator[str]:
    """The keys of the open incidents that may have changed."""
    before, touched = transaction.state.incidents, transaction.touched
    for key, incident in transaction.incidents.values.items():
        if everything or incident.service_id in touched or incident is not before.get(key):
            yield key


def quiet_time(incident: Incident, service: Service, rules: Rules) -> float:
    """Seconds without a failure until the service is healthy; longer after each reopening."""
    doublings = min(incident.reopened, _MOST_DOUBLINGS)
    quiet = min(rules.quiet * 2.0**doublings, max(rules.longest_quiet, rules.quiet))
    return service.monitor + quiet


def _settle_one(transaction: Transaction, incident: Incident) -> None:
    if not incident.is_node:
        service = transaction.context.services.get(incident.service_id)
        if service is not None and excused_by_label(transaction, service):
            transaction.resolve(incident, "alerts were turned off for the service", for_good=True)
            return
        if service is not None and _is_over(transaction, incident, service):
            transaction.resolve(transaction.incidents.values[incident.key], _why(service))
            return
    _release(transaction, incident.key)
    _notify(transaction, transaction.incidents.values[incident.key])


def _is_over(transaction: Transaction, incident: Incident, service: Service) -> bool:
    """Update since when the service is healthy; returns whether that is long enough."""
    if incident.last >= transaction.now:
        return False
    well = whole(service, transaction.context.tasks(service.id), transaction.context.nodes)
    since = (incident.well_since or transaction.now) if well else None
    if since != incident.well_since:
        transaction.put(replace(incident, well_since=since))
    wait = quiet_time(incident, service, transaction.rules)
    return since is not None and transaction.now >= max(since, incident.last) + wait


def _why(service: Service) -> str:
    if not service.mode.is_global and not service.replicas:
        return "the service was scaled to 0"
    return "all tasks run, and none has failed since"


def _release(transaction: Transaction, key: str) -> None:
    """After a job, report failures that persist for a moment; a new failure is reported at once."""
    incident = transaction.incidents.values[key]
    if not incident.held:
        return
    if incident.service_id in transaction.context.busy:
        if incident.held_until is not None:
            transaction.put(replace(incident, held_until=None))
    elif incident.held_until is None:
        transaction.put(replace(incident, held_until=transaction.now + transaction.rules.settling))
    elif transaction.now >= incident.held_until and incident.well_since is None:
        transaction.put(replace(incident, held=False, held_until=None))


def _notify(transaction: Transaction, incident: Incident) -> None:
    if not _may_notify(transaction, incident):
        return
    if incident.told < incident.revision:
        transaction.tell(incident)
    elif _remind_at(transaction, incident) <= transaction.now:
        reminded = replace(incident, reminded=transaction.now)
        transaction.put(reminded)
        transaction.act(Remind(reminded))


def _may_notify(transaction: Transaction, incident: Incident) -> bool:
    if incident.held or incident.silenced(transaction.now):
        return False
    return incident.is_node or incident.told > 0 or incident.count >= transaction.rules.threshold


def _remind_at(transaction: Transaction, incident: Incident) -> float:
    if incident.state is not IncidentState.FIRING or not incident.told:
        return float("inf")
    base = incident.began if incident.reminded is None else incident.reminded
    return base + transaction.rules.remind


def _fire_suspects(transaction: Transaction) -> None:
    for task_id, suspect in list(transaction.suspects.values.items()):
        if transaction.now < suspect.since + transaction.rules.patience:
            break
        _fire(transaction, task_id, suspect)


def _fire(transaction: Transaction, task_id: str, suspect: Suspect) -> None:
    service = transaction.context.services.get(suspect.service_id)
    if (
        service is None
        or excused_by_label(transaction, service)
        or not _still_waits(transaction, task_id, service)
    ):
        transaction.suspects.drop(task_id)
        return
    if service.id in transaction.context.busy:
        return
    lost = hits(transaction, service.name) if is_unplaced(suspect) else []
    if lost:
        note_unplaced(transaction, lost, service.name)
        return
    count_failure(transaction, service, suspect.cause, None)


def _still_waits(transaction: Transaction, task_id: str, service: Service) -> bool:
    """Whether the swarm still has the task, and it has not started while nobody watched."""
    tasks = transaction.context.tasks(service.id)
    return any(task.id == task_id and is_held_up(task) for task in tasks)


def _end_silences(transaction: Transaction) -> None:
    if any(each.until <= transaction.now for each in transaction.silences):
        transaction.silences = tuple(
            each for each in transaction.silences if each.until > transaction.now
        )
    for incident in list(transaction.incidents.values.values()):
        if incident.silenced_until is not None and not incident.silenced(transaction.now):
            transaction.put(without_silence(incident))


def without_silence(incident: Incident) -> Incident:
    """The incident as shown after its silence ends."""
    revision = incident.revision + 1
    return replace(incident, silenced_until=None, silenced_by="", revision=revision)


def _expire_recent(transaction: Transaction) -> None:
    for key, incident in list(transaction.recent.values.items()):
        if _forgotten_at(transaction, incident) <= transaction.now:
            transaction.recent.drop(key)


def _times(transaction: Transaction, keys: Iterable[str], *, everything: bool) -> Iterator[float]:
    """The next time at which one of these incidents may change."""
    if everything or transaction.recent.changed:
        yield from (_forgotten_at(transaction, each) for each in transaction.recent.values.values())
    yield from (silence.until for silence in transaction.silences)
    yield from _times_of_suspects(transaction)
    for node_id, lost in transaction.down.values.items():
        alert = worth_an_alert(transaction.context.nodes.get(node_id))
        if alert and node_key(node_id) not in transaction.incidents:
            yield lost.since + transaction.rules.node_grace
    for key in keys:
        incident = transaction.incidents.get(key)
        if incident is not None:
            yield from _times_of(transaction, incident)


def _forgotten_at(transaction: Transaction, resolved: Incident) -> float:
    return (resolved.resolved or transaction.now) + transaction.rules.reopen


def _times_of_suspects(transaction: Transaction) -> Iterator[float]:
    for suspect in transaction.suspects.values.values():
        at = suspect.since + transaction.rules.patience
        if at > transaction.now:
            yield at
            return
        yield transaction.now + RECHECK_SECONDS


def _times_of(transaction: Transaction, incident: Incident) -> Iterator[float]:
    if incident.silenced_until is not None:
        yield incident.silenced_until
    elif not incident.held:
        yield _remind_at(transaction, incident)
    if incident.held and incident.held_until is not None:
        yield max(incident.held_until, transaction.now + 1.0)
    service = transaction.context.services.get(incident.service_id)
    if incident.is_node or service is None:
        return
    if incident.well_since is None:
        yield transaction.now + RECHECK_SECONDS
    else:
        wait = quiet_time(incident, service, transaction.rules)
        yield max(incident.well_since, incident.last) + wait
