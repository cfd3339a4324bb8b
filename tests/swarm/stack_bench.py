"""A bench for deploys: a folder with our stack, and a twin that the docker CLI deploys."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.domain.deploys.file_contents import LABEL
from bot.domain.jobs.deploy_plan import Plan
from bot.swarm.stacks.planning import Recorded
from bot.swarm.stacks.record import DockerStacks
from tests.lab.shell import run, tool
from tests.lab.swarm import Lab

FOLDER = Path(__file__).parent / "stacks"
OURS, TWIN = "ours", "twin"
VARIABLES = {
    OURS: {"PORT": "18300", "SUBNET": "10.77.1.0/24"},
    TWIN: {"PORT": "18400", "SUBNET": "10.77.2.0/24"},
}
KEY = b"a key for tests"
_OWN = shutil.which("docker", path="/usr/bin") or tool("docker")
_OLD_ONES = "DOCKER_MIN_API_VERSION" not in os.environ
CLIENTS = sorted({tool("docker"), _OWN} if _OLD_ONES else {tool("docker")})
"""Every docker CLI of this machine that the engine accepts: their messages differ."""


def text_of(name: str) -> str:
    """One of the compose files."""
    return (FOLDER / f"{name}.yml").read_text()


class Workbench:
    """A folder with our stack, whose file changes, and a twin that the CLI deploys."""

    def __init__(self, lab: Lab, folder: Path, program: str) -> None:
        self.lab = lab
        self.folder = folder
        self.program = program
        self.stacks = DockerStacks(
            str(folder), KEY, lab.manager.socket, program=program, resolve="never"
        )
        for file in FOLDER.glob("*.txt"):
            shutil.copy(file, folder)
        lines = (f"{key}={value}\n" for key, value in VARIABLES[OURS].items())
        (folder / f"{OURS}.env").write_text("".join(lines))

    async def aclose(self) -> None:
        """Close the clients."""
        await self.stacks.aclose()

    def write(self, text: str) -> None:
        """Write our stack's file."""
        (self.folder / f"{OURS}.yml").write_text(text)

    async def deploy(self, deployed: Mapping[str, int | None] | None = None) -> Plan:
        """Record and apply every step."""
        recording = await self.stacks.record(OURS, deployed)
        await self.make(recording)
        return recording.plan

    async def make(self, recording: Recorded) -> list[bool]:
        """Apply every step of a recording; returns whether each one changed something."""
        return [(await self.stacks.apply(recording, step)).changed for step in recording.plan.steps]

    def deploy_twin(self) -> None:
        """Deploy the same file with the CLI."""
        env = {"DOCKER_HOST": self.lab.manager.socket, **VARIABLES[TWIN]}
        file = str(self.folder / f"{OURS}.yml")
        command = [*("stack", "deploy", "--prune", "--resolve-image=never"), "-c", file, TWIN]
        run([self.program, *command], env=env)

    def everything(self) -> dict[str, Any]:
        """All that a deploy can change. The swarm itself raises the versions of new services."""
        client = self.lab.client()
        networks = {raw["Name"]: raw["Id"] for raw in client.networks()}
        services = {raw["ID"]: raw["Spec"] for raw in client.services()}
        others = (*client.configs(), *client.secrets())
        return {**networks, **services, **{raw["ID"]: raw for raw in others}}

    def replicas(self) -> dict[str, int]:
        """The versions of our services."""
        return {
            raw["Spec"]["Name"]: raw["Spec"]["Mode"]["Replicated"]["Replicas"]
            for raw in self.lab.client().services()
        }

    def specs(self, stack: str) -> dict[str, Any]:
        """Comparable specs of a stack's objects by name: ids and the stack's name are replaced.

        So are the names of configs and secrets that are named by their content.
        """
        client = self.lab.client()
        of_stack = {"label": f"com.docker.stack.namespace={stack}"}
        networks = client.networks(filters=of_stack)
        configs, secrets = client.configs(filters=of_stack), client.secrets(filters=of_stack)
        names = {raw["Id"]: raw["Name"] for raw in networks}
        names |= {raw["ID"]: raw["Spec"]["Name"] for raw in (*configs, *secrets)}
        for raw in (*configs, *secrets):
            if raw["Spec"]["Labels"].pop(LABEL, None):
                name = raw["Spec"]["Name"]
                names[name] = name.rpartition("-")[0]
        found = {raw["Spec"]["Name"]: raw["Spec"] for raw in client.services(filters=of_stack)}
        found |= {raw["Spec"]["Name"]: raw["Spec"] for raw in (*configs, *secrets)}
        found |= {raw["Name"]: _lasting(raw) for raw in networks}
        text = json.dumps(found, sort_keys=True)
        for old, new in (*names.items(), (f"{stack}_", "S_"), (f'"{stack}"', '"S"')):
            text = text.replace(old, new)
        for value in VARIABLES[stack].values():
            text = text.replace(value.removesuffix(".0/24"), "40404")
        return dict(json.loads(text))


def _lasting(network: dict[str, Any]) -> dict[str, Any]:
    """The fields of a network that the file decides; the engine chooses the others."""
    kept = ("Driver", "Internal", "Attachable", "Ingress", "Labels", "Scope", "EnableIPv6")
    found = {key: network[key] for key in kept}
    if network["Internal"]:
        found["IPAM"] = network["IPAM"]
    return found
