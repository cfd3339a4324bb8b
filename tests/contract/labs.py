"""The lab's interface for contracts, for real engines and simulated ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from docker import APIClient


class AnyLab(Protocol):
    """A lab: ``tests.lab.swarm.Lab`` or ``tests.contract.simulated_lab.SimulatedLab``.

    Each has node objects of its own type.
    """

    nodes: list[Any]

    @property
    def manager(self) -> Any:
        """The first manager that runs."""

    def node(self, name: Any) -> Any:
        """The node with this number (from 1)."""

    def client(self) -> APIClient:
        """Low-level client of the docker SDK for a running manager."""

    def docker(self, *args: str, stdin: str | None = None) -> str:
        """Standard output of the real docker CLI."""

    def create_service(
        self, name: str, *command: str, replicas: int = 1, options: Sequence[str] = ()
    ) -> str:
        """Id of a new service."""

    def stop_node(self, node: Any) -> None:
        """Lose a node."""

    def start_node(self, node: Any) -> None:
        """Boot a lost node again."""

    def wait_ready(self) -> None:
        """Return when every node is ready."""

    def wait_running(self, service: str, count: int) -> None:
        """Return when exactly `count` tasks of the service run and should run."""
