"""Selects the calls of a deploy that concern one service. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.swarm.stacks.dry_run import RecordedCall


def only_for(service: str, calls: Sequence[RecordedCall]) -> list[RecordedCall]:
    """The call for a service (its full name), and those that create the objects it refers to."""
    wanted = [call for call in calls if call.collection == "services" and call.name == service]
    needed = {name for call in wanted for name in _references(call.body)}
    created = [
        call
        for call in calls
        if call.collection != "services"
        and call.action == "create"
        and needed & {call.id, call.name}
    ]
    return [*created, *wanted]


def _references(body: Mapping[str, Any]) -> Iterator[str]:
    """Names or ids of networks, and ids of configs and secrets."""
    template = body.get("TaskTemplate") or {}
    container = template.get("ContainerSpec") or {}
    for network in (*(template.get("Networks") or ()), *(body.get("Networks") or ())):
        yield str(network.get("Target", ""))
    for part, key in (("Configs", "ConfigID"), ("Secrets", "SecretID")):
        for reference in container.get(part) or ():
            yield str(reference.get(key, ""))
