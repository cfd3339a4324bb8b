"""Engines and a registry that asks for a login: a real registry, real engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.private_registry_contract import PrivateRegistryContract
from tests.lab import images
from tests.lab.registry import RegistryServer
from tests.lab.swarm import Lab


@pytest.fixture
def shelf(lab: Lab, tmp_path: Path) -> Iterator[RegistryServer]:
    """A registry that asks for a login, with an image; each test has an address of its own."""
    with RegistryServer(lab, tmp_path, login=True) as server:
        server.push("app:1", images.busy_archives()[0])
        yield server


class TestPrivateRegistry(PrivateRegistryContract):
    """The contract, on real engines and a real registry."""
