"""Refuses a button whose message no longer speaks of the newest change of its service."""

from __future__ import annotations

from bot.domain.commands.names import exact_name
from bot.domain.errors import NotFoundError, RefusedError
from bot.domain.incidents.model import Incident
from bot.domain.jobs.model import Job, PendingCommand, Target
from bot.domain.operations.newest_change import since_incident, since_job
from bot.domain.swarm.model import Service
from bot.jobs import service_lookup
from bot.jobs.context import Context

RECENT = 100
PAST = 200


async def check_service(ctx: Context, pending: PendingCommand, full_name: str) -> Service:
    """The service of a pressed button, if its message is not out of date. Raises RefusedError.

    A message of an older release does not say what it is about: its buttons go by name.
    """
    service = await _service(ctx, full_name)
    kind, _, ident = pending.source.partition(":")
    if kind == "job":
        job = await ctx.jobs.load(ident)
        target = _target(job, full_name)
        if job is not None and target is not None:
            newer = await _newer(ctx, full_name, job.created, job.id)
            _refuse(ctx, service, since_job(target, service, newer))
    if kind == "incident" and (incident := await _incident(ctx, ident)):
        newer = await _newer(ctx, full_name, incident.last)
        _refuse(ctx, service, since_incident(incident, service, newer))
    return service


async def check_target(ctx: Context, job: Job, target: Target) -> None:
    """Raise RefusedError if a service was changed after the job changed it."""
    service = await _service(ctx, target.service)
    newer = await _newer(ctx, target.service, job.created, job.id)
    _refuse(ctx, service, since_job(target, service, newer))


async def _service(ctx: Context, full_name: str) -> Service:
    try:
        return await service_lookup.named(ctx, full_name)
    except NotFoundError as error:
        raise RefusedError(f"`{full_name}` was removed since.") from error


def _refuse(ctx: Context, service: Service, happened: str) -> None:
    if happened:
        hint = f"Look first: `{ctx.command} status {exact_name(service)}`. Then type the command."
        raise RefusedError(happened, hint=hint)


def _target(job: Job | None, full_name: str) -> Target | None:
    targets = job.targets if job else ()
    return next((target for target in targets if target.service == full_name), None)


async def _incident(ctx: Context, ident: str) -> Incident | None:
    known = await ctx.incidents.open_incidents()
    found = next((each for each in known if each.id == ident), None)
    past = await ctx.incidents.past_incidents(PAST) if found is None else ()
    return found or next((each for each in past if each.id == ident), None)


async def _newer(ctx: Context, full_name: str, after: float, but: str = "") -> Job | None:
    """The newest job, other than ``but``, that changed a service after a time."""
    jobs = (*await ctx.jobs.running(), *await ctx.jobs.recent(RECENT))
    changing = [
        job
        for job in jobs
        if job.id != but
        and job.created > after
        and (found := _target(job, full_name))
        and found.changed
    ]
    return max(changing, key=lambda job: job.created, default=None)
