"""The registries of images, through the engine: implements the port ``Registry``."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from requests.exceptions import HTTPError

from bot.domain.errors import RegistryError, SwarmError, SwarmUnavailableError
from bot.domain.swarm.causes import as_clause
from bot.domain.swarm.image_name import read_image
from bot.domain.swarm.model import Platform
from bot.domain.swarm.start_errors import explained
from bot.ports.registry import Manifest
from bot.swarm.connection import Connection
from bot.swarm.failures import words
from bot.swarm.logins import NO_LOGINS, SETTING, Login, Logins

SECONDS: Final = 6.0
"""Less than the engine waits for a registry, which is 20 s, and than a list may take."""
RECENT_SECONDS: Final = 5.0
_MOST_KNOWN: Final = 1000
PAUSE_SECONDS: Final = 60.0
"""For how long a registry is not asked for lists after it wanted fewer requests."""
SILENT_SECONDS: Final = 20.0
"""The same after it did not answer: for so long the engine waits for it."""
_HUB: Final = "Docker Hub"
_LIMIT: Final = re.compile(r"toomanyrequests|too many requests|rate limit|\b429\b", re.IGNORECASE)


class DockerRegistry:
    """Implements ``bot.ports.Registry``; ``seconds`` is how long a registry may take."""

    def __init__(
        self, connection: Connection, logins: Logins = NO_LOGINS, seconds: float = SECONDS
    ) -> None:
        self._connection = connection
        self._logins = logins
        self._seconds = seconds
        self._known: dict[str, tuple[float, Manifest]] = {}
        self._resting: dict[str, tuple[float, RegistryError]] = {}

    async def look_up(self, image: str) -> Manifest:
        """What the image's registry has under a name. As in ``bot.ports.Registry``.

        Engine API, ``GET /distribution/{name}/json``.
        """
        where, login = read_image(image).registry or _HUB, self._logins.of(image)
        path = f"/distribution/{quote(image, safe='/:@')}/json"
        try:
            async with asyncio.timeout(self._seconds):
                found = await self._connection.get(path, login.header if login else {})
        except TimeoutError as error:
            raise self._rest(image, SILENT_SECONDS, silent(image, self._seconds)) from error
        except SwarmUnavailableError:
            raise
        except SwarmError as error:
            refused = translated(error, image, login)
            if refused.limited:
                self._rest(image, PAUSE_SECONDS, refused)
            raise refused from error
        digest = str((found.get("Descriptor") or {}).get("digest", ""))
        if not digest:
            sentence = f"The registry {where} named no digest for `{image}`."
            raise RegistryError(sentence, kind="pull_failed")
        manifest = Manifest(
            digest, tuple(map(_platform, found.get("Platforms") or [])), login is not None
        )
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[image] = time.monotonic(), manifest
        return manifest

    async def recent(self, image: str) -> Manifest:
        """As ``look_up``, but possibly from memory. As in ``bot.ports.Registry``."""
        now, host = time.monotonic(), read_image(image).registry
        at, manifest = self._known.get(image, (0.0, None))
        if manifest is not None and now - at < RECENT_SECONDS:
            return manifest
        until, error = self._resting.get(host, (0.0, None))
        if error is not None and now < until:
            raise error
        return await self.look_up(image)

    def _rest(self, image: str, seconds: float, error: RegistryError) -> RegistryError:
        """Leave the image's registry alone for a while, with the reason."""
        self._resting[read_image(image).registry] = time.monotonic() + seconds, error
        return error

    async def refusal(self, login: Login) -> str:
        """Why a registry does not accept a login, "" if it does (Engine API, ``POST /auth``)."""
        try:
            async with asyncio.timeout(self._seconds):
                await self._connection.post("/auth", {}, login.as_json())
        except TimeoutError:
            return silent(f"{login.host}/a" if login.host else "a", self._seconds).sentence
        except SwarmError as error:
            return error.sentence
        return ""


def translated(error: SwarmError, image: str, login: Login | None) -> RegistryError:
    """The engine's error about an image's registry, which was asked with a login."""
    answer = error.__cause__
    if not isinstance(answer, HTTPError) or answer.response is None:
        return RegistryError(error.sentence, hint=error.hint, kind="pull_failed")
    return registry_error(image, login, answer.response.status_code, words(answer), error)


def registry_error(
    image: str, login: Login | None, status: int, said: str, error: SwarmError | None = None
) -> RegistryError:
    """What an engine's answer about an image's registry means.

    ``status`` and ``said`` are the answer's, ``login`` is the one that was sent. ``error`` has the
    words for an answer that is not known.
    """
    where = read_image(image).registry or _HUB
    known = explained(said)
    kind = _BY_STATUS.get(status) or (known.kind if known else "pull_failed")
    if kind == "image_missing":
        return RegistryError(f"The registry {where} has no image `{image}`.", kind=kind)
    if kind == "pull_denied":
        return _denied(image, where, login)
    if known is None or not known.text:
        why = error.sentence if error else f"The engine says: {said}."
        sentence = f"The registry {where} cannot be asked. {why}"
        return RegistryError(sentence, hint=error.hint if error else "", kind=kind)
    sentence, hint = (_of_the_engine(text) for text in (f"{known.text}.", known.advice))
    if where not in sentence:
        sentence = f"{where}: {as_clause(sentence)}"
    limited = _LIMIT.search(said) is not None
    return RegistryError(sentence, hint=hint, kind=kind, limited=limited)


def silent(image: str, seconds: float) -> RegistryError:
    """The error for a registry that does not answer."""
    where = read_image(image).registry or _HUB
    sentence = f"The registry {where} did not answer within {seconds:g} s."
    return RegistryError(sentence, kind="pull_failed")


def _denied(image: str, where: str, login: Login | None) -> RegistryError:
    if login is None:
        return RegistryError(
            f"The registry {where} refuses access to `{image}` without a login.",
            hint=f"Put its login into the secret `{SETTING}` of the bot.",
            kind="pull_denied",
        )
    user = login.user or "that token"
    return RegistryError(
        f"The registry {where} refuses the login of `{user}`, or that has no right to `{image}`.",
        hint=f"Check the login in the secret `{SETTING}` of the bot.",
        kind="pull_denied",
    )


def _of_the_engine(text: str) -> str:
    """A sentence about a node that pulls, as one about the engine that asked."""
    return text.replace("The node", "The bot's engine").replace("the node", "the bot's engine")


_BY_STATUS: Final = {401: "pull_denied", 404: "image_missing"}


def _platform(raw: Mapping[str, str]) -> Platform:
    """A platform as the CLI stores it (docker/cli and moby ``client/service_create.go``)."""
    arch = (raw.get("architecture") or "").lower()
    return Platform(os=raw.get("os") or "", arch="" if arch == "arm" else arch)
