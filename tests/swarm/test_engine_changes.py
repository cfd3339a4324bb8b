"""A forced update and a roll back on a real swarm: the adapter alone."""

from __future__ import annotations

from tests.contract.changes_contract import ChangesContract


class TestEngineChanges(ChangesContract):
    """The contract, kept by real engines."""
