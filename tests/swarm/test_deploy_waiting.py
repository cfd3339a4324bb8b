"""Plans that wait: confirmed once, cancelled, expired, or overtaken by somebody else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.desk import Desk, is_job
from tests.swarm.changing import tasks
from tests.swarm.deploying import (
    V1,
    V2,
    Folder,
    changed_by_hand,
    compose,
    images,
    service,
    services,
    specs,
    until_image,
)
from tests.swarm.test_scale import said

CAROL = "U0CAR00001"
ONE, NEXT = compose(service("web")), compose(service("web", V2))


@pytest.fixture
def folder(empty_desk: Desk, tmp_path: Path) -> Folder:
    """A folder with a stack of one service."""
    folder = Folder(empty_desk, tmp_path)
    folder.write(ONE)
    return folder


@pytest.fixture
async def desk(empty_desk: Desk, folder: Folder) -> Desk:
    """A desk with two replicas of the bot: a press goes to any of them."""
    await empty_desk.start_bot()
    await empty_desk.start_bot()
    return empty_desk


async def test_of_two_presses_one_starts_the_job(desk: Desk, folder: Folder):
    """Pressed twice at once, on whatever replicas: one job, one message, one verdict."""
    message = await folder.plan()
    await asyncio.gather(*(desk.slack.press(message, "job.confirm") for _ in range(4)))
    await desk.told(lambda m: "already confirmed" in m.shown_text)

    assert await folder.verdict(message) == "converged"
    jobs = [each for each in desk.slack.workspace.messages.values() if is_job(each)]
    assert jobs == [message]
    assert len(await tasks(desk, "web")) == 1


async def test_a_cancelled_plan_changes_nothing(desk: Desk, folder: Folder):
    message = await folder.plan()
    old = message.content
    await desk.slack.press(message, "job.cancel")
    await desk.told(lambda m: "Plan cancelled" in m.shown_text)

    assert await folder.verdict(message) == "cancelled"
    assert "Nothing was changed" in said(message)
    assert "Cancelled by <@" in said(message)
    assert await services(desk) == {}
    assert old != message.content
    assert "There is no job" in await desk.answer(f"cancel {message.payload['job_id']}")


async def test_a_plan_is_cancelled_by_its_id_too(desk: Desk, folder: Folder):
    message = await folder.plan()

    answer = await desk.answer(f"cancel {message.payload['job_id']}")
    assert "Plan cancelled. Nothing was changed." in answer
    assert await folder.verdict(message) == "cancelled"


async def test_a_plan_that_nobody_confirms_expires(empty_desk: Desk, folder: Folder):
    """Once, though two replicas look; what is pressed afterwards is told."""
    desk = empty_desk
    for _ in range(2):
        await desk.start_bot(BOT_PLAN_SECONDS="1")
    message = await folder.plan()

    assert await folder.verdict(message) == "cancelled"
    assert "Nobody confirmed it in time" in said(message)
    assert await services(desk) == {}


async def test_a_service_that_was_changed_by_hand_makes_the_plan_stale(desk: Desk, folder: Folder):
    """Refused with which field of which service, old and new; nothing is done."""
    await folder.deployed(ONE)
    folder.write(NEXT)
    message = await folder.plan()
    await changed_by_hand(desk, "orochi_web", "--env-add", "BY_HAND=1")
    before = await specs(desk)

    assert await folder.confirmed(message) == "refused"
    assert "orochi_web changed since the plan was made: environment BY_HAND" in said(message)
    assert "Nothing was changed" in said(message)
    assert await specs(desk) == before


async def test_a_service_that_was_scaled_meanwhile_makes_the_plan_stale(desk: Desk, folder: Folder):
    await folder.deployed(ONE)
    folder.write(NEXT)
    message = await folder.plan()
    await changed_by_hand(desk, "orochi_web", "--replicas", "2")

    assert await folder.confirmed(message) == "refused"
    assert "replicas 1 → 2" in said(message)
    assert await images(desk) == {"orochi_web": V1}


async def test_a_file_that_changed_meanwhile_makes_the_plan_stale(desk: Desk, folder: Folder):
    """What was confirmed is not what the file says now."""
    message = await folder.plan()
    folder.write(NEXT)

    assert await folder.confirmed(message) == "refused"
    assert "The definition of orochi_web in the stack's file or variables changed" in said(message)
    assert await services(desk) == {}


async def test_replicas_that_were_set_by_hand_are_kept_and_told(desk: Desk, folder: Folder):
    await folder.deployed(ONE)
    await desk.job("scale web=3")
    folder.write(NEXT)
    message = await folder.plan()

    assert "web keeps its 3 replicas: set by hand; the file says 1" in said(message)
    assert await folder.confirmed(message) == "converged"
    assert message.payload["running"] == 3
    folder.write(compose(service("web", V2, replicas=2)))
    again = await folder.plan()
    assert "web goes from 3 replicas to 2, the number in the file" in said(again)


async def test_deploys_of_one_stack_queue_up_and_others_go_side_by_side(desk: Desk, folder: Folder):
    """The second says what it waits for; the other stack's does not wait."""
    folder.write(compose(service("web", more="    stop_signal: SIGKILL\n")), "shop")
    first = await folder.plan("deploy --yes")
    await until_image(desk, "orochi_web", V1)
    folder.write(NEXT)
    second = await folder.plan("deploy")
    await desk.slack.press(second, "job.confirm")
    other = await folder.plan("deploy shop --yes")

    assert await folder.verdict(other) == "converged"
    assert await folder.verdict(first) == "converged"
    assert await folder.verdict(second) == "converged"
    assert await images(desk) == {"orochi_web": V2, "shop_web": V1}


async def test_a_broken_file_is_refused_with_what_is_wrong(desk: Desk, folder: Folder):
    """To the person alone; nothing is posted."""
    folder.write(ONE.replace("    image:", "    imagination:"))
    answer = await desk.answer("deploy", seconds=20)

    assert "`orochi.yml` has an unknown key" in answer
    assert "Nothing was changed" in answer
    assert "There is no stack file `shop.yml`" in await desk.answer("deploy shop", seconds=20)
    assert [each for each in desk.slack.workspace.messages.values() if is_job(each)] == []


async def test_stopping_to_wait_says_what_was_made(desk: Desk, folder: Folder):
    """The swarm goes on with what it was told."""
    folder.write(compose(service("web", command="crash 0 0"), service("db")))
    message = await folder.plan("deploy --yes")
    await until_image(desk, "orochi_web", V1)
    await desk.slack.wait_for_message(
        lambda m: m is message and "plan steps done" in said(m), timeout=20
    )
    await desk.slack.press(message, "job.cancel")

    verdict = await folder.verdict(message)
    assert "2 of 2 plan steps done" in said(message)
    assert verdict in {"cancelled", "crash_looping"}
    assert sorted(await services(desk)) == ["orochi_db", "orochi_web"]
