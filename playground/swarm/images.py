"""The images that the simulated registries have: those of the guide's stack and the lab's."""

from __future__ import annotations

import binascii
import hashlib
import json
from base64 import urlsafe_b64decode
from typing import Final

from playground.swarm.programs import Image

_SECOND: Final = 1_000_000_000
_NEVER: Final = {
    "Test": ["CMD", "sh", "-c", "echo probe says no; exit 1"],
    "Interval": _SECOND,
    "Timeout": _SECOND,
    "Retries": 2,
}

LAB: Final = (
    Image("lab/busy:1", ("serve",), ("VERSION=1",)),
    Image("lab/busy:2", ("serve",), ("VERSION=2",)),
    Image("lab/unhealthy:1", ("serve",), ("VERSION=1",), _NEVER),
)

GUIDE: Final = (
    Image(
        "garanews/orochi_django:latest",
        says=(
            "Applying database migrations",
            "Listening at: http://0.0.0.0:5000",
            "Booting worker",
        ),
    ),
    Image(
        "garanews/orochi_worker:latest",
        says=("Start worker at: tcp://0.0.0.0:40123", "Registered to: tcp://scheduler:8786"),
    ),
    Image(
        "garanews/orochi_worker:2",
        says=("Start worker at: tcp://0.0.0.0:40123", "Registered to: tcp://scheduler:8786"),
    ),
    Image(
        "garanews/orochi_postgres:latest",
        says=("database system was shut down", "database system is ready to accept connections"),
    ),
    Image(
        "docker.elastic.co/elasticsearch/elasticsearch:7.11.0",
        says=("initializing", "publish_address {0.0.0.0:9200}", "started"),
    ),
    Image(
        "docker.elastic.co/kibana/kibana:7.11.0", says=("Kibana is starting", "http server running")
    ),
    Image("mailhog/mailhog:v1.0.1", says=("Using in-memory storage", "Binding to 0.0.0.0:1025")),
    Image("redis:6.0.10", says=("Server initialized", "Ready to accept connections")),
    Image(
        "daskdev/dask:2021.2.0", says=("Scheduler at: tcp://0.0.0.0:8786", "dashboard at: :8787")
    ),
)


class Registry:
    """Images by name, and whether engines can reach them. An engine keeps what it pulled.

    While they are not reachable, an engine tries a pull for ``patience`` seconds. ``logins`` are
    the user and password that a registry asks for, by its host; the others ask for none.
    """

    patience = 20.0

    def __init__(self) -> None:
        self.reachable = True
        self.logins: dict[str, tuple[str, str]] = {}
        self._images: dict[str, Image] = {}
        self._by_digest: dict[str, Image] = {}
        for image in (*LAB, *GUIDE):
            self.add(image)

    def add(self, image: Image) -> None:
        """Push an image; an earlier one of its name is found by its digest alone from then on."""
        self._images[image.name] = image
        self._by_digest[digest(image)] = image

    def find(self, name: str) -> Image | None:
        """The image with this digest, else the one with this name; None if there is none."""
        pinned = name.partition("@")[2]
        return self._by_digest.get(pinned) if pinned else self._images.get(canonical(name))

    def image(self, name: str) -> Image:
        """As ``find``. Raises KeyError if there is none."""
        found = self.find(name)
        if found is None:
            raise KeyError(name)
        return found

    def serves(self, name: str, auth: str) -> bool:
        """Whether an image's registry answers to this ``X-Registry-Auth``, "" for none."""
        wanted = self.logins.get(host_of(name))
        return wanted is None or login_in(auth) == wanted

    def knows(self, host: str) -> bool:
        """Whether there is a registry at a host."""
        return host in self.logins or host in map(host_of, self._images)


def digest(image: Image) -> str:
    """The digest of an image's manifest: another one for other content."""
    return f"sha256:{hashlib.sha256(repr(image).encode()).hexdigest()}"


def host_of(name: str) -> str:
    """The host in an image's name, "" for Docker Hub."""
    host, slash, _ = name.partition("/")
    return host if slash and (set(host) & set(".:") or host == "localhost") else ""


def login_in(auth: str) -> tuple[str, str]:
    """The user and password in an ``X-Registry-Auth``."""
    try:
        found = json.loads(urlsafe_b64decode(auth) or "{}")
    except (ValueError, binascii.Error):
        return "", ""
    return str(found.get("username", "")), str(found.get("password", ""))


def canonical(name: str) -> str:
    """A name with its tag, without digest and default registry: the key of an image."""
    name = name.partition("@")[0].removeprefix("docker.io/").removeprefix("library/")
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"
