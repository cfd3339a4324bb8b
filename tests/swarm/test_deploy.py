"""Deploys through the whole bot on a real swarm: the plan, its Confirm, one verdict."""

from __future__ import annotations

import asyncio

import pytest

from tests.desk import Desk
from tests.lab.images import busy_archives
from tests.lab.registry import RegistryServer
from tests.swarm.changing import NO_IMAGE, VIEWER, images_of, tasks
from tests.swarm.deploying import V1, V2, Folder, compose, images, service, services
from tests.swarm.test_scale import said

OWN_NETWORK = "networks: {default: {}}\n"
TWO = compose(service("web", replicas=2), service("db"))


@pytest.fixture
async def desk(empty_desk: Desk, folder: Folder) -> Desk:
    """A desk with one bot that may deploy."""
    await empty_desk.start_bot()
    return empty_desk


async def test_a_first_deploy_is_shown_then_made(desk: Desk, folder: Folder):
    """One message from the plan to the verdict; nothing before Confirm."""
    folder.write(compose(service("web", replicas=2), service("db"), end=OWN_NETWORK))
    message = await folder.plan()
    payload = {key: message.payload[key] for key in ("action", "target", "state", "verdict")}

    assert payload == {"action": "deploy", "target": "orochi", "state": "queued", "verdict": None}
    assert "2 services are added" in said(message)
    assert "the network orochi_default" in said(message)
    assert await services(desk) == {}
    assert await folder.confirmed(message) == "converged"
    assert await images(desk) == {"orochi_web": V1, "orochi_db": V1}
    assert (message.payload["running"], message.payload["desired"]) == (3, 3)
    assert "All 2 services are as planned." in message.text
    assert "*web* added" in said(message)


async def test_a_changed_file_is_planned_field_by_field(desk: Desk, folder: Folder):
    """What changes, what goes, what stays; the bot's own change and nothing else."""
    await folder.deployed(compose(service("web"), service("db"), service("old")))
    before = await services(desk)
    folder.write(compose(service("web", V2), service("db"), service("new")))
    message = await folder.plan()

    assert "*old* will be removed (1 replica)" in said(message)
    assert f"image: `{V1}` → `{V2}`" in said(message)
    assert "*new* is added" in said(message)
    assert "1 unchanged" in said(message)
    assert await folder.confirmed(message) == "converged"
    assert f"*web* `{V1}` → `{V2}`" in said(message)
    assert "1 unchanged: all running" in said(message)
    after = await services(desk)
    assert sorted(after) == ["orochi_db", "orochi_new", "orochi_web"]
    assert after["orochi_db"]["Spec"] == before["orochi_db"]["Spec"]
    assert images_of(await tasks(desk, "web")) == {V2}
    assert "*old* · Removed." in said(message)


async def test_nothing_to_do_starts_nothing(desk: Desk, folder: Folder):
    await folder.deployed(TWO)
    before = await services(desk)

    assert "matches its file" in await desk.answer("deploy", seconds=20)
    assert await services(desk) == before


async def test_an_image_that_was_pushed_again_is_planned(
    desk: Desk, folder: Folder, registry: RegistryServer
):
    """The file and its tag are the same; while the registry is away, that is said."""
    name = f"{registry.address}/app:1"
    await folder.deployed(compose(service("web", name)))
    first = registry.digest("app:1")
    assert await images(desk) == {"orochi_web": f"{name}@{first}"}
    registry.take_away()
    answer = await desk.answer("deploy", seconds=60)
    assert f"It is unknown whether `{name}` was pushed again since" in answer
    registry.give_back()
    await asyncio.to_thread(registry.push, "app:1", busy_archives()[1])
    second = registry.digest("app:1")
    message = await folder.plan()
    assert "(the tag was pushed again)" in said(message)
    assert first[7:19] in said(message)
    assert second[7:19] in said(message)
    assert await folder.confirmed(message) == "converged"
    assert await images(desk) == {"orochi_web": f"{name}@{second}"}
    assert "matches its file" in await desk.answer("deploy", seconds=60)


async def test_a_bad_image_keeps_what_was_to_go_and_can_be_rolled_back(desk: Desk, folder: Folder):
    """The verdict names the service and why; the button shows the plan that brings it back."""
    await folder.deployed(compose(service("web"), service("db"), service("old")))
    folder.write(compose(service("web", NO_IMAGE), service("db")))
    message = await folder.plan()

    assert await folder.confirmed(message) == "paused"
    assert message.payload["cause"] == "pull_failed"
    assert "web: The swarm paused the update" in message.text
    assert "Not removed" in said(message)
    assert sorted(await services(desk)) == ["orochi_db", "orochi_old", "orochi_web"]
    known = {each.ts for each in desk.slack.workspace.messages.values()}
    await desk.slack.press(message, "job.rollback")
    back = await desk.slack.wait_for_message(
        lambda m: m.ts not in known and m.payload.get("action") == "deploy", timeout=30
    )
    assert "to version 1" in said(back)
    assert await folder.confirmed(back) == "converged"
    assert (await images(desk))["orochi_web"] == V1


async def test_a_viewer_may_neither_ask_nor_confirm(desk: Desk, folder: Folder):
    folder.write(TWO)
    assert "Only operators" in await desk.answer("deploy", user=VIEWER)
    message = await folder.plan()
    await desk.slack.press(message, "job.confirm", user=VIEWER)
    await desk.told(lambda m: "Only operators" in m.shown_text, user=VIEWER)

    assert await services(desk) == {}
    assert message.payload["state"] == "queued"
