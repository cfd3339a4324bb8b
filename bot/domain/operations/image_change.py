"""Which image a typed ``update`` means for a service, and whether its nodes can run it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.domain.errors import RefusedError
from bot.domain.jobs.model import Target
from bot.domain.swarm.constraints import meets_constraints
from bot.domain.swarm.image_name import LATEST, ImageName, flaw_of, read_image
from bot.domain.swarm.model import Node, Platform, Service
from bot.domain.swarm.placement import supports_platform

DIGITS: Final = 12
"""How many digits of a digest people are shown."""


@dataclass(frozen=True, slots=True)
class ChosenImage:
    """A service with the image that it gets.

    ``found`` says whether the registry has it, ``login`` whether it asked for a login.
    """

    service: Service
    name: ImageName
    target: Target
    found: bool
    login: bool

    @property
    def is_present(self) -> bool:
        """Whether the service has that image already."""
        return self.service.image == self.target.image

    def with_login(self) -> ChosenImage:
        """The same, with new tasks and the registry's present login if it has its image already."""
        if not self.is_present or not self.login:
            return self
        return replace(self, target=replace(self.target, restarts=1))


def wanted_image(service: Service, typed: str) -> ImageName:
    """The name to look up for a typed image.

    ``typed`` is a whole name, a ``:TAG`` or ``@DIGEST`` of the service's image, or "" for what that
    image's tag stands for now.

    Raises:
        RefusedError: the service's own image has no tag, or is not known.
    """
    if typed and typed[0] not in ":@":
        return _tagged(read_image(typed))
    if flaw_of(service.image):
        raise RefusedError(
            f"The present image of `{service.short_name}` is not known.",
            hint="Name the whole image.",
        )
    present = read_image(service.image)
    if typed:
        return present.with_suffix(typed)
    if not present.tag and present.digest:
        raise RefusedError(
            f"`{service.short_name}` runs an image that is named by its digest alone, so there is"
            " no newer one of its tag.",
            hint="Name a tag.",
        )
    return _tagged(replace(present, digest=""))


def pinned(name: ImageName, digest: str) -> str:
    """The image as the docker CLI writes it into a service: with the digest of its tag."""
    return str(replace(name, digest=name.digest or digest))


def short_digest(image: str) -> str:
    """The first digits of an image's digest, "" if it has none."""
    return image.partition("@sha256:")[2][:DIGITS]


def check_platforms(
    service: Service, image: str, platforms: Sequence[Platform], nodes: Iterable[Node]
) -> None:
    """Raise RefusedError if the image has no variant for any node that may run the service."""
    allowed = [node for node in nodes if meets_constraints(service, node)]
    fitting = replace(service, platforms=tuple(platforms))
    if not allowed or any(supports_platform(fitting, node) for node in allowed):
        return
    needed = sorted({_platform(node.platform) for node in allowed})
    offered = sorted({_platform(each) for each in platforms})
    raise RefusedError(
        f"`{image}` has no variant for the nodes of `{service.short_name}`: they are"
        f" {', '.join(needed)}, and the image is for {', '.join(offered)}.",
        hint="Build it for that platform, too.",
    )


def check_listed_once(services: Sequence[Service]) -> None:
    """Raise RefusedError if a service is named twice."""
    known: set[str] = set()
    for service in services:
        if service.id in known:
            raise RefusedError(f"`{service.short_name}` is listed twice. List it once.")
        known.add(service.id)


def is_taken_back(target: Target, service: Service) -> bool:
    """Whether the update was made, and the service rolled back since, by the swarm or by someone.

    Then another update began than before, and it is a rollback: swarmkit's own leaves no previous
    spec (manager/orchestrator/update/updater.go), another one leaves that of the update.
    """
    previous = service.previous.image if service.previous else ""
    return (
        service.image == target.image_before != target.image
        and (service.update.is_roll_back or previous == target.image)
        and (service.update_started or 0.0) != target.update_before
    )


def stays(service: Service, why: str) -> str:
    """Why a plan leaves a service out."""
    return f"{service.short_name} stays as it is: {why}"


def by_next_deploy(stack: str, file: str, line: int, text: str) -> str:
    """What happens to the image at the next deploy, and what to change.

    ``line`` is the number of the file's line that says the image and ``text`` what is in it, 0 and
    "" if there is no such line.
    """
    said = text.replace("`", "'")
    where = f"line {line} of `{file}` (`{said}`)" if line else f"the image in `{file}`"
    return f"The next deploy of `{stack}` sets the file's image again. To keep it, change {where}."


def _tagged(name: ImageName) -> ImageName:
    return name if name.tag or name.digest else replace(name, tag=LATEST)


def _platform(platform: Platform) -> str:
    return f"{platform.os or 'any system'}/{platform.arch or 'any architecture'}"
