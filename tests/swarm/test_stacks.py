"""Deploys through the plan come to what the docker CLI's own deploys come to."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain.plan import Plan
from bot.swarm.stacks.planning import Recorded
from bot.swarm.stacks.record import DockerStacks
from tests.lab.shell import run, tool
from tests.lab.swarm import Lab

FOLDER = Path(__file__).parent / "stacks"
FILES = sorted(file.stem for file in FOLDER.glob("*.yml") if "." not in file.stem)
OURS, TWIN = "ours", "twin"
VARIABLES = {
    OURS: {"PORT": "18300", "SUBNET": "10.77.1.0/24"},
    TWIN: {"PORT": "18400", "SUBNET": "10.77.2.0/24"},
}
KEY = b"a key for tests"
CLIENTS = sorted({tool("docker"), shutil.which("docker", path="/usr/bin") or tool("docker")})


class Workbench:
    """A folder with our stack, whose file changes, and its twin that the CLI deploys."""

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

    def write(self, text: str) -> None:
        """Our stack's file from now on."""
        (self.folder / f"{OURS}.yml").write_text(text)

    async def deploy(self, **options: Any) -> Plan:
        """Record and make every step."""
        recording = await self.stacks.record(OURS, **options)
        await self.make(recording)
        return recording.plan

    async def make(self, recording: Recorded) -> list[bool]:
        """Make every step of a recording; whether each changed something."""
        return [(await self.stacks.apply(recording, step)).changed for step in recording.plan.steps]

    def deploy_twin(self) -> None:
        """The CLI's own deploy of the same file."""
        env = {"DOCKER_HOST": self.lab.manager.socket, **VARIABLES[TWIN]}
        file = str(self.folder / f"{OURS}.yml")
        command = [*("stack", "deploy", "--prune", "--resolve-image=never"), "-c", file, TWIN]
        run([self.program, *command], env=env)

    def specs(self, stack: str) -> dict[str, Any]:
        """Whole specs of a stack's objects by name, with names in place of ids, as the twin's."""
        client = self.lab.client()
        of_stack = {"label": f"com.docker.stack.namespace={stack}"}
        networks = client.networks(filters=of_stack)
        configs, secrets = client.configs(filters=of_stack), client.secrets(filters=of_stack)
        names = {raw["Id"]: raw["Name"] for raw in networks}
        names |= {raw["ID"]: raw["Spec"]["Name"] for raw in (*configs, *secrets)}
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
    """What of a network the file decides; the engine chooses the rest."""
    kept = ("Driver", "Internal", "Attachable", "Ingress", "Labels", "Scope", "EnableIPv6")
    found = {key: network[key] for key in kept}
    if network["Internal"]:
        found["IPAM"] = network["IPAM"]
    return found


@pytest.fixture
async def bench(lab: Lab, tmp_path: Path) -> AsyncIterator[Workbench]:
    bench = Workbench(lab, tmp_path, tool("docker"))
    yield bench
    await bench.stacks.aclose()


def text_of(name: str) -> str:
    return (FOLDER / f"{name}.yml").read_text()


@pytest.mark.parametrize("name", FILES)
async def test_the_specs_are_those_of_the_clis_own_deploy(bench: Workbench, name: str) -> None:
    """First, changed and once more: field by field, and nothing is left to do after each."""
    deployed: dict[str, int | None] = {}
    for version in (name, f"{name}.next", name):
        bench.write(text_of(version))
        plan = await bench.deploy(deployed=deployed)
        deployed = plan.file_replicas
        bench.deploy_twin()

        assert bench.specs(OURS) == bench.specs(TWIN), version
        assert not plan.empty
        assert (await bench.stacks.record(OURS, deployed)).plan.empty
