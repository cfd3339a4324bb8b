"""Resources other than CPU and memory, on a real swarm."""

from __future__ import annotations

from tests.desk import Desk
from tests.swarm.test_scale import said, verdict


async def test_a_resource_that_no_node_has_is_named(desk: Desk) -> None:
    """The scheduler only says that resources are insufficient."""
    await desk.service("worker01", replicas=0, options=["--generic-resource", "NVIDIA-GPU=1"])

    message = await desk.job("scale 2")

    assert verdict(message) == "unschedulable"
    assert "3 nodes: needs 1 NVIDIA-GPU, 0 free" in said(message)
