"""A bot that is killed while it deploys: another goes on, each change is made once."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from tests.desk import Desk, is_job
from tests.swarm.deploying import (
    V1,
    V2,
    Folder,
    Tripwire,
    compose,
    images,
    service,
    services,
    until_image,
)

NAMES = ("api", "cache", "db", "web")


def stack(image: str, *names: str) -> str:
    return compose(*(service(name, image) for name in names))


def updates(desk: Desk, since: float) -> Counter[str]:
    """How often each service was changed since then, by the engine's own events.

    Those that tell how the swarm is getting on with an update are left out.
    """
    client = desk.lab.client()
    events = client.events(
        since=int(since), until=int(time.time()) + 1, filters={"type": "service"}, decode=True
    )
    found = (each["Actor"]["Attributes"] for each in events if each.get("Action") == "update")
    return Counter(about["name"] for about in found if "updatestate.new" not in about)


@pytest.mark.parametrize("count", [1, 3, 4])
async def test_killed_after_an_update_that_nobody_noted(
    empty_desk: Desk, folder: Folder, tmp_path: Path, count: int
):
    """At the first, a middle and the last service: all are updated once, in the same message."""
    desk = empty_desk
    bot = await desk.start_bot()
    await folder.deployed(stack(V1, *NAMES))
    await bot.stop()
    folder.write(stack(V2, *NAMES))
    since = time.time()
    wire = Tripwire(desk.settings["DOCKER_HOST"], tmp_path / "s", rb"/services/\w+/update", count)
    async with wire:
        first = await desk.start_bot(DOCKER_HOST=wire.host)
        message = await folder.plan("deploy --yes")
        await asyncio.wait_for(wire.tripped.wait(), 30)
        await until_image(desk, f"orochi_{NAMES[count - 1]}", V2)
        await first.kill()
    await desk.start_bot()

    assert await folder.verdict(message) == "converged"
    assert set((await images(desk)).values()) == {V2}
    assert await asyncio.to_thread(updates, desk, since) == {f"orochi_{n}": 1 for n in NAMES}
    jobs = [each for each in desk.slack.workspace.messages.values() if is_job(each)]
    assert len(jobs) == 2


async def test_killed_in_a_first_deploy(empty_desk: Desk, folder: Folder, tmp_path: Path):
    """What was created is found, what is missing is created."""
    desk = empty_desk
    folder.write(stack(V1, *NAMES))
    since = time.time()
    async with Tripwire(
        desk.settings["DOCKER_HOST"], tmp_path / "s", rb"/services/create", 2
    ) as wire:
        first = await desk.start_bot(DOCKER_HOST=wire.host)
        message = await folder.plan("deploy --yes")
        await asyncio.wait_for(wire.tripped.wait(), 30)
        await until_image(desk, "orochi_cache", V1)
        await first.kill()
    await desk.start_bot()

    assert await folder.verdict(message) == "converged"
    assert sorted(await services(desk)) == [f"orochi_{name}" for name in NAMES]
    assert await asyncio.to_thread(updates, desk, since) == {}
    assert message.payload["running"] == 4


async def test_killed_after_a_removal_that_nobody_noted(
    empty_desk: Desk, folder: Folder, tmp_path: Path
):
    """The service is gone: the next worker sees that its containers are, too."""
    desk = empty_desk
    bot = await desk.start_bot()
    await folder.deployed(stack(V1, *NAMES))
    await bot.kill()
    folder.write(stack(V1, "web", "db", "api"))
    async with Tripwire(
        desk.settings["DOCKER_HOST"], tmp_path / "s", rb"/services/\w+", 1, method=rb"DELETE"
    ) as wire:
        first = await desk.start_bot(DOCKER_HOST=wire.host)
        message = await folder.plan("deploy --yes")
        await asyncio.wait_for(wire.tripped.wait(), 60)
        await first.kill()
    await desk.start_bot()

    assert await folder.verdict(message) == "converged"
    assert sorted(await services(desk)) == ["orochi_api", "orochi_db", "orochi_web"]


async def test_killed_right_after_confirm_the_job_begins_all_the_same(
    empty_desk: Desk, folder: Folder
):
    """Whatever of the press was lost: pressed again, it begins once or has begun."""
    desk = empty_desk
    folder.write(stack(V1, "web"))
    first = await desk.start_bot()
    message = await folder.plan()
    await desk.answer("jobs")  # by then the plan that was just posted is kept
    await desk.slack.press(message, "job.confirm")
    await first.kill()
    await desk.start_bot()

    with suppress(LookupError):  # the button has gone if the job has begun
        await desk.slack.press(message, "job.confirm")
    assert await folder.verdict(message, 90) == "converged"
