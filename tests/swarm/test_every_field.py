"""Real engines fulfil the contract of plans over every field."""

from __future__ import annotations

from tests.contract.every_field_contract import EveryFieldContract


class TestRealFields(EveryFieldContract):
    """The contract, on the lab."""
