"""Looks up whether the tags of deployed images stand for other images by now.

The docker CLI asks a registry only about images whose name in the file changed. An image that was
pushed again under the same tag would never be deployed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.domain.deploys.warnings import FILE_IMAGE
from bot.domain.errors import SwarmError
from bot.domain.swarm.model import Platform
from bot.ports.registry import Registry
from bot.swarm.specs import as_written
from bot.swarm.stacks.completing import image_of, with_template
from bot.swarm.stacks.dry_run import RecordedCall

Json = dict[str, Any]

_DIGEST: Final = "@sha256:"


@dataclass(frozen=True, slots=True)
class Lookup:
    """What a registry has under a tag: the digest and the platforms, or why that is unknown."""

    digest: str = ""
    platforms: tuple[Platform, ...] = ()
    trouble: str = ""


class Tags:
    """Looks up the tags of a stack's images."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def newest(
        self, calls: Sequence[RecordedCall], seen: Mapping[str, Json]
    ) -> tuple[list[RecordedCall], dict[str, str]]:
        """The calls with the images that the registries have now.

        Also returns why an image could not be looked up, by image.
        """
        tags = {call.id: tag for call in calls if (tag := kept_tag(call, seen.get(call.id, {})))}
        names = sorted(set(tags.values()))
        found = dict(zip(names, await asyncio.gather(*map(self._look, names)), strict=True))
        fresh = [with_lookup(call, tags.get(call.id, ""), found) for call in calls]
        return fresh, {name: each.trouble for name, each in found.items() if each.trouble}

    async def _look(self, image: str) -> Lookup:
        try:
            found = await self._registry.look_up(image)
        except SwarmError as error:
            return Lookup(trouble=error.sentence)
        return Lookup(found.digest, found.platforms)


def kept_tag(call: RecordedCall, live: Mapping[str, Any]) -> str:
    """The tag whose deployed image an update keeps, "" if the file names none or another one."""
    spec = live.get("Spec") or {}
    if call.collection != "services" or call.action != "update" or not spec:
        return ""
    tag = str((call.body.get("Labels") or {}).get(FILE_IMAGE, ""))
    same = tag == (spec.get("Labels") or {}).get(FILE_IMAGE)
    resolved = _DIGEST in image_of(spec.get("TaskTemplate") or {})
    return tag if same and resolved and "@" not in tag else ""


def with_lookup(call: RecordedCall, tag: str, found: Mapping[str, Lookup]) -> RecordedCall:
    """A call with the image that the registry has now under its tag, if that is another one."""
    lookup = found.get(tag, Lookup())
    image = image_of(call.body["TaskTemplate"]) if lookup.digest else ""
    name, _, _ = image.partition("@")
    fresh = f"{name}@{lookup.digest}"
    if not image or image == fresh:
        return call
    template = call.body["TaskTemplate"]
    placement = {**(template.get("Placement") or {}), "Platforms": as_written(lookup.platforms)}
    if not lookup.platforms:
        del placement["Platforms"]
    container = {**template["ContainerSpec"], "Image": fresh}
    return with_template(call, {"ContainerSpec": container, "Placement": placement})
