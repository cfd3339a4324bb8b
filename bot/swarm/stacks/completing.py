"""Completes recorded calls, so that a plan shows what the engine will really store. Pure.

The docker CLI leaves out the platforms of an image about which it did not ask a registry, although
it keeps the image itself; and an engine silently drops the fields that are newer than its API.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bot.swarm.stacks.dry_run import RecordedCall

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Newer:
    """A field that an engine of an API older than ``api`` drops.

    ``name`` is its name in a stack's file, ``docker`` the first version that knows it. ``take``
    removes it from a container's spec and says whether it was there.
    """

    name: str
    api: tuple[int, int]
    docker: str
    take: Callable[[Json], bool]


def with_platforms(call: RecordedCall, live: Mapping[str, Any]) -> RecordedCall:
    """A service's update with the platforms of the image that it keeps.

    Without them, the scheduler would use nodes for which the image has no build.
    """
    if call.collection != "services" or call.action != "update":
        return call
    template = call.body["TaskTemplate"]
    old = (live.get("Spec") or {}).get("TaskTemplate") or {}
    kept = (old.get("Placement") or {}).get("Platforms")
    placement = template.get("Placement") or {}
    if not kept or placement.get("Platforms") or image_of(old) != image_of(template):
        return call
    return with_template(call, {"Placement": {**placement, "Platforms": kept}})


def without_newer_fields(
    calls: Sequence[RecordedCall], api: str
) -> tuple[list[RecordedCall], dict[Newer, tuple[str, ...]]]:
    """The calls without what an engine of this API version drops; the services by field."""
    version = tuple(int(part) for part in api.split(".") if part.isdigit())
    unknown = [each for each in NEWER if version < each.api]
    dropped: dict[Newer, tuple[str, ...]] = {}
    kept = []
    for call in calls:
        container = _container(call)
        for each in unknown if container else ():
            if each.take(container):
                dropped[each] = (*dropped.get(each, ()), call.name)
        kept.append(with_template(call, {"ContainerSpec": container}) if container else call)
    return kept, dropped


def left_out(services: Mapping[str, Any], stack: str, api: str) -> dict[Newer, tuple[str, ...]]:
    """The services of a stack's file with a field that the docker CLI leaves out for this API."""
    version = tuple(int(part) for part in api.split(".") if part.isdigit())
    return {
        each: names
        for each in NEWER
        if version < each.api
        and (names := tuple(
            f"{stack}_{name}" for name, body in services.items()
            if isinstance(body, Mapping) and body.get(each.name)
        ))
    }  # fmt: skip


def image_of(template: Mapping[str, Any]) -> str:
    """A task template's image."""
    return str((template.get("ContainerSpec") or {}).get("Image", ""))


def platforms_of(template: Mapping[str, Any]) -> list[Json]:
    """The platforms of a task template's image, as far as the registry said."""
    return list((template.get("Placement") or {}).get("Platforms") or [])


def with_template(call: RecordedCall, parts: Mapping[str, Any]) -> RecordedCall:
    """A service's call with some parts of its task template replaced."""
    template = {**call.body["TaskTemplate"], **parts}
    return replace(call, body={**call.body, "TaskTemplate": template})


def _container(call: RecordedCall) -> Json:
    """A copy of the parts of a service's container in which newer fields may be."""
    if call.collection != "services" or call.action == "remove":
        return {}
    container = dict(call.body["TaskTemplate"].get("ContainerSpec") or {})
    if container.get("Healthcheck"):
        container["Healthcheck"] = dict(container["Healthcheck"])
    if container.get("Mounts"):
        container["Mounts"] = [
            {**each, "VolumeOptions": dict(each["VolumeOptions"])}
            if each.get("VolumeOptions")
            else each
            for each in container["Mounts"]
        ]
    return container


def _start_interval(container: Json) -> bool:
    return bool((container.get("Healthcheck") or {}).pop("StartInterval", None))


def _subpath(container: Json) -> bool:
    found = [options.pop("Subpath", None) for options in _volume_options(container)]
    return any(found)


def _oom_score_adj(container: Json) -> bool:
    return bool(container.pop("OomScoreAdj", None))


def _volume_options(container: Json) -> Iterator[Json]:
    for mount in container.get("Mounts") or []:
        if mount.get("VolumeOptions"):
            yield mount["VolumeOptions"]


NEWER: Final = (
    Newer("start_interval", (1, 44), "25.0", _start_interval),
    Newer("subpath", (1, 45), "26.0", _subpath),
    Newer("oom_score_adj", (1, 46), "27.0", _oom_score_adj),
)
"""Fields of stack files by Docker's version history of the Engine API."""
