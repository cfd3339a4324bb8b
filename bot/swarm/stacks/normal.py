"""Normalises specs for comparison. Pure.

A posted spec differs from what the engine returns later: the engine replaces networks' names by
ids, fills in defaults, and leaves out empty fields (seen with 20.10). Here both get the same form.
Ids are replaced by names only if the present object of that name has that id: a service that refers
to a secret which was recreated since is different.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, Final

from bot.swarm.specs import pruned

Json = dict[str, Any]
Names = Mapping[str, str]
"""Names of networks, configs and secrets by their ids."""

_UPDATE: Final = {"Order": "stop-first", "FailureAction": "pause"}
_PORT: Final = {"Protocol": "tcp"}
_REFERENCES: Final = {"Configs": "Config", "Secrets": "Secret"}


def service_form(spec: Mapping[str, Any], names: Names) -> Json:
    """A service's normalised spec, from a posted or a returned one."""
    form: Json = _without_false(copy.deepcopy(dict(spec)))
    template: Json = form.setdefault("TaskTemplate", {})
    container: Json = template.setdefault("ContainerSpec", {})
    for part in ("Configs", "Secrets"):
        container[part] = [_reference(each, part, names) for each in container.get(part) or []]
    container = with_credential(container, lambda id_: names.get(id_, id_))
    template["ContainerSpec"] = container
    for mount in container.get("Mounts") or []:
        mount.pop("Consistency", None)  # a swarm does not keep it
    networks = (template.get("Networks") or []) + (form.pop("Networks", None) or [])
    template["Networks"] = [
        {**each, "Target": names.get(each.get("Target", ""), each.get("Target", ""))}
        for each in networks
    ]
    _drop(container, "Isolation", "default")
    _drop(template, "Runtime", "container")
    _drop(template, "ForceUpdate", 0)
    if policy := template.get("RestartPolicy"):
        _drop(policy, "MaxAttempts", 0)
        template["RestartPolicy"] = {**policy, "Condition": policy.get("Condition") or "any"}
    _fill_mode(form)
    _fill_endpoint(form)
    for part in ("UpdateConfig", "RollbackConfig"):
        if form.get(part):
            form[part] = {**form[part], **_filled(form[part], _UPDATE)}
    shaped = pruned(form)
    return shaped if isinstance(shaped, dict) else {}


def labelled_form(spec: Mapping[str, Any]) -> Json:
    """The fields of a config or a secret that can change."""
    return {"Name": spec.get("Name", ""), "Labels": spec.get("Labels") or {}}


def with_credential(container: Json, named: Callable[[str], str]) -> Json:
    """A container with another id or name of the config that its credential spec is in."""
    privileges = container.get("Privileges") or {}
    spec = privileges.get("CredentialSpec") or {}
    if not spec.get("Config"):
        return container
    other = {**privileges, "CredentialSpec": {**spec, "Config": named(spec["Config"])}}
    return {**container, "Privileges": other}


def replicas_of(spec: Mapping[str, Any]) -> int | None:
    """A spec's number of replicas, None if it has none."""
    found = ((spec.get("Mode") or {}).get("Replicated") or {}).get("Replicas")
    return found if isinstance(found, int) else None


def is_replicated(spec: Mapping[str, Any]) -> bool:
    """Whether the service has a number of replicas (and is not a job)."""
    mode = spec.get("Mode") or {}
    return "Replicated" in mode or not mode


def _reference(raw: Mapping[str, Any], part: str, names: Names) -> Json:
    """A service's reference to a config or a secret, without the id if it belongs to that name."""
    kind = _REFERENCES[part]
    kept = dict(raw)
    if names.get(str(raw.get(f"{kind}ID", ""))) == raw.get(f"{kind}Name"):
        kept.pop(f"{kind}ID", None)
    return kept


def _fill_mode(form: Json) -> None:
    if is_replicated(form):
        replicas = replicas_of(form)
        form["Mode"] = {"Replicated": {"Replicas": 1 if replicas is None else replicas}}
    elif "ReplicatedJob" in form["Mode"]:
        form["Mode"] = {"ReplicatedJob": _job(form["Mode"]["ReplicatedJob"] or {})}
    else:
        form["Mode"] = {kind: value or True for kind, value in form["Mode"].items()}


def _fill_endpoint(form: Json) -> None:
    endpoint: Json = form.get("EndpointSpec") or {}
    _drop(endpoint, "Mode", "vip")
    endpoint["Ports"] = [
        {**port, **_filled(port, _PORT), "PublishMode": publish_mode(port)}
        for port in endpoint.get("Ports") or []
    ]
    form["EndpointSpec"] = endpoint


def publish_mode(port: Mapping[str, Any]) -> str:
    """How a port is published; the engine takes any unknown mode for ``ingress``.

    (moby ``daemon/cluster/convert/service.go``)
    """
    return "host" if port.get("PublishMode") == "host" else "ingress"


def _job(mode: Mapping[str, Any]) -> Json:
    """A replicated job's mode with the engine's defaults."""
    concurrent = mode.get("MaxConcurrent")
    concurrent = 1 if concurrent is None else concurrent
    completions = mode.get("TotalCompletions")
    completions = concurrent if completions is None else completions
    return {**mode, "MaxConcurrent": concurrent, "TotalCompletions": completions}


def _filled(part: Mapping[str, Any], defaults: Mapping[str, str]) -> Json:
    return {key: part.get(key) or default for key, default in defaults.items()}


def _drop(part: Json, key: str, default: object) -> None:
    if part.get(key) in (default, ""):
        part.pop(key, None)


def _without_false(value: Any) -> Any:  # noqa: ANN401 (any JSON)
    """The value without flags that are False, except ``Init``, where False differs from not set."""
    if isinstance(value, list):
        return [_without_false(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _without_false(part)
        for key, part in value.items()
        if part is not False or key == "Init"
    }
