"""The logins of registries: docker's ``config.json`` (docker/cli ``cli/config/configfile``)."""

from __future__ import annotations

import json
import logging
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bot.domain.swarm.image_name import flaw_of, read_image

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
    text = text.removeprefix("\ufeff").strip()
    if not text:
        return {}
    try:
        document = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        raise ValueError("it is not JSON: give the content of docker's config.json") from None
    auths = document.get("auths") if isinstance(document, dict) else None
    if not isinstance(auths, dict):
        raise ValueError('it has no "auths": give the content of docker\'s config.json')  # noqa: TRY004
    helpers = bool(document.get("credsStore") or document.get("credHelpers"))
    if helpers and not auths:
        raise ValueError("it has no login: docker keeps them in a credentials helper")
    found = (_login(str(address), entry, helpers=helpers) for address, entry in auths.items())
    return {login.host: login for login in found}


def _login(address: str, entry: object, *, helpers: bool) -> Login:
    host = (address.partition("://")[2] or address).partition("/")[0].strip()
    host = host.rpartition("@")[2].lower()
    if flaw_of(f"{host}/a"):
        raise ValueError("one of its auths is not for a registry's host")
    hub = host in _HUBS
    user, password, token = _parts(host, entry if isinstance(entry, dict) else {})
    if not (user and password) and not token:
        why = "docker keeps it in a credentials helper" if helpers else "it is empty"
        raise ValueError(f"the login of {host} is not in it: {why}")
    return Login(_HUB if hub else host, "" if hub else host, user, password, token)


def _parts(host: str, entry: Mapping[str, Any]) -> tuple[str, str, str]:
    user, password = _text(entry, "username"), _text(entry, "password")
    if auth := _text(entry, "auth").strip():
        try:
            user, colon, password = b64decode(auth, validate=True).decode().partition(":")
        except ValueError:
            colon = ""
        if not colon:
            raise ValueError(f"the login of {host} is not base64 of USER:PASSWORD")
        password = password.rstrip("\0")
    return user, password, _text(entry, "identitytoken")


def _text(entry: Mapping[str, Any], name: str) -> str:
    found = entry.get(name)
    return found if isinstance(found, str) else ""


def _state(file: Path | None) -> tuple[int, int, int] | None:
    """What tells whether a file is still the same."""
    if file is None:
        return None
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


NO_LOGINS: Final = Logins()
