"""The volumes of a stack, and the NFS servers that some of them are on.

Options are those of Docker's ``local`` driver: ``type``, ``o`` and ``device`` as for mount(8).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

NFS_PORT: Final = 2049
OPTIONS_SHOWN: Final = ("type", "o", "device")

_PLACEHOLDER: Final = re.compile(
    r"^$|[<>{}$\s]|_ip\b|ip_(?:of|addr)|your|change_?me|placeholder|to_?do|fill|insert|x\.x\.x"
    r"|(?:^|\.)example(?:\.(?:com|org|net))?$|^nfs_?server$|^(?:nfs-)?server-?(?:ip|name|address)$",
    re.IGNORECASE,
)
_DEVICE: Final = re.compile(r"(?P<host>\[[^\]]+\]|[^:/]+):(?P<path>/.*)?")


@dataclass(frozen=True, slots=True)
class VolumeMount:
    """A volume of a service: ``name`` as the engine knows it, where it is mounted.

    ``service`` is the full name. ``driver`` and ``options`` are what a node makes the volume with
    where it is not there yet ("" and empty where the spec leaves that open); what looks secret in
    the options is masked.
    """

    name: str
    service: str
    target: str
    driver: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class LiveVolume:
    """A volume as one engine has it. What looks secret in the options is masked."""

    name: str
    driver: str
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NfsServer:
    """Where a volume's files are: ``host`` is a name or an address, ``path`` is on it."""

    host: str
    port: int
    path: str

    @property
    def is_placeholder(self) -> bool:
        """Whether the host is a word from a guide that nobody replaced by a real one."""
        return _PLACEHOLDER.search(self.host) is not None


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume of a stack with all its mounts.

    ``live`` is how the bot's own engine has it, None where it does not.
    """

    name: str
    mounts: tuple[VolumeMount, ...]
    live: LiveVolume | None = None

    @property
    def driver(self) -> str:
        """The driver that the services ask for; ``local`` unless they say so."""
        named = (mount.driver for mount in self.mounts if mount.driver)
        return next(named, self.live.driver if self.live else "local")

    @property
    def options(self) -> Mapping[str, str]:
        """The options that the services ask for; where none does, those that the engine has."""
        asked = next((mount.options for mount in self.mounts if mount.options), None)
        return asked if asked is not None else self.live.options if self.live else {}

    @property
    def nfs(self) -> NfsServer | None:
        """The server that the volume is on, None where it is on none."""
        return nfs_server(self.options)

    @property
    def differing(self) -> tuple[str, ...]:
        """Options that the engine made the volume with and that the services want otherwise.

        An engine keeps a volume as it was made: another value in the spec changes nothing.
        """
        if self.live is None or not any(mount.options or mount.driver for mount in self.mounts):
            return ()
        names = dict.fromkeys([*OPTIONS_SHOWN, *self.options, *self.live.options])
        different = [n for n in names if self.options.get(n, "") != self.live.options.get(n, "")]
        driver = ["driver"] if self.driver != self.live.driver else []
        return (*driver, *different)


def volumes_of(mounts: Iterable[VolumeMount], live: Mapping[str, LiveVolume]) -> tuple[Volume, ...]:
    """Volumes by name, each with its mounts by service."""
    by_name: dict[str, list[VolumeMount]] = {}
    for mount in mounts:
        by_name.setdefault(mount.name, []).append(mount)
    return tuple(
        Volume(name, tuple(sorted(each, key=lambda m: (m.service, m.target))), live.get(name))
        for name, each in sorted(by_name.items())
    )


def nfs_server(options: Mapping[str, str]) -> NfsServer | None:
    """The server of a volume of type ``nfs`` or ``nfs4``, None for any other.

    ``addr=`` in ``o`` goes before a host in ``device``, as the engine resolves that one.
    """
    if not options.get("type", "").lower().startswith("nfs"):
        return None
    words = dict(word.partition("=")[::2] for word in options.get("o", "").split(","))
    device = options.get("device", "")
    found = _DEVICE.fullmatch(device)
    host = words.get("addr") or (found["host"].strip("[]") if found else "")
    path = (found["path"] or "") if found else device.lstrip(":")
    port = words.get("port", "")
    number = int(port) if port.isascii() and port.isdigit() and 0 < int(port) < 65536 else NFS_PORT
    return NfsServer(host.strip(), number, path)
