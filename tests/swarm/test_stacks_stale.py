"""Plans that are out of date, and deploys that another replica continues."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.deploys.staleness import StepStanding, judge, stale
from bot.domain.errors import StalePlanError
from tests.lab.swarm import Lab
from tests.swarm.stack_bench import CLIENTS, OURS, Workbench, text_of


@pytest.fixture
async def bench(lab: Lab, tmp_path: Path) -> AsyncIterator[Workbench]:
    bench = Workbench(lab, tmp_path, CLIENTS[-1])
    yield bench
    await bench.aclose()


async def test_a_plan_is_valid_on_another_replica(bench: Workbench) -> None:
    """Ids and versions differ between recordings, the planned changes do not."""
    bench.write(text_of("contents"))
    other = Workbench(bench.lab, bench.folder, CLIENTS[-1])

    ours, others = await bench.stacks.record(OURS), await other.stacks.record(OURS)
    await other.aclose()

    assert ours.plan.digest == others.plan.digest
    assert stale(ours.plan, others.plan) == ()


async def test_a_service_that_somebody_changed_is_not_updated(bench: Workbench) -> None:
    """The step is refused with the difference; a new recording gives the same result."""
    bench.write(text_of("labels"))
    await bench.deploy()
    bench.write(text_of("labels.next"))
    confirmed = await bench.stacks.record(OURS)
    bench.lab.docker(
        "service", "update", "--detach", "--env-add", "DB_PASSWORD=hunter2", "--env-add", "A=1",
        "--no-resolve-image", "ours_web",
    )  # fmt: skip
    before = bench.everything()

    with pytest.raises(StalePlanError) as caught:
        await bench.stacks.apply(confirmed, confirmed.plan.steps[0])

    assert caught.value.sentence.startswith(
        "ours_web changed since the plan was made: environment A nothing → 1; "
        "environment DB_PASSWORD nothing → hidden ("
    )
    assert bench.everything() == before
    assert stale(confirmed.plan, (await bench.stacks.record(OURS)).plan) == (caught.value.sentence,)


async def test_a_higher_version_without_a_change_is_ignored(bench: Workbench) -> None:
    """After a restart of a manager, an update to the same spec raises only the index."""
    bench.write(text_of("labels"))
    await bench.deploy()
    bench.write(text_of("labels.next"))
    confirmed = await bench.stacks.record(OURS)
    bench.lab.docker("service", "update", "--detach", "ours_web")

    fresh = await bench.stacks.record(OURS)
    applied = await bench.stacks.apply(confirmed, confirmed.plan.steps[0])

    assert fresh.plan.steps[0].version > confirmed.plan.steps[0].version
    assert fresh.plan.digest == confirmed.plan.digest
    assert stale(confirmed.plan, fresh.plan) == ()
    assert applied.changed
    assert applied.service is not None
    assert applied.service.labels["team"] == "b"


async def test_a_deploy_continues_where_it_ended(bench: Workbench) -> None:
    """After each step another replica knows which steps are done, and makes the rest."""
    bench.write(text_of("networks"))
    await bench.deploy()
    bench.write(text_of("contents"))
    confirmed = (await bench.stacks.record(OURS)).plan

    for made in range(len(confirmed.steps)):
        fresh = await bench.stacks.record(OURS)
        judged = judge(confirmed, fresh.plan)
        standings = [each.standing for each in judged]
        expected = [StepStanding.DONE] * made + [StepStanding.TO_DO] * (len(judged) - made)
        assert standings == expected, [each.why for each in judged]
        assert stale(confirmed, fresh.plan) == ()
        assert (await bench.stacks.apply(fresh, confirmed.steps[made])).changed

    assert (await bench.stacks.record(OURS)).plan.empty


async def test_services_that_were_removed_or_created_since_the_plan(bench: Workbench) -> None:
    bench.write(text_of("dependent"))
    await bench.deploy()
    bench.write(text_of("dependent").replace("busy:1", "busy:2").replace("zookeeper", "keeper"))
    confirmed = await bench.stacks.record(OURS)
    bench.lab.docker("service", "rm", "ours_cache")
    bench.lab.create_service("ours_keeper", "/bin/serve", replicas=0)
    fresh = await bench.stacks.record(OURS)

    told = stale(confirmed.plan, fresh.plan)

    assert "ours_cache was removed since the plan was made." in told
    for name in ("ours_cache", "ours_keeper"):
        step = next(step for step in confirmed.plan.steps if step.name == name)
        with pytest.raises(StalePlanError, match=f"{name} was (removed|created by someone else)"):
            await bench.stacks.apply(confirmed, step)


async def test_a_file_that_changed_since_its_confirmation(bench: Workbench) -> None:
    bench.write(text_of("labels"))
    await bench.deploy()
    bench.write(text_of("labels.next"))
    confirmed = (await bench.stacks.record(OURS)).plan
    bench.write(text_of("labels.next").replace("team=b", "team=c"))

    (told,) = stale(confirmed, (await bench.stacks.record(OURS)).plan)

    assert told == (
        "The definition of ours_web in the stack's file or variables changed since the plan was "
        "made: label team b → c."
    )
