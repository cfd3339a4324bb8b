"""The simulated swarm fulfils the contract of plans over every field."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.every_field_contract import EveryChangeContract
from tests.contract.simulated_lab import SimulatedLab


@pytest.fixture
def lab() -> Iterator[SimulatedLab]:
    """A simulated swarm of one manager, for one test."""
    with SimulatedLab(1) as found:
        yield found


class TestSimulatedFields(EveryChangeContract):
    """The contract, on the simulation."""
