"""Volumes that the swarm manages itself, on a real swarm without a CSI plugin."""

from __future__ import annotations

import pytest

from tests.desk import Desk
from tests.lab import engines
from tests.lab.shell import CommandError
from tests.swarm.test_scale import said, verdict

VOLUME = ("--driver", "csi-nfs", "--type", "mount", "--scope", "multi", "--sharing", "all")
NEVER_MADE = "cluster volume media was never created by its CSI plugin csi-nfs"


async def test_a_volume_that_no_plugin_created_is_named(desk: Desk) -> None:
    """The scheduler only says that it cannot fulfill the mounts."""
    if engines.chosen().version.startswith("20."):
        with pytest.raises(CommandError, match=r"unknown flag|requires API"):
            await desk.docker("volume", "create", *VOLUME, "media")
        return
    await desk.docker("volume", "create", *VOLUME, "--group", "shared", "media")
    mount = "type=cluster,source={},target=/data"
    await desk.service("web", replicas=0, options=["--mount", mount.format("media")])
    await desk.service("worker01", replicas=0, options=["--mount", mount.format("group:shared")])
    await desk.service("worker02", replicas=0, options=["--mount", mount.format("nothing")])

    for name, reason in (
        ("web", NEVER_MADE),
        ("worker01", NEVER_MADE),
        ("worker02", "there is no cluster volume named nothing"),
    ):
        message = await desk.job(f"scale {name} 1")
        assert verdict(message) == "unschedulable"
        assert f"Every node: {reason}" in said(message)

    listed = await desk.answer("volumes")
    assert "3 volumes, 3 unhealthy" in listed
    assert f"No node can use it: {NEVER_MADE}." in listed
