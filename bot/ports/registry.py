"""The registries of images, asked through the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.domain.swarm.model import Platform


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a registry has under a name: its digest (``sha256:…``) and for which platforms.

    ``platforms`` are written as the docker CLI writes them into a service: without an architecture
    for arm, whose nodes name their variant. ``login`` says whether it was asked with one.
    """

    digest: str
    platforms: tuple[Platform, ...] = ()
    login: bool = False


class Registry(Protocol):
    """The registries, through one manager's engine."""

    async def look_up(self, image: str) -> Manifest:
        """What the image's registry has under a name.

        Raises:
            RegistryError: it has no such image, refuses the login, or cannot be asked.
        """

    async def recent(self, image: str) -> Manifest:
        """As ``look_up``, but possibly from memory: seconds old at most.

        A registry that is silent, or wants fewer requests, is left alone for up to a minute.
        """
