"""Specs as the engine stores and shows them: pure (moby daemon/cluster/convert)."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final

from playground.swarm.model import Json, Spec, part

_SECOND: Final = 1_000_000_000
_MODES: Final = ("Replicated", "Global", "ReplicatedJob", "GlobalJob")
_UPDATE_DEFAULTS: Final = {
    "Parallelism": 1,
    "FailureAction": "pause",
    "Monitor": 5 * _SECOND,
    "MaxFailureRatio": 0,
    "Order": "stop-first",
}
_RESTART_DEFAULTS: Final = {"Condition": "any", "Delay": 5 * _SECOND, "MaxAttempts": 0}


PULL_OPTIONS: Final = "PullOptions"
AUTH: Final = "RegistryAuth"


class BadSpecError(ValueError):
    """A spec that the engine refuses; the message is in its words."""


def kept(spec: Spec) -> Json:
    """A service's spec as it is stored: omitted fields stay omitted."""
    full: Json = _without_nulls(spec)
    template = full.setdefault("TaskTemplate", {})
    container = template.get("ContainerSpec")
    if not full.get("Name"):
        raise BadSpecError("name must be provided")
    if not container or not container.get("Image"):
        raise BadSpecError("ContainerSpec: image reference must be provided")
    container.setdefault("Isolation", "default")
    container.pop(PULL_OPTIONS, None)  # only the engine sets it
    for mount in container.get("Mounts") or []:
        mount.pop("Consistency", None)
    template.setdefault("ForceUpdate", 0)
    template.setdefault("Runtime", "container")
    full.setdefault("Labels", {})
    full["Mode"] = _mode(full.get("Mode") or {})
    return full


def with_login(spec: Json, auth: str) -> Json:
    """The spec with an ``X-Registry-Auth`` for the nodes, which pull with it; "" for none."""
    if auth:
        spec["TaskTemplate"]["ContainerSpec"][PULL_OPTIONS] = {AUTH: auth}
    return spec


def login_of(spec: Spec) -> str:
    """The ``X-Registry-Auth`` in a spec."""
    return str(part(spec, "TaskTemplate", "ContainerSpec", PULL_OPTIONS).get(AUTH, ""))


def shown(spec: Spec) -> Json:
    """A service's spec as the engine shows it: without the login."""
    return {**spec, "TaskTemplate": shown_template(spec["TaskTemplate"])}


def shown_template(template: Spec) -> Json:
    """A task's spec as the engine shows it: without the login."""
    container = part(template, "ContainerSpec")
    if PULL_OPTIONS not in container:
        return dict(template)
    kept = {key: value for key, value in container.items() if key != PULL_OPTIONS}
    return {**template, "ContainerSpec": kept}


def with_defaults(spec: Spec) -> Json:
    """A spec with all defaults of the swarm filled in (``insertDefaults``)."""
    full = copy.deepcopy(dict(spec))
    template = full["TaskTemplate"]
    container = template["ContainerSpec"]
    container.setdefault("StopGracePeriod", 10 * _SECOND)
    container.setdefault("DNSConfig", {})
    template["RestartPolicy"] = {**_RESTART_DEFAULTS, **(template.get("RestartPolicy") or {})}
    if next(iter(full["Mode"])) in {"Replicated", "Global"}:
        for key in ("UpdateConfig", "RollbackConfig"):
            full[key] = {**_UPDATE_DEFAULTS, **(full.get(key) or {})}
    full["EndpointSpec"] = {"Mode": "vip", **(full.get("EndpointSpec") or {})}
    return full


def _mode(mode: Mapping[str, Any]) -> Json:
    chosen = [name for name in _MODES if mode.get(name) is not None]
    if len(chosen) > 1:
        raise BadSpecError("must specify only one service mode")
    name = chosen[0] if chosen else "Replicated"
    part = dict(mode.get(name) or {})
    if name == "Replicated":
        part = {"Replicas": 1, **part}
    if name == "ReplicatedJob":
        most = int(part.get("MaxConcurrent") or 1)
        part = {"MaxConcurrent": most, "TotalCompletions": most, **part}
    return {name: part}


def _without_nulls(value: Any) -> Any:  # noqa: ANN401 - decoded JSON
    if isinstance(value, Mapping):
        items = ((key, _without_nulls(part)) for key, part in value.items())
        return {key: part for key, part in items if part is not None and part != []}
    if isinstance(value, list):
        return [_without_nulls(part) for part in value]
    return value
