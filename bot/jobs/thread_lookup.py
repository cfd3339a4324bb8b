"""What a thread is about: read from the metadata of the bot's message that begins it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.domain.commands.thread_subject import Subject
from bot.domain.errors import RefusedError, StoreUnavailableError, SwarmError
from bot.domain.jobs.model import REMOVAL, Job
from bot.domain.text.message import MetadataValue
from bot.jobs.context import Context
from bot.jobs.engine_calls import in_time

NODE_DOWN: Final = "node_down"
TOO_OLD: Final = "This thread is about a job that is no longer kept."
STORE_AWAY: Final = "Redis does not answer, so it is not known what this thread is about."
ONLY_STACKS: Final = frozenset({"deploy", REMOVAL})
"""Actions of jobs that are about whole stacks."""

Told = Mapping[str, MetadataValue]


async def subject_of(ctx: Context, told: Told) -> Subject:
    """What a message with this metadata is about, nothing if it is none of the bot's.

    Slack keeps the target with the message, so it is known even if Redis lost the rest.

    Raises:
        RefusedError: it is about something that is not known.
    """
    if "incident_id" in told:
        named = "" if told.get("cause") == NODE_DOWN else str(told.get("target") or "")
        return await _of_alert(ctx, named) if named else Subject()
    if "job_id" not in told:
        return Subject()
    job_id = str(told["job_id"])
    try:
        job = await ctx.jobs.outline(job_id) or await ctx.plans.load(job_id)
    except StoreUnavailableError as error:
        return await _as_told(ctx, told, job_id) or _unknown(STORE_AWAY, error)
    if job is None or job.unreadable:
        return await _as_told(ctx, told, job_id) or _unknown(TOO_OLD)
    return _of(job)


async def _of_alert(ctx: Context, service: str) -> Subject:
    stacks = await _stacks(ctx)
    if stacks and service not in stacks:
        _unknown(f"The service `{service}` of this alert is not there any more.")
    return Subject((service,), stacks.get(service, ""))


def _of(job: Job) -> Subject:
    services = tuple(dict.fromkeys(job.targets[index].service for index in job.services_at))
    return Subject(services, job.stack, whole=bool(job.plan), job=job.id)


async def _as_told(ctx: Context, told: Told, job_id: str) -> Subject | None:
    """What a job's message alone says; None if that is neither services nor one stack."""
    action, target = (str(told.get(key) or "") for key in ("action", "target"))
    stacks = await _stacks(ctx)
    names = tuple(target.split(","))
    services = action not in ONLY_STACKS and all(name in stacks for name in names)
    whole = bool(target) and target in stacks.values()
    if services == whole:
        return None
    if whole:
        return Subject((), target, whole=True, job=job_id)
    of = {stacks[name] for name in names}
    return Subject(names, of.pop() if len(of) == 1 else "", job=job_id)


def _unknown(why: str, error: Exception | None = None) -> Subject:
    raise RefusedError(why) from error


async def _stacks(ctx: Context) -> dict[str, str]:
    """The stack of each service in the swarm, nothing if that is not known."""
    try:
        return {each.name: each.stack for each in await in_time(ctx.looks.services(""))}
    except SwarmError:
        return {}
