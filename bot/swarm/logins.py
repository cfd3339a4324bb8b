"""The logins of registries: docker's ``config.json`` (docker/cli ``cli/config/configfile``)."""

from __future__ import annotations

import json
import logging
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bot.domain.swarm.image_name import read_image

SETTING: Final = "REGISTRY_AUTH"
HEADER: Final = "X-Registry-Auth"
_HUB: Final = "https://index.docker.io/v1/"
_HUBS: Final = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Login:
    """A login of one registry. ``address`` is its key in ``config.json``, ``host`` its host.

    ``host`` is "" for Docker Hub, as in the names of its images. ``user`` is "" for a login that
    is only a token.
    """

    address: str
    host: str
    user: str
    password: str = field(repr=False)
    token: str = field(default="", repr=False)

    def as_json(self) -> dict[str, str]:
        """The login in the engine's format (moby ``api/types/registry``, ``AuthConfig``)."""
        parts = {
            "username": self.user,
            "password": self.password,
            "identitytoken": self.token,
            "serveraddress": self.address,
        }
        return {name: value for name, value in parts.items() if value}

    @property
    def header(self) -> dict[str, str]:
        """The header with which the engine asks the registry, and the nodes pull."""
        return {HEADER: urlsafe_b64encode(json.dumps(self.as_json()).encode()).decode()}


class Logins:
    """The logins of a ``config.json``; a file is read again when it has changed.

    ``text`` is its content at the start. ``file`` may not exist. What cannot be read later leaves
    the logins as they were, and is logged.
    """

    def __init__(self, text: str = "", file: Path | None = None) -> None:
        self._file = file
        self._known = read_logins(text)
        self._read = _state(file)

    def of(self, image: str) -> Login | None:
        """The login for an image's registry, None if there is none."""
        host = read_image(image).host
        return self.all().get("" if host in _HUBS else host)

    def headers(self, image: str) -> dict[str, str]:
        """The header for an image's registry; {} without a login."""
        login = self.of(image)
        return login.header if login else {}

    def all(self) -> Mapping[str, Login]:
        """All logins by their hosts."""
        state = _state(self._file)
        if state != self._read:
            self._read = state
            self._read_again()
        return self._known

    def _read_again(self) -> None:
        if self._file is None:
            return
        try:
            self._known = read_logins(self._file.read_text())
        except (OSError, ValueError) as error:
            log.warning("%s has changed, but its logins stay as they were: %s", SETTING, error)
        else:
            hosts = ", ".join(each or "Docker Hub" for each in self._known)
            log.info("%s has changed, its logins are for: %s", SETTING, hosts or "none")


def read_logins(text: str) -> dict[str, Login]:
    """The logins in a ``config.json`` by the registries' hosts; none in an empty text.

    Raises:
        ValueError: with a sentence about what is wrong, which shows no login.
    """
    if not text.strip():
        return {}
    try:
        document = json.loads(text)
    except json.JSONDecodeError:
        raise ValueError("it is not JSON: give the content of docker's config.json") from None
    auths = document.get("auths") if isinstance(document, dict) else None
    if not isinstance(auths, dict):
        raise ValueError('it has no "auths": give the content of docker\'s config.json')  # noqa: TRY004
    helpers = bool(document.get("credsStore") or document.get("credHelpers"))
    found = (_login(str(address), entry, helpers=helpers) for address, entry in auths.items())
    return {login.host: login for login in found}


def _login(address: str, entry: object, *, helpers: bool) -> Login:
    host = address.partition("://")[2] or address
    host = host.partition("/")[0]
    hub = host in _HUBS
    user, password, token = _parts(address, entry if isinstance(entry, dict) else {})
    if not (user and password) and not token:
        why = "docker keeps it in a credentials helper" if helpers else "it is empty"
        raise ValueError(f"the login of {address} is not in it: {why}")
    return Login(_HUB if hub else host, "" if hub else host, user, password, token)


def _parts(address: str, entry: Mapping[str, Any]) -> tuple[str, str, str]:
    user, password = str(entry.get("username") or ""), str(entry.get("password") or "")
    if auth := str(entry.get("auth") or ""):
        try:
            user, colon, password = b64decode(auth, validate=True).decode().partition(":")
        except ValueError:
            colon = ""
        if not colon:
            raise ValueError(f"the login of {address} is not base64 of USER:PASSWORD")
        password = password.rstrip("\0")
    return user, password, str(entry.get("identitytoken") or "")


def _state(file: Path | None) -> tuple[int, int, int] | None:
    """What tells whether a file is still the same."""
    if file is None:
        return None
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def values(logins: Logins) -> Iterator[str]:
    """The secret values, to hide them."""
    for login in logins.all().values():
        yield from filter(None, (login.password, login.token))


NO_LOGINS: Final = Logins()
