"""A forced update and a roll back on a real swarm: only the adapter."""

from __future__ import annotations

from tests.contract.changes_contract import ChangesContract


class TestEngineChanges(ChangesContract):
    """The contract, on real engines."""
