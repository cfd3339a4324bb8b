"""The lab is a real swarm, and leaves nothing behind."""

from __future__ import annotations

from tests.lab.swarm import Lab


def test_all_nodes_are_ready_under_their_names(lab: Lab) -> None:
    states = lab.node_states()

    assert states == {f"photon-machine-{number:02d}": "ready" for number in (1, 2, 3)}


def test_a_service_runs_on_every_node(lab: Lab) -> None:
    lab.create_service("everywhere", replicas=3, options=["--replicas-max-per-node", "1"])

    lab.wait_running("everywhere", 3)
