"""A node of the lab's swarm: an engine with its own network card."""

from __future__ import annotations

from pathlib import Path

from tests.lab.engine import Engine
from tests.lab.shell import run, tool
from tests.lab.site import REGISTRIES, Site


class Node(Engine):
    """One engine of the swarm, named `photon-machine-01` and so on."""

    def __init__(self, site: Site, index: int, *, manager: bool) -> None:
        super().__init__(site, f"photon-machine-{index:02d}")
        self.index = index
        self.manager = manager

    @property
    def address(self) -> str:
        """The node's IPv4 address on the lab's bridge."""
        return self.site.address(self.index)

    @property
    def control_socket(self) -> Path:
        """The swarm control socket; it exists on running managers only."""
        return self.exec_root / "swarm" / "control.sock"

    def unplug(self) -> None:
        """Take the node off the lab's network; its engine and its containers keep running."""
        run(["ip", "link", "set", self.site.namespace(self.index), "down"])

    def plug_in(self) -> None:
        """Give the network back."""
        run(["ip", "link", "set", self.site.namespace(self.index), "up"])

    def _resolver(self) -> str:
        # Nothing listens at its own address, so names fail at once instead of after 20 s.
        return f"nameserver {self.address}\noptions timeout:1 attempts:1\n"

    def _options(self) -> list[str]:
        return [f"--insecure-registry={REGISTRIES}"]

    def _network(self) -> list[str]:
        # Not `ip netns exec`: that remounts /sys and hides the control groups.
        return [tool("nsenter"), f"--net=/var/run/netns/{self.site.namespace(self.index)}"]
