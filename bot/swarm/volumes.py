"""Volumes, configs and secrets from service specs, and volumes of the bot's own engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.domain.swarm.volumes import ClusterState, LiveVolume, VolumeMount
from bot.domain.text.redaction import masked
from bot.swarm.connection import Connection, Json
from bot.swarm.wire import STACK_LABEL


class DockerVolumes:
    """Implements ``bot.ports.engine.Volumes``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def mounted(self, stack: str) -> tuple[VolumeMount, ...]:
        """The volumes that the services of a stack mount (of all services for ""), by name."""
        filters = {"label": [f"{STACK_LABEL}={stack}"]} if stack else None
        services = await self._connection.list("/services", filters)
        mounts = (mount for raw in services for mount in mounts_of(raw))
        return tuple(sorted(mounts, key=lambda mount: (mount.name, mount.service, mount.target)))

    async def live(self) -> Mapping[str, LiveVolume]:
        """The volumes of the bot's own engine and those of the swarm's own, by their keys."""
        answer = await self._connection.get("/volumes")
        found = (_live(raw) for raw in answer.get("Volumes") or [])
        return {volume.key: volume for volume in found}

    async def content_at(self, service_id: str, path: str) -> str:
        """The config or secret at a path of a service's containers, "" for neither."""
        return dict(_contents_of(await self._connection.get(f"/services/{service_id}"))).get(
            path, ""
        )


def mounts_of(raw: Json) -> Iterator[VolumeMount]:
    """The named volumes in the spec of one service (Engine API, ``TaskTemplate``)."""
    spec = raw.get("Spec") or {}
    container = (spec.get("TaskTemplate") or {}).get("ContainerSpec") or {}
    for mount in container.get("Mounts") or []:
        if mount.get("Type") in {"volume", "cluster"} and mount.get("Source"):
            driver = (mount.get("VolumeOptions") or {}).get("DriverConfig") or {}
            yield VolumeMount(
                name=str(mount["Source"]),
                service=str(spec.get("Name", "")),
                target=str(mount.get("Target", "")),
                driver=str(driver.get("Name") or ""),
                options=_options(driver.get("Options")),
                read_only=bool(mount.get("ReadOnly")),
                cluster=mount["Type"] == "cluster",
            )


def _contents_of(raw: Json) -> Iterator[tuple[str, str]]:
    """The path of each config and secret in the spec of one service, and which it is."""
    container = ((raw.get("Spec") or {}).get("TaskTemplate") or {}).get("ContainerSpec") or {}
    for kind, folder in (("Config", ""), ("Secret", "/run/secrets")):
        for each in container.get(f"{kind}s") or []:
            target = str((each.get("File") or {}).get("Name", ""))
            path = target if target.startswith("/") else f"{folder}/{target}"
            yield path, f"{kind.lower()} {each.get(f'{kind}Name', '')}"


def _live(raw: Json) -> LiveVolume:
    return LiveVolume(
        str(raw.get("Name", "")),
        str(raw.get("Driver", "")),
        _options(raw.get("Options")),
        _cluster(raw.get("ClusterVolume")),
    )


def _cluster(raw: Json | None) -> ClusterState | None:
    """The state of a volume of the swarm's own (Engine API, ``ClusterVolume``)."""
    if raw is None:
        return None
    spec, info = raw.get("Spec") or {}, raw.get("Info") or {}
    return ClusterState(
        group=str(spec.get("Group") or ""),
        availability=str(spec.get("Availability") or "active"),
        created=bool(info.get("VolumeID")),
    )


def _options(raw: Any) -> dict[str, str]:  # noqa: ANN401 - decoded JSON
    """Driver options; passwords, as of a CIFS share, are masked."""
    found = raw if isinstance(raw, dict) else {}
    return {str(name): _masked(str(name), str(value)) for name, value in found.items()}


def _masked(name: str, value: str) -> str:
    """One option's value, masked; the value of ``o`` has parts separated by commas."""
    parts = [masked(part) for part in value.split(",")]
    return masked(f"{name}={','.join(parts)}").removeprefix(f"{name}=")
