"""A service's readiness probe: the label that configures it, and the probe's answers.

The label ``orochi-bot.probe`` of a service is one of

- ``dask://HOST:PORT``: the HTTP address of a Dask scheduler with which the service's tasks
  register as workers;
- ``http://HOST:PORT/PATH``: an address that returns a 2xx status once the service is ready.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv6Address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from bot.domain.swarm.model import Service
from bot.domain.swarm.reachability import Reach
from bot.domain.text.redaction import MASK, masked

LABEL: Final = "orochi-bot.probe"
FORMS: Final = "dask://HOST:PORT or http://HOST:PORT/PATH"
LONGEST: Final = 500

_HTTP_PORT: Final = 80
_SHOWN: Final = 80
_LOGIN: Final = re.compile(r"^((?:\w+:)?/*).*@", re.DOTALL)
_NAME: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_REST: Final = re.compile(r"[!$-;=?-\[\]_a-z|~]*")
"""The characters of a path and a query: printable ASCII, percent-encoded as RFC 3986 requires."""


class ProbeKind(Enum):
    """The kind of server to ask; the values are the label's schemes."""

    DASK = "dask"
    HTTP = "http"


@dataclass(frozen=True, slots=True)
class ProbeSpec:
    """The parsed value of a valid label.

    ``host`` is a name or an address (IPv6 without brackets). ``path`` begins with ``/`` and
    includes the query; for a scheduler it is ``/``.
    """

    kind: ProbeKind
    host: str
    port: int
    path: str = "/"

    @property
    def address(self) -> str:
        """``scheduler:8787``, as shown to people."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The label in its full form."""
        path = "" if self.kind is ProbeKind.DASK else self.path
        return f"{self.kind.value}://{self.address}{path}"

    @property
    def shown(self) -> str:
        """The same as shown to people: a token in its query is masked."""
        return masked(self.url)


@dataclass(frozen=True, slots=True)
class InvalidProbeSpec:
    """A label that cannot be parsed. ``text`` is its shortened value without logins."""

    text: str
    why: str

    @property
    def sentence(self) -> str:
        """The error as a sentence without its full stop."""
        return f"the label `{LABEL}` is not valid ({self.text}): {self.why}"


@dataclass(frozen=True, slots=True)
class Workers:
    """The scheduler answered. ``hosts`` has one host for each registered worker's address."""

    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HttpStatus:
    """An HTTP server answered with this status code."""

    code: int


@dataclass(frozen=True, slots=True)
class Unreached:
    """The server could not be reached: ``reach`` is never ``ANSWERS``."""

    reach: Reach


@dataclass(frozen=True, slots=True)
class Unlike:
    """The server's answer is not what the probe expects; ``why`` is a clause that describes it."""

    why: str


Reading = Workers | HttpStatus | Unreached | Unlike
"""The result of one probe."""


def probe_of(service: Service) -> ProbeSpec | InvalidProbeSpec | None:
    """The service's probe; None if the label is missing or empty."""
    text = service.labels.get(LABEL, "").strip()
    return read(text) if text else None


def read(text: str) -> ProbeSpec | InvalidProbeSpec:
    """Parse a label's value, stripped of surrounding white space."""
    try:
        parts = urlsplit(text)
        return _probe(text, parts, parts.port)
    except ValueError:
        return _wrong(text, "its host or port is not valid")


def _probe(text: str, parts: SplitResult, port: int | None) -> ProbeSpec | InvalidProbeSpec:
    schemes = {kind.value: kind for kind in ProbeKind}
    if len(text) > LONGEST:
        return _wrong(text, f"it is longer than {LONGEST} characters")
    if parts.scheme not in schemes or not text.lower().startswith(f"{parts.scheme}://"):
        return _wrong(text, f"use {FORMS}")
    kind = schemes[parts.scheme]
    if "@" in parts.netloc:
        return _wrong(text, "anyone can read a label, so it must have no user name or password")
    host = parts.hostname or ""
    if not _is_host(host):
        return _wrong(text, f"it has no host; use {FORMS}")
    if port is None and kind is ProbeKind.DASK:
        return _wrong(text, "it has no port; a Dask scheduler's HTTP port is 8787 by default")
    if port == 0:
        return _wrong(text, "port 0 is not valid")
    rest = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    if parts.fragment or not _REST.fullmatch(rest) or "%" in host:
        return _wrong(text, "it has characters that a URL cannot have")
    if kind is ProbeKind.DASK and rest != "/":
        return _wrong(text, "a Dask scheduler takes no path")
    return ProbeSpec(kind, host, _HTTP_PORT if port is None else port, rest)


def _is_host(host: str) -> bool:
    if ":" in host:
        return bool(IPv6Address(host))
    return _NAME.fullmatch(host) is not None


def _wrong(text: str, why: str) -> InvalidProbeSpec:
    text = masked(_LOGIN.sub(rf"\1{MASK}@", text))
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return InvalidProbeSpec(shown, why)
