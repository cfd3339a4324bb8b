"""Placement against the real scheduler: tasks predicted not to fit stay pending, the rest run."""

from __future__ import annotations

from tests.contract.placement_contract import PlacementContract


class TestPlacement(PlacementContract):
    """The contract, with swarmkit's scheduler."""
