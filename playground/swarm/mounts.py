"""Why a mount fails, in the engine's own words: pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from playground.swarm.model import Spec, part

NFS_SERVER: Final = "10.0.0.20"
"""The NFS server of the volumes of the guide's stack."""

_DATA: Final = "/var/lib/docker/volumes"
_HOST_PATHS: Final = frozenset({
    "/", "/etc", "/etc/localtime", "/etc/hosts", "/home", "/mnt", "/opt", "/proc", "/root", "/run",
    "/srv", "/sys", "/usr", "/var", "/var/lib", "/var/lib/docker", "/var/lib/docker/volumes",
    "/var/log", "/var/run", "/var/run/docker.sock", "/var/run/docker/swarm",
})  # fmt: skip


@dataclass(slots=True)
class Storage:
    """The state that mounts depend on.

    ``servers`` are the addresses and names of NFS servers; ``broken`` are the names of the volumes
    that cannot be mounted.
    """

    servers: set[str] = field(default_factory=lambda: {NFS_SERVER})
    broken: set[str] = field(default_factory=set)


def missing_bind(container: Spec) -> str:
    """The error for a bind mount whose source exists on no machine, else ""."""
    for mount in container.get("Mounts") or ():
        source = str(mount.get("Source", ""))
        options = part(mount, "BindOptions")
        made = options.get("CreateMountpoint")
        if mount.get("Type") == "bind" and source not in _HOST_PATHS and not made:
            return (
                f'invalid mount config for type "bind": bind source path does not exist: {source}'
            )
    return ""


def failing_volume(container: Spec, storage: Storage) -> tuple[str, bool]:
    """The error of a volume mount, or "", and whether the engine keeps trying.

    If it does, it retries with the same container.
    """
    for name, options in _nfs_volumes(container):
        where = f"{_DATA}/{name}/_data"
        head = f"starting container failed: error while mounting volume '{where}': "
        address = _address(str(options.get("o", "")))
        if not _resolves(address, storage):
            return (
                f"{head}error resolving passed in network volume address: "
                f"lookup {address}: no such host"
            ), True
        if name in storage.broken or (address and address not in storage.servers):
            reason = "no such device" if name in storage.broken else "no route to host"
            data = str(options.get("o", "")).replace(",rw", "")
            device = options.get("device", "")
            return (
                f"{head}failed to mount local volume: mount {device}:{where}, data: {data}: "
                f"{reason}"
            ), False
    return "", False


def nfs_volumes(container: Spec) -> list[str]:
    """The names of a container's volumes that are on an NFS server."""
    return [name for name, _ in _nfs_volumes(container)]


def _nfs_volumes(container: Spec) -> Iterator[tuple[str, Spec]]:
    for mount in container.get("Mounts") or ():
        options = part(mount, "VolumeOptions", "DriverConfig", "Options")
        if mount.get("Type") == "volume" and options.get("type") == "nfs":
            yield str(mount.get("Source", "")), options


def _address(options: str) -> str:
    found = (item.removeprefix("addr=") for item in options.split(",") if item.startswith("addr="))
    return next(found, "")


def _resolves(address: str, storage: Storage) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return not address or address in storage.servers
    return True
