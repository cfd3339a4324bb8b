"""Volumes as the Engine API returns them."""

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
