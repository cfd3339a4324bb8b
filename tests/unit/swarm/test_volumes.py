"""Volumes, configs and secrets of services as the Engine API returns them."""

from __future__ import annotations

from typing import Any, cast

import pytest

from bot.domain.swarm.volumes import ClusterState
from bot.swarm.connection import Connection
from bot.swarm.volumes import DockerVolumes, mounts_of

PENDING = {
    "ClusterVolume": {
        "ID": "i3jfo6uixydhy87jliouz3z57",
        "Spec": {"Group": "media", "AccessMode": {"Scope": "multi"}, "Availability": "drain"},
    },
    "Driver": "csi-nfs",
    "Labels": None,
    "Mountpoint": "",
    "Name": "vol1",
    "Options": None,
    "Scope": "global",
}
"""As engine 28.5 returned it while no plugin was installed."""


class Answers:
    """A connection with one answer."""

    def __init__(self, *volumes: dict[str, Any]) -> None:
        self._volumes = volumes

    async def get(self, path: str) -> Any:
        assert path == "/volumes"
        return {"Volumes": [*self._volumes]}


class Asked:
    """A connection with one service."""

    def __init__(self, service: dict[str, Any]) -> None:
        self._service = service
        self.paths: list[str] = []

    async def get(self, path: str) -> Any:
        self.paths.append(path)
        return self._service


@pytest.mark.parametrize(
    ("info", "created"), [({}, False), ({"Info": {}}, False), ({"Info": {"VolumeID": "7"}}, True)]
)
async def test_a_volume_of_the_swarms_own(info: dict[str, Any], created: bool):
    raw = {**PENDING, "ClusterVolume": {**cast("Any", PENDING["ClusterVolume"]), **info}}
    found = await DockerVolumes(cast("Connection", Answers(raw))).live()

    assert found["cluster/vol1"].driver == "csi-nfs"
    assert found["cluster/vol1"].cluster == ClusterState("media", "drain", created)


def test_mounts_of_both_kinds_are_read_and_others_are_not():
    kinds = ("volume", "cluster", "bind", "tmpfs")
    mounts = [{"Type": kind, "Source": kind, "Target": "/data"} for kind in kinds]
    spec = {"Name": "web", "TaskTemplate": {"ContainerSpec": {"Mounts": mounts}}}

    assert [(each.name, each.cluster) for each in mounts_of({"Spec": spec})] == [
        ("volume", False),
        ("cluster", True),
    ]


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/etc/nginx/conf.d", "config site_conf"),
        ("/site", "config site"),
        ("/run/secrets/key", "secret key"),
        ("/srv/key", "secret other"),
        ("/nothing", ""),
    ],
)
async def test_a_config_or_secret_is_found_by_its_path(path: str, named: str):
    configs = [("site_conf", "/etc/nginx/conf.d"), ("site", "site")]
    secrets = [("key", "key"), ("other", "/srv/key")]
    container = {
        "Configs": [
            {"ConfigName": "runtime", "Runtime": {}},
            *({"ConfigName": name, "File": {"Name": target}} for name, target in configs),
        ],
        "Secrets": [{"SecretName": name, "File": {"Name": target}} for name, target in secrets],
    }
    asked = Asked({"Spec": {"TaskTemplate": {"ContainerSpec": container}}})

    found = await DockerVolumes(cast("Connection", asked)).content_at("s1", path)

    assert (found, asked.paths) == (named, ["/services/s1"])
