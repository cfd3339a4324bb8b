"""The registries of images, through the engine: implements the port ``Registry``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from requests.exceptions import HTTPError

from bot.domain.errors import RegistryError, SwarmError, SwarmUnavailableError
from bot.domain.swarm.image_name import read_image
from bot.domain.swarm.model import Platform
from bot.domain.swarm.start_errors import explained
from bot.ports.registry import Manifest
from bot.swarm.connection import Connection
from bot.swarm.failures import words

SECONDS: Final = 8.0
"""Less than the engine waits for a registry, which is 20 s."""
_HUB: Final = "Docker Hub"


class DockerRegistry:
    """Implements ``bot.ports.Registry``; ``seconds`` is how long a registry may take."""

    def __init__(self, connection: Connection, seconds: float = SECONDS) -> None:
        self._connection = connection
        self._seconds = seconds

    async def look_up(self, image: str) -> Manifest:
        """What the image's registry has under a name. As in ``bot.ports.Registry``.

        Engine API, ``GET /distribution/{name}/json``.
        """
        where = read_image(image).host or _HUB
        try:
            async with asyncio.timeout(self._seconds):
                found = await self._connection.get(f"/distribution/{quote(image, safe='/:@')}/json")
        except TimeoutError as error:
            sentence = f"The registry {where} did not answer within {self._seconds:g} s."
            raise RegistryError(sentence, kind="pull_failed") from error
        except SwarmUnavailableError:
            raise
        except SwarmError as error:
            raise _translated(error, image, where) from error
        digest = str((found.get("Descriptor") or {}).get("digest", ""))
        if not digest:
            sentence = f"The registry {where} named no digest for `{image}`."
            raise RegistryError(sentence, kind="pull_failed")
        return Manifest(digest, tuple(map(_platform, found.get("Platforms") or [])))


def _translated(error: SwarmError, image: str, where: str) -> RegistryError:
    """The engine's error about a registry, in words."""
    answer = error.__cause__
    if not isinstance(answer, HTTPError):
        return RegistryError(error.sentence, hint=error.hint, kind="pull_failed")
    known = explained(words(answer))
    status = answer.response.status_code if answer.response is not None else 0
    kind = _BY_STATUS.get(status) or (known.kind if known else "pull_failed")
    if kind == "image_missing":
        return RegistryError(f"The registry {where} has no image `{image}`.", kind=kind)
    if kind == "pull_denied":
        return RegistryError(
            f"The registry {where} refuses access to `{image}`: a login is missing, or it has no"
            " right to this image.",
            kind=kind,
        )
    if known is None or not known.text:
        sentence = f"The registry {where} cannot be asked. {error.sentence}"
        return RegistryError(sentence, hint=error.hint, kind=kind)
    sentence, hint = (_of_the_engine(text) for text in (f"{known.text}.", known.advice))
    return RegistryError(sentence, hint=hint, kind=kind)


def _of_the_engine(text: str) -> str:
    """A sentence about a node that pulls, as one about the engine that asked."""
    return text.replace("The node", "The engine").replace("the node", "the engine")


_BY_STATUS: Final = {401: "pull_denied", 404: "image_missing"}


def _platform(raw: Mapping[str, str]) -> Platform:
    """A platform as the CLI stores it (docker/cli and moby ``client/service_create.go``)."""
    arch = (raw.get("architecture") or "").lower()
    return Platform(os=raw.get("os") or "", arch="" if arch == "arm" else arch)
