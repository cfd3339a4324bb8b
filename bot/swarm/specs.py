"""Functions on service specs in the engine's format. Pure.

A spec is kept whole: fields that do not change stay as they are. All functions return copies.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from bot.domain.swarm.model import LastChange, Platform, Previous, UpdateState

Json = dict[str, Any]

_COUNTED: Final = {"Replicated": "Replicas", "ReplicatedJob": "TotalCompletions"}
_UNFINISHED: Final = {UpdateState.UPDATING, UpdateState.PAUSED}


def with_replicas(spec: Mapping[str, Any], replicas: int) -> Json:
    """The same spec with another number of replicas (for a job: of completions)."""
    changed = copy.deepcopy(dict(spec))
    kind = next(kind for kind in _COUNTED if kind in changed["Mode"])
    changed["Mode"][kind] = {**(changed["Mode"][kind] or {}), _COUNTED[kind]: replicas}
    return changed


def is_job(spec: Mapping[str, Any]) -> bool:
    """Whether a service's tasks are to end by themselves."""
    return any(kind.endswith("Job") for kind in spec.get("Mode") or {})


def without_tasks(spec: Mapping[str, Any]) -> Json:
    """The spec of a job's next iteration, which has no tasks. Those of the present one end.

    A job on every node cannot be told to have none, but no node meets its constraint.
    """
    changed = with_restarts(spec, int(spec["TaskTemplate"].get("ForceUpdate") or 0) + 1)
    if "ReplicatedJob" in changed["Mode"]:
        changed["Mode"] = {"ReplicatedJob": {"MaxConcurrent": 0, "TotalCompletions": 0}}
    else:
        placement = changed["TaskTemplate"].get("Placement") or {}
        changed["TaskTemplate"]["Placement"] = {**placement, "Constraints": ["node.id == none"]}
    return changed


def with_restarts(spec: Mapping[str, Any], restarts: int) -> Json:
    """The same spec with another counter of forced updates, which replaces all tasks."""
    changed = copy.deepcopy(dict(spec))
    changed["TaskTemplate"]["ForceUpdate"] = restarts
    return changed


def with_image(spec: Mapping[str, Any], image: str, platforms: Sequence[Platform]) -> Json:
    """The same spec with another image and the platforms that it has, () if they are unknown.

    The docker CLI writes both (moby ``client/service_update.go``).
    """
    changed = copy.deepcopy(dict(spec))
    template = changed["TaskTemplate"]
    template["ContainerSpec"]["Image"] = image
    if platforms:
        placement = template.get("Placement") or {}
        template["Placement"] = {**placement, "Platforms": as_written(platforms)}
    elif (template.get("Placement") or {}).get("Platforms"):
        del template["Placement"]["Platforms"]
    return changed


def one_off(
    spec: Mapping[str, Any], name: str, arguments: Sequence[str], labels: Mapping[str, str]
) -> Json:
    """The spec of a job that runs a command once, in a container like those of a service.

    It has the service's image, entrypoint, environment, user, secrets, configs, mounts, networks,
    resources, placement and log driver, but none of its ports, labels, aliases and health check,
    and no update policy, which the swarm refuses for jobs (swarmkit
    ``manager/controlapi/service.go``, ``validateMode``). It is never started again by itself.
    """
    template = copy.deepcopy(dict(spec["TaskTemplate"]))
    container = {**template["ContainerSpec"], "Args": list(arguments)}
    container["Labels"] = dict(labels)
    container["Healthcheck"] = {"Test": ["NONE"]}
    for field in ("TTY", "OpenStdin"):
        container.pop(field, None)
    networks = template.get("Networks") or spec.get("Networks") or []
    placement = {**(template.get("Placement") or {})}
    for field in ("MaxReplicas", "Preferences"):
        placement.pop(field, None)
    template |= {
        "ContainerSpec": container,
        "Networks": [{"Target": each["Target"]} for each in networks],
        "Placement": placement,
        "RestartPolicy": {"Condition": "none", "MaxAttempts": 0},
        "ForceUpdate": 0,
    }
    return {
        "Name": name,
        "Labels": dict(labels),
        "TaskTemplate": template,
        "Mode": {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}},
        "EndpointSpec": {"Mode": "dnsrr"},
    }


def image(spec: Mapping[str, Any]) -> str:
    """A spec's image."""
    return str(_map(_map(spec, "TaskTemplate"), "ContainerSpec").get("Image", ""))


def as_written(platforms: Iterable[Platform]) -> list[Json]:
    """Platforms in the engine's format."""
    both = ({"Architecture": each.arch, "OS": each.os} for each in platforms)
    return [{key: value for key, value in each.items() if value} for each in both]


def with_replicas_of(spec: Mapping[str, Any], present: Mapping[str, Any]) -> Json:
    """The same spec with the number of replicas of the present one."""
    changed = copy.deepcopy(dict(spec))
    for kind, field in _COUNTED.items():
        if kind in changed["Mode"]:
            part = {**(changed["Mode"][kind] or {})}
            part.pop(field, None)
            now = (present["Mode"].get(kind) or {}).get(field)
            changed["Mode"][kind] = part if now is None else {**part, field: now}
    return changed


def digest(spec: Mapping[str, Any]) -> str:
    """Sixteen hex digits over a spec without the number of replicas."""
    text = json.dumps(_uncounted(spec), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def restarts(spec: Mapping[str, Any]) -> int:
    """A spec's counter of forced updates."""
    found = _map(spec, "TaskTemplate").get("ForceUpdate")
    return found if isinstance(found, int) else 0


def previous(raw: Mapping[str, Any]) -> Previous | None:
    """The summary of a service's ``PreviousSpec``, None if there is none."""
    present, former = _map(raw, "Spec"), _map(raw, "PreviousSpec")
    if not former:
        return None
    return Previous(digest(former), image(former), _change(former, present))


def can_roll_back(found: Previous | None, update: UpdateState) -> bool:
    """Whether a rollback restores another version.

    After a scale it would only change the replicas, and after a rollback it would restore what that
    replaced. After a restart the previous spec is the same version: rolling back would only restart
    the tasks again, but it reverses a restart that is not finished.
    """
    if found is None or found.change is LastChange.NUMBER or update.is_roll_back:
        return False
    return found.change is LastChange.VERSION or update in _UNFINISHED


def pruned(value: object) -> object:
    """An object without its empty fields, which the API does not return consistently."""
    if isinstance(value, dict):
        parts = {key: pruned(part) for key, part in value.items()}
        return {key: part for key, part in parts.items() if part not in (None, [], {})}
    return value


def _change(former: Mapping[str, Any], present: Mapping[str, Any]) -> LastChange:
    if digest(former) == digest(present):
        return LastChange.NUMBER
    restarted = digest(_unforced(former)) == digest(_unforced(present))
    return LastChange.RESTART if restarted else LastChange.VERSION


def _unforced(spec: Mapping[str, Any]) -> Json:
    template = _map(spec, "TaskTemplate")
    kept = {key: value for key, value in template.items() if key != "ForceUpdate"}
    return {**spec, "TaskTemplate": kept}


def _uncounted(spec: Mapping[str, Any]) -> object:
    modes = _map(spec, "Mode")
    mode = {
        kind: {key: value for key, value in _map(modes, kind).items() if key != _COUNTED.get(kind)}
        for kind in modes
    }
    return [sorted(mode), pruned({**spec, "Mode": mode})]


def _map(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = raw.get(key)
    return found if isinstance(found, Mapping) else {}
