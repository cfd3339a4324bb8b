"""The stacks that come with the bot can be planned unchanged."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.errors import RefusedError
from bot.domain.jobs.deploy_plan import Plan, PlanAction
from bot.swarm.stacks.record import DockerStacks
from tests.lab.swarm import Lab
from tests.swarm.stack_bench import CLIENTS, KEY

SHIPPED = Path(__file__).resolve().parents[2] / "examples" / "stacks"
OROCHI = ("django", "es01", "kib01", "mailhog", "postgres", "redis", "scheduler", "worker01")


@pytest.fixture(params=CLIENTS)
async def stacks(
    lab: Lab, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[DockerStacks]:
    """The adapter over a copy of the folder, without variables."""
    for file in SHIPPED.glob("*.yml"):
        shutil.copy(file, tmp_path)
    made = DockerStacks(
        str(tmp_path), KEY, lab.manager.socket, program=request.param, resolve="never"
    )
    yield made
    await made.aclose()


def fields(plan: Plan, service: str) -> dict[str, str]:
    change = plan.service(service)
    assert change is not None
    assert change.action is PlanAction.CREATE
    return {each.field: each.new for each in change.fields}


async def test_orochi_wants_two_variables_and_is_planned_with_them(
    stacks: DockerStacks, tmp_path: Path
) -> None:
    """Its unchanged example gets a warning about the placeholder; the rest is as in the guide."""
    assert await stacks.names() == ("orochi", "portainer")
    with pytest.raises(RefusedError, match=r"the (address of the NFS server|password of the data)"):
        await stacks.record("orochi")
    shutil.copy(SHIPPED / "orochi.env.example", tmp_path / "orochi.env")

    plan = (await stacks.record("orochi")).plan

    assert [each.name for each in plan.services] == [f"orochi_{name}" for name in OROCHI]
    worker = fields(plan, "orochi_worker01")
    assert worker["image"] == "garanews/orochi_worker:latest"
    assert "addr=nfs_server_ip,nolock,soft,rw,nfsvers=4" in worker["mount /media"]
    assert ":/var/nfs/media" in worker["mount /media"]
    assert worker["environment POSTGRES_PASSWORD"].startswith("hidden (")
    order = [step.name.removeprefix("orochi_") for step in plan.steps]
    assert order[0] == "inside"
    assert order.index("es01") < order.index("scheduler") < order.index("worker01")
    server, tags = plan.warnings
    assert server.startswith("NFS volumes `elasticsearch_data`, `media_path`, `postgres_backups`, ")
    assert "the options have `nfs_server_ip`, a placeholder." in server
    assert tags.startswith("Images without a fixed version: ")


def test_every_variable_of_orochi_is_in_its_example() -> None:
    """The example has no unused variables either."""
    text = (SHIPPED / "orochi.yml").read_text()
    used = {part.partition("}")[0].partition(":")[0] for part in text.split("${")[1:]}
    lines = (SHIPPED / "orochi.env.example").read_text().splitlines()
    named = {line.lstrip("#").partition("=")[0] for line in lines if "=" in line.partition(" ")[0]}

    assert named == used


async def test_portainer_is_an_agent_everywhere_and_a_server_on_a_manager(
    stacks: DockerStacks, tmp_path: Path
) -> None:
    (tmp_path / "portainer.env").write_text("PORTAINER_NODE=photon-machine-01\n")

    plan = (await stacks.record("portainer")).plan

    agent, server = fields(plan, "portainer_agent"), fields(plan, "portainer_server")
    assert agent["mode"] == "global"
    assert agent["mount /var/run/docker.sock"] == "bind /var/run/docker.sock"
    assert server["replicas"] == "1"
    assert "node.role == manager" in str(server)
    assert plan.warnings == ()
