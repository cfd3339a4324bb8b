"""Real engines fulfil the contract of plans over every field."""

from __future__ import annotations

from tests.contract.every_field_contract import EveryFieldContract
from tests.lab import engines


class TestRealFields(EveryFieldContract):
    """The contract, on the lab."""

    def docker(self) -> str:
        """The newest one, as in the bot's image: older ones do not know schema 3.13."""
        return engines.newest_cli()
