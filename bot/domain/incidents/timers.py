"""What time brings: suspects that are failures now, services that are well, who is to be told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from bot.domain.incidents.events import Remind, Rules
from bot.domain.incidents.model import Incident, IncidentState, Suspect
from bot.domain.incidents.nodes import fire_nodes, hits, note_unplaced
from bot.domain.incidents.rules import node_key, whole, worth_an_alert
from bot.domain.incidents.tasks import count_failure, excused_by_label, is_unplaced
from bot.domain.incidents.transaction import Draft
from bot.domain.swarm.model import Service

RECHECK_SECONDS: Final = 10.0
"""How often a service that is not whole is looked at without news of it."""

_MOST_DOUBLINGS: Final = 10


def settle(draft: Draft, *, everything: bool) -> float | None:
    """Judge what the news changed, or ``everything`` that time may have changed.

    Returns when time alone may change something again, None for never.
    """
    if everything:
        _end_silences(draft)
        _expire_recent(draft)
    fire_nodes(draft)
    _fire_suspects(draft)
    keys = list(_concerned(draft, everything=everything))
    for key in keys:
        _settle_one(draft, draft.incidents.values[key])
    times = list(_times(draft, keys, everything=everything))
    if not everything and draft.watch.due is not None:
        times.append(draft.watch.due)
    return min(times, default=None)


def _concerned(draft: Draft, *, everything: bool) -> Iterator[str]:
    """The keys of the open incidents that may be other than they were."""
    before, touched = draft.watch.incidents, draft.touched
    for key, incident in draft.incidents.values.items():
        if everything or incident.service_id in touched or incident is not before.get(key):
            yield key


def quiet_time(incident: Incident, service: Service, rules: Rules) -> float:
    """Seconds without a failure after which the service is well: longer the more it flaps."""
    doublings = min(incident.reopened, _MOST_DOUBLINGS)
    quiet = min(rules.quiet * 2.0**doublings, max(rules.longest_quiet, rules.quiet))
    return service.monitor + quiet


def _settle_one(draft: Draft, incident: Incident) -> None:
    if not incident.is_node:
        service = draft.context.services.get(incident.service_id)
        if service is not None and excused_by_label(draft, service):
            draft.resolve(incident, "alerts were turned off for the service", for_good=True)
            return
        if service is not None and _is_over(draft, incident, service):
            draft.resolve(draft.incidents.values[incident.key], _why(service))
            return
    _release(draft, incident.key)
    _speak(draft, draft.incidents.values[incident.key])


def _is_over(draft: Draft, incident: Incident, service: Service) -> bool:
    """Notes since when the service is well; whether that is long enough."""
    if incident.last >= draft.now:
        return False
    well = whole(service, draft.context.tasks(service.id), draft.context.nodes)
    since = (incident.well_since or draft.now) if well else None
    if since != incident.well_since:
        draft.put(replace(incident, well_since=since))
    wait = quiet_time(incident, service, draft.rules)
    return since is not None and draft.now >= max(since, incident.last) + wait


def _why(service: Service) -> str:
    if not service.mode.is_global and not service.replicas:
        return "the service was scaled to 0"
    return "all tasks that are wanted run, and none failed since"


def _release(draft: Draft, key: str) -> None:
    """Once the job lets go, what still fails is told after a moment; a new failure at once."""
    incident = draft.incidents.values[key]
    if not incident.held:
        return
    if incident.service_id in draft.context.busy:
        if incident.held_until is not None:
            draft.put(replace(incident, held_until=None))
    elif incident.held_until is None:
        draft.put(replace(incident, held_until=draft.now + draft.rules.settling))
    elif draft.now >= incident.held_until and incident.well_since is None:
        draft.put(replace(incident, held=False, held_until=None))


def _speak(draft: Draft, incident: Incident) -> None:
    if not _may_speak(draft, incident):
        return
    if incident.told < incident.revision:
        draft.tell(incident)
    elif _remind_at(draft, incident) <= draft.now:
        reminded = replace(incident, reminded=draft.now)
        draft.put(reminded)
        draft.act(Remind(reminded))


def _may_speak(draft: Draft, incident: Incident) -> bool:
    if incident.held or incident.silenced(draft.now):
        return False
    return incident.is_node or incident.told > 0 or incident.count >= draft.rules.threshold


def _remind_at(draft: Draft, incident: Incident) -> float:
    if incident.state is not IncidentState.FIRING or not incident.told:
        return float("inf")
    base = incident.began if incident.reminded is None else incident.reminded
    return base + draft.rules.remind


def _fire_suspects(draft: Draft) -> None:
    for task_id, suspect in list(draft.suspects.values.items()):
        if draft.now < suspect.since + draft.rules.patience:
            break
        _fire(draft, task_id, suspect)


def _fire(draft: Draft, task_id: str, suspect: Suspect) -> None:
    service = draft.context.services.get(suspect.service_id)
    if service is None or excused_by_label(draft, service):
        draft.suspects.drop(task_id)
        return
    if service.id in draft.context.busy:
        return
    lost = hits(draft, service.name) if is_unplaced(suspect) else []
    if lost:
        note_unplaced(draft, lost, service.name)
        return
    count_failure(draft, service, suspect.cause, None)


def _end_silences(draft: Draft) -> None:
    if any(each.until <= draft.now for each in draft.silences):
        draft.silences = tuple(each for each in draft.silences if each.until > draft.now)
    for incident in list(draft.incidents.values.values()):
        if incident.silenced_until is not None and not incident.silenced(draft.now):
            draft.put(without_silence(incident))


def without_silence(incident: Incident) -> Incident:
    """The incident as people shall see it when its silence is over."""
    revision = incident.revision + 1
    return replace(incident, silenced_until=None, silenced_by="", revision=revision)


def _expire_recent(draft: Draft) -> None:
    for key, incident in list(draft.recent.values.items()):
        if _forgotten_at(draft, incident) <= draft.now:
            draft.recent.drop(key)


def _times(draft: Draft, keys: Iterable[str], *, everything: bool) -> Iterator[float]:
    """When time alone may change something of what was settled."""
    if everything or draft.recent.changed:
        yield from (_forgotten_at(draft, each) for each in draft.recent.values.values())
    yield from (silence.until for silence in draft.silences)
    yield from _times_of_suspects(draft)
    for node_id, lost in draft.down.values.items():
        alert = worth_an_alert(draft.context.nodes.get(node_id))
        if alert and node_key(node_id) not in draft.incidents:
            yield lost.since + draft.rules.node_grace
    for key in keys:
        incident = draft.incidents.get(key)
        if incident is not None:
            yield from _times_of(draft, incident)


def _forgotten_at(draft: Draft, resolved: Incident) -> float:
    return (resolved.resolved or draft.now) + draft.rules.reopen


def _times_of_suspects(draft: Draft) -> Iterator[float]:
    for suspect in draft.suspects.values.values():
        at = suspect.since + draft.rules.patience
        if at > draft.now:
            yield at
            return
        yield draft.now + RECHECK_SECONDS


def _times_of(draft: Draft, incident: Incident) -> Iterator[float]:
    if incident.silenced_until is not None:
        yield incident.silenced_until
    elif not incident.held:
        yield _remind_at(draft, incident)
    if incident.held and incident.held_until is not None:
        yield max(incident.held_until, draft.now + 1.0)
    service = draft.context.services.get(incident.service_id)
    if incident.is_node or service is None:
        return
    if incident.well_since is None:
        yield draft.now + RECHECK_SECONDS
    else:
        wait = quiet_time(incident, service, draft.rules)
        yield max(incident.well_since, incident.last) + wait
