"""Which jobs an incident names: the one that it began after, and the one that it ended after.

It **began after** the newest deploy or update that changed its service and was made, or had ended,
at most ten minutes earlier; one that fires again names the newest before that. It **ended after**
the first other job of its service that succeeded after its last failure and before its resolution,
or that changed the service in that time and still runs: a job may watch its change for longer than
an incident lasts. If there is none, after the last one that succeeded since its start. Neither is
said to be the cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import replace
from typing import Final

from bot.domain.incidents.model import Incident, IncidentState, NamedJob, WatcherState
from bot.domain.jobs.model import Job, Target

NEAR_SECONDS: Final = 600.0
CLOCKS: Final = 2.0
"""How far the clocks of the swarm and of the bot may differ, in seconds."""
_CHANGES: Final = frozenset({"deploy", "update"})
"""Actions that give a service another version."""


def name_jobs(state: WatcherState, ids: Set[str], jobs: Iterable[Job]) -> WatcherState:
    """The state with the jobs of some incidents named."""
    known = tuple(jobs)
    return replace(
        state,
        incidents=_named(state.incidents, ids, known),
        recent=_named(state.recent, ids, known),
    )


def with_jobs(incident: Incident, jobs: Iterable[Job]) -> Incident:
    """The incident with its jobs, as far as they are among ``jobs``; a node's names none."""
    if incident.is_node:
        return incident
    known = tuple(jobs)
    before = incident.began_after or _newest(_begun_before(incident, known, incident.began))
    if incident.reopened and incident.state is IncidentState.FIRING:
        before = _newest(_begun_before(incident, known, incident.last)) or before
    ended = None
    if incident.state is IncidentState.RESOLVED:
        others = [job for job in known if before is None or job.id != before.id]
        ended = _first_after(incident.last, _resolving(incident, others))
    return replace(incident, began_after=before, ended_after=ended)


def _named(
    incidents: Mapping[str, Incident], ids: Set[str], jobs: tuple[Job, ...]
) -> Mapping[str, Incident]:
    if not any(each.id in ids for each in incidents.values()):
        return incidents
    return {
        key: with_jobs(each, jobs) if each.id in ids else each for key, each in incidents.items()
    }


def _newest(found: Iterable[NamedJob]) -> NamedJob | None:
    return max(found, key=lambda each: each.at, default=None)


def _first_after(last: float, found: Iterable[NamedJob]) -> NamedJob | None:
    """The job after which nothing failed any more, else the newest one."""
    known = sorted(found, key=lambda each: each.at)
    return next((each for each in known if each.at >= last), known[-1] if known else None)


def _begun_before(incident: Incident, jobs: Iterable[Job], began: float) -> Iterable[NamedJob]:
    for job in jobs:
        target = _target(job, incident.service)
        if job.action not in _CHANGES or target is None or not target.changed:
            continue
        made = target.applied
        if made is not None and _is_near(began, made, job.finished):
            yield _as_named(job, made)


def _is_near(began: float, made: float, finished: float | None) -> bool:
    ended = began if finished is None else finished
    return made - CLOCKS <= began <= ended + NEAR_SECONDS


def _resolving(incident: Incident, jobs: Iterable[Job]) -> Iterable[NamedJob]:
    last = incident.last if incident.resolved is None else incident.resolved
    for job in jobs:
        at = _success(job, incident.service)
        if at is not None and incident.began <= at <= last + CLOCKS:
            yield _as_named(job, at)


def _success(job: Job, service: str) -> float | None:
    """When a job succeeded with a service; while it runs, when it changed that."""
    target = _target(job, service)
    if target is None:
        return None
    if job.finished is None:
        return target.applied if target.changed else None
    services = zip(job.targets, job.outcomes, strict=False)
    good = any(each is target and known and known.verdict.good for each, known in services)
    return job.finished if good else None


def _target(job: Job, service: str) -> Target | None:
    return next((each for each in job.targets if each.service == service), None)


def _as_named(job: Job, at: float) -> NamedJob:
    failed = job.verdict is not None and not job.verdict.good
    back = job.way_back if failed and job.plan is not None else 0
    address = (job.channel, job.message)
    return NamedJob(job.id, job.action, job.user, at, *address, way_back=back, thread=job.thread)
