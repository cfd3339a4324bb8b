"""The volumes of a stack, and the NFS servers of some of them.

Options are those of Docker's ``local`` driver: ``type``, ``o`` and ``device`` as for mount(8).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

NFS_PORT: Final = 2049
OPTIONS_SHOWN: Final = ("type", "o", "device")
_GROUP: Final = "group:"
_CLUSTER: Final = "cluster/"

_PLACEHOLDER: Final = re.compile(
    r"^$|[<>{}$\s]|_ip\b|ip_(?:of|addr)|your|change_?me|placeholder|to_?do|fill|insert|x\.x\.x"
    r"|(?:^|\.)example(?:\.(?:com|org|net))?$|^nfs_?server$|^(?:nfs-)?server-?(?:ip|name|address)$",
    re.IGNORECASE,
)
_DEVICE: Final = re.compile(r"(?P<host>\[[^\]]+\]|[^:/]+):(?P<path>/.*)?")


@dataclass(frozen=True, slots=True)
class VolumeMount:
    """A mounted volume of a service: ``name`` as in the engine, and the mount path.

    ``service`` is the full name. A node without the volume creates it with ``driver`` and
    ``options`` ("" and empty if the spec has none); values in the options that look secret are
    masked. ``cluster`` says that it is a volume of the swarm's own; then ``name`` may be
    ``group:NAME``, which is any volume of a group.
    """

    name: str
    service: str
    target: str
    driver: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False
    cluster: bool = False


@dataclass(frozen=True, slots=True)
class ClusterState:
    """What the swarm knows of a volume that it manages itself, by CSI plugins (API 1.42).

    ``availability`` is ``active``, ``pause`` or ``drain``. ``created`` says whether a plugin has
    created it.
    """

    group: str
    availability: str
    created: bool


@dataclass(frozen=True, slots=True)
class LiveVolume:
    """A volume in one engine, or of the swarm's own, which has a ``cluster`` state.

    Values in the options that look secret are masked.
    """

    name: str
    driver: str
    options: Mapping[str, str]
    cluster: ClusterState | None = None

    @property
    def key(self) -> str:
        """The name; with a prefix that no local volume can have for one of the swarm's own.

        Both kinds may have the same name.
        """
        return f"{_CLUSTER}{self.name}" if self.cluster else self.name


@dataclass(frozen=True, slots=True)
class NfsServer:
    """The location of a volume's files: the ``path`` on the ``host`` (a name or an address)."""

    host: str
    port: int
    path: str

    @property
    def is_placeholder(self) -> bool:
        """Whether the host is a placeholder from a guide that was never replaced."""
        return _PLACEHOLDER.search(self.host) is not None


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume of a stack with all its mounts.

    ``live`` is the volume in the bot's own engine or of the swarm's own, None if there is none.
    ``flaw`` says why no node can use a volume of the swarm's own.
    """

    name: str
    mounts: tuple[VolumeMount, ...]
    live: LiveVolume | None = None
    flaw: str = ""

    @property
    def driver(self) -> str:
        """The driver that the services request; ``local`` by default."""
        named = (mount.driver for mount in self.mounts if mount.driver)
        default = "unknown" if self.is_cluster else "local"
        return next(named, self.live.driver if self.live else default)

    @property
    def is_cluster(self) -> bool:
        """Whether the services request a volume of the swarm's own."""
        return any(mount.cluster for mount in self.mounts)

    @property
    def options(self) -> Mapping[str, str]:
        """The options that the services request; if none does, those of the engine."""
        asked = next((mount.options for mount in self.mounts if mount.options), None)
        return asked if asked is not None else self.live.options if self.live else {}

    @property
    def nfs(self) -> NfsServer | None:
        """The volume's server, None if it is not on one."""
        return nfs_server(self.options)

    @property
    def differing(self) -> tuple[str, ...]:
        """Options for which the services request another value than the engine has.

        An engine never changes an existing volume: another value in the spec has no effect.
        """
        if self.live is None or not any(mount.options or mount.driver for mount in self.mounts):
            return ()
        names = dict.fromkeys([*OPTIONS_SHOWN, *self.options, *self.live.options])
        different = [n for n in names if self.options.get(n, "") != self.live.options.get(n, "")]
        driver = ["driver"] if self.driver != self.live.driver else []
        return (*driver, *different)


def volumes_of(
    mounts: Iterable[VolumeMount], live: Mapping[str, LiveVolume] | None
) -> tuple[Volume, ...]:
    """Volumes by name, each with its mounts by service. ``live`` is None if it is not known."""
    by_name: dict[tuple[str, bool], list[VolumeMount]] = {}
    for mount in mounts:
        by_name.setdefault((mount.name, mount.cluster), []).append(mount)
    return tuple(_volume(each, live) for _, each in sorted(by_name.items()))


def _volume(mounts: list[VolumeMount], live: Mapping[str, LiveVolume] | None) -> Volume:
    """The volume of mounts of one name and kind."""
    name, cluster = mounts[0].name, mounts[0].cluster
    ordered = tuple(sorted(mounts, key=lambda mount: (mount.service, mount.target)))
    if live is None:
        return Volume(name, ordered)
    flaw = why_unusable(name, live) if cluster else ""
    return Volume(name, ordered, live.get(f"{_CLUSTER}{name}" if cluster else name), flaw)


def why_unusable(source: str, live: Mapping[str, LiveVolume]) -> str:
    """Why no node can use a cluster volume, as a clause; "" if nothing is known against it.

    ``source`` is what a service mounts: a name, or ``group:NAME``. The rules are the scheduler's
    (swarmkit manager/scheduler/volumes.go), but for those about single nodes.
    """
    prefix, _, group = source.partition(_GROUP)
    in_group = not prefix and bool(group)
    found = [
        volume
        for volume in live.values()
        if volume.cluster and (volume.cluster.group == group if in_group else volume.name == source)
    ]
    if not found:
        named = f"in the group {group}" if in_group else f"named {source}"
        return f"there is no cluster volume {named}"
    flaws = [_flaw(volume) for volume in found]
    return flaws[0] if all(flaws) else ""


def _flaw(volume: LiveVolume) -> str:
    state = volume.cluster
    if state is None or (state.created and state.availability == "active"):
        return ""
    if not state.created:
        return f"cluster volume {volume.name} was never created by its CSI plugin {volume.driver}"
    word = "drained" if state.availability == "drain" else "paused"
    return f"cluster volume {volume.name} is {word}"


def nfs_server(options: Mapping[str, str]) -> NfsServer | None:
    """The server of a volume of type ``nfs`` or ``nfs4``, None for other volumes.

    ``addr=`` in ``o`` takes precedence over a host in ``device``, because the engine resolves the
    former.
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
