"""The swarm in memory, kept up to date by real control sockets."""

from __future__ import annotations

from tests.contract.cache_contract import CacheContract


class TestCache(CacheContract):
    """The contract, on the lab."""
