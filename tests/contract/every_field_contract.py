"""The contract of plans over every field of a stack file, for real swarms and the simulated one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.jobs.deploy_plan import Plan
from bot.swarm.stacks.record import DockerStacks
from tests import every_field
from tests.contract.labs import AnyLab

STACK = "all"


class EveryFieldContract:
    """A deploy is followed by no plan, and each change by a plan of that change."""

    def docker(self) -> str:
        """The docker CLI."""
        return "docker"

    @pytest.fixture
    async def stacks(self, lab: AnyLab, tmp_path: Path) -> AsyncIterator[DockerStacks]:
        for name, text in every_field.FILES.items():
            (tmp_path / name).write_text(text)
        stacks = DockerStacks(
            str(tmp_path), b"a key", lab.manager.socket, program=self.docker(), resolve="never"
        )
        yield stacks
        await stacks.aclose()

    async def test_after_a_deploy_there_is_nothing_to_deploy(
        self, stacks: DockerStacks, tmp_path: Path
    ) -> None:
        (tmp_path / f"{STACK}.yml").write_text(every_field.text(every_field.STACK))
        await deploy(stacks)

        assert told((await stacks.record(STACK)).plan) == {}


class EveryChangeContract(EveryFieldContract):
    """The same, and each change is a plan of that change; for swarms that are quick."""

    async def test_every_field(self, stacks: DockerStacks, tmp_path: Path) -> None:
        file = tmp_path / f"{STACK}.yml"
        file.write_text(every_field.text(every_field.unchanged()))
        await deploy(stacks)
        assert told((await stacks.record(STACK)).plan) == {}

        file.write_text(every_field.text(every_field.changed()))
        plan = (await stacks.record(STACK)).plan
        expected = {name: fields for name, *_, fields in every_field.named_changes()}
        assert told(plan) == expected

        await deploy(stacks)
        assert told((await stacks.record(STACK)).plan) == {}


async def deploy(stacks: DockerStacks) -> None:
    """Apply every step of a new recording."""
    recording = await stacks.record(STACK)
    for step in recording.plan.steps:
        await stacks.apply(recording, step)


def told(plan: Plan) -> dict[str, str]:
    """The names of the changed fields by short names of services, and other steps."""
    found = {
        each.name.removeprefix(f"{STACK}_"): ", ".join(d.field for d in each.changes)
        for each in plan.services
        if each.action
    }
    return found | {s.name: s.kind.value for s in plan.steps if s.kind.value != "service"}
