"""Deploys through a plan have the same result as the docker CLI's own deploys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.jobs.deploy_plan import Kind, Plan, PlanAction, ReplicaRule
from tests.lab.swarm import Lab
from tests.swarm.stack_bench import CLIENTS, FOLDER, OURS, TWIN, Workbench, text_of

FILES = sorted(file.stem for file in FOLDER.glob("*.yml") if "." not in file.stem)
EVERYWHERE = ("contents", "networks", "volumes", "environment")
"""Files that are deployed by every docker CLI of this machine, the others by one."""
DEPLOYS = [(CLIENTS[-1], name) for name in FILES] + [
    (client, name) for client in CLIENTS[:-1] for name in EVERYWHERE
]


@pytest.fixture
async def bench(
    lab: Lab, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Workbench]:
    bench = Workbench(lab, tmp_path, getattr(request, "param", CLIENTS[-1]))
    yield bench
    await bench.aclose()


@pytest.mark.parametrize(("bench", "name"), DEPLOYS, indirect=["bench"])
async def test_the_specs_are_those_of_the_clis_own_deploy(bench: Workbench, name: str) -> None:
    """First deploy, change and repeat: equal field by field, with nothing left to do."""
    deployed: dict[str, int | None] = {}
    for version in (name, f"{name}.next", name):
        bench.write(text_of(version))
        plan = await bench.deploy(deployed)
        deployed = plan.file_replicas
        bench.deploy_twin()

        assert bench.specs(OURS) == bench.specs(TWIN), version
        assert not plan.empty
        assert (await bench.stacks.record(OURS, deployed)).plan.empty


async def test_a_plan_lists_changes_and_makes_none(bench: Workbench) -> None:
    """It has each field's old and new value; a changed secret is shown without its value."""
    bench.write(text_of("environment"))
    await bench.deploy({})
    before = bench.everything()
    bench.write(text_of("environment.next"))

    plan = (await bench.stacks.record(OURS, {})).plan

    assert bench.everything() == before
    (change,) = plan.services
    told = {each.field: (each.old, each.new) for each in change.changes}
    assert told["environment LEVEL"] == ("info", "debug")
    assert told["environment NUMBER"] == ("5", "")
    assert told["environment ADDED"] == ("", "1")
    old, new = told["environment DB_PASSWORD"]
    assert old.startswith("hidden (")
    assert new.startswith("hidden (")
    assert old != new
    assert "hunter" not in repr(plan)


async def test_contents_of_configs_and_secrets_are_not_in_the_plan(bench: Workbench) -> None:
    bench.write(text_of("contents"))

    recording = await bench.stacks.record(OURS)

    assert "sesame" not in repr(recording)
    assert "c2VzYW1l" not in repr(recording)
    kept = [step for step in recording.plan.steps if step.kind in {Kind.CONFIG, Kind.SECRET}]
    assert [step.name.rpartition("-")[0] for step in kept] == [
        "ours_second",
        "ours_settings",
        "ours_password",
    ]
    assert all(len(step.content) == 32 for step in kept)


async def test_dependencies_are_deployed_first_and_removals_last(
    bench: Workbench,
) -> None:
    bench.write(text_of("dependent"))
    first = await bench.deploy()
    bench.write(text_of("dependent.next"))
    second = (await bench.stacks.record(OURS)).plan

    assert [step.name.removeprefix("ours_") for step in first.steps] == [
        *("default", "cache", "zookeeper", "db", "app"),
    ]
    assert [(step.action, step.name) for step in second.steps] == [
        (PlanAction.UPDATE, "ours_app"),
        (PlanAction.REMOVE, "ours_cache"),
        (PlanAction.REMOVE, "ours_db"),
    ]
    assert second.removals == second.steps[1:]
    (ignored,) = first.warnings
    assert ignored.startswith("A swarm ignores `restart` in `ours.yml`. ")


async def test_a_manual_scale_is_kept_until_the_file_changes_it(
    bench: Workbench,
) -> None:
    """The CLI would reset it; the plan says which rule gave the number."""
    bench.write(text_of("replicas"))
    deployed = (await bench.deploy()).file_replicas
    bench.lab.docker("service", "scale", "--detach", "ours_two=3", "ours_unstated=2")

    kept = (await bench.stacks.record(OURS, deployed)).plan
    unknown = (await bench.stacks.record(OURS, None)).plan
    bench.write(text_of("replicas").replace("replicas: 2", "replicas: 1"))
    changed = await bench.deploy(deployed)

    assert kept.empty
    assert unknown.empty
    assert rules(kept) == {
        "ours_two": (3, ReplicaRule.SCALED),
        "ours_unstated": (2, ReplicaRule.UNSTATED),
        "ours_zero": (0, ReplicaRule.UNCHANGED),
    }
    assert rules(changed)["ours_two"] == (1, ReplicaRule.FILE)
    assert bench.replicas() == {"ours_two": 1, "ours_unstated": 2, "ours_zero": 0}


def rules(plan: Plan) -> dict[str, tuple[int | None, ReplicaRule]]:
    """How many replicas each service gets, and why."""
    return {each.name: (each.replicas.planned, each.replicas.rule) for each in plan.services}


@pytest.mark.parametrize("name", ["contents", "networks", "dependent"])
async def test_steps_can_be_repeated(bench: Workbench, name: str) -> None:
    """This also holds for a deploy that ended between a call and its record, and for removals."""
    for version in (name, f"{name}.next"):
        bench.write(text_of(version))
        recording = await bench.stacks.record(OURS)

        assert await bench.make(recording) == [True] * len(recording.plan.steps)
        assert await bench.make(recording) == [False] * len(recording.plan.steps)
