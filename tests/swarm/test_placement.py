"""Placement against the real scheduler: what is said not to fit stays pending, the rest runs."""

from __future__ import annotations

from tests.contract.placement_contract import PlacementContract


class TestPlacement(PlacementContract):
    """The contract, kept by swarmkit's scheduler."""
