"""Looks up whether the tags of deployed images stand for other images by now.

The docker CLI asks a registry only about images whose name in the file changed. An image that was
pushed again under the same tag would never be deployed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bot.domain.deploys.warnings import FILE_IMAGE
from bot.domain.errors import SwarmError
from bot.domain.swarm.image_name import LATEST, flaw_of, read_image
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
    ) -> tuple[list[RecordedCall], dict[str, str], dict[str, str]]:
        """The calls with the images that the registries have now.

        Also returns, by image, why images that are kept could not be looked up, and the same of
        images that take the place of others.
        """
        tags = {call.id: tag for call in calls if (tag := file_tag(call, seen.get(call.id, {})))}
        names = sorted({tag for tag in tags.values() if "@" not in tag})
        looked = await asyncio.gather(*map(self._look, names))
        found = dict(zip(names, looked, strict=True))
        fresh = [with_lookup(call, tags.get(call.id, ""), found) for call in calls]
        strays = {
            tags[call.id] for call in calls if call.id in tags and _strays(call, tags[call.id])
        }
        why = {name: each.trouble for name, each in found.items() if each.trouble}
        kept = {name: trouble for name, trouble in why.items() if name not in strays}
        return fresh, kept, {name: trouble for name, trouble in why.items() if name in strays}

    async def _look(self, image: str) -> Lookup:
        try:
            found = await self._registry.look_up(image)
        except SwarmError as error:
            return Lookup(trouble=error.sentence)
        return Lookup(found.digest, found.platforms)


def file_tag(call: RecordedCall, live: Mapping[str, Any]) -> str:
    """The file's image, if an update keeps another one in its place; "" if there is none.

    The docker CLI compares the file's image with the label that the last deploy wrote, and keeps
    what the service has if they are equal: an older image of the tag, or another image that was set
    since.
    """
    spec = live.get("Spec") or {}
    if call.collection != "services" or call.action != "update" or not spec:
        return ""
    tag = str((call.body.get("Labels") or {}).get(FILE_IMAGE, ""))
    if tag != (spec.get("Labels") or {}).get(FILE_IMAGE) or flaw_of(tag):
        return ""
    if _strays(call, tag):
        return tag
    resolved = _DIGEST in image_of(spec.get("TaskTemplate") or {})
    return tag if resolved and "@" not in tag else ""


def with_lookup(call: RecordedCall, tag: str, found: Mapping[str, Lookup]) -> RecordedCall:
    """A call with the image of the file, as its registry has it now, if that is another one."""
    if not tag:
        return call
    lookup = found.get(tag, Lookup())
    image = image_of(call.body["TaskTemplate"])
    if not lookup.digest and not _strays(call, tag):
        return call
    name = tag if _strays(call, tag) else image.partition("@")[0]
    fresh = f"{name}@{lookup.digest}" if lookup.digest else name
    if image == fresh:
        return call
    template = call.body["TaskTemplate"]
    placement = {**(template.get("Placement") or {}), "Platforms": as_written(lookup.platforms)}
    if not lookup.platforms:
        del placement["Platforms"]
    container = {**template["ContainerSpec"], "Image": fresh}
    return with_template(call, {"ContainerSpec": container, "Placement": placement})


def _strays(call: RecordedCall, tag: str) -> bool:
    """Whether the image that an update keeps is not of the file's repository and tag."""
    return _familiar(image_of(call.body["TaskTemplate"])) != _familiar(tag)


def _familiar(image: str) -> str:
    """A name as the docker CLI writes it: without Docker Hub's own parts, always with a tag.

    A name with a digest alone stands for itself.
    """
    if flaw_of(image):
        return image
    name = read_image(image)
    if name.host in {"docker.io", "index.docker.io"}:
        name = replace(name, host="")
    if not name.host:
        name = replace(name, path=name.path.removeprefix("library/"))
    if not name.tag and name.digest:
        return str(name)
    return f"{name.untagged}:{name.tag or LATEST}"
