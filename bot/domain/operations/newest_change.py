"""Whether what a message speaks of is still the newest change of its service.

A button acts only then. A service's version also rises when the swarm writes how an update goes, so
the update's start identifies it too: every other change of the service removes or replaces that.
"""

from __future__ import annotations

import re
from typing import Final

from bot.domain.incidents.model import Incident
from bot.domain.jobs.model import Job, Target
from bot.domain.swarm.model import Service
from bot.domain.text.amounts import plural
from bot.domain.text.escaping import shorten

_PRESSED: Final = re.compile(r"(service|job|incident|stack):\S+")

CLOCKS = 2.0
"""How far the clocks of the swarm and of the bot may differ, in seconds."""


def since_job(target: Target, service: Service, newer: Job | None = None) -> str:
    """What happened to a service after a job's change of it, "" if that is the newest change.

    ``newer`` is the last job that changed the service since, if there is one.
    """
    if service.id != target.service_id:
        return _recreated(service)
    if target.version_after:
        same_update = bool(target.update_after) and service.update_started == target.update_after
        if service.version == target.version_after or same_update:
            return ""
    elif newer is None and service.replicas == target.replicas:
        return ""
    return _changed(service, newer)


def since_incident(incident: Incident, service: Service, newer: Job | None = None) -> str:
    """What happened to a service after an incident's last failure, "" if nothing did.

    ``newer`` is the last job that changed the service since, if there is one.
    """
    if service.id != incident.service_id:
        return _recreated(service)
    changed = service.update_started or service.updated_at
    return _changed(service, newer) if changed > incident.last + CLOCKS else ""


def _recreated(service: Service) -> str:
    return f"`{service.short_name}` was removed and created again since."


def _changed(service: Service, newer: Job | None) -> str:
    now = "" if service.replicas is None else f" It now has {plural(service.replicas, 'replica')}."
    if newer is None:
        return f"`{service.short_name}` was changed again since.{now}"
    by = f"job `{newer.id}` ({_what(newer)})"
    return f"`{service.short_name}` was changed again since, by {by}.{now}"


def _what(job: Job) -> str:
    """The job's action, with the command if one was typed; a button's text is not for people."""
    if _PRESSED.fullmatch(job.text):
        return job.action
    text = shorten(job.text, 60).replace("`", "'")
    return f"{job.action}: `{text}`"
