"""Roll backs with the whole bot on a real swarm: previous version, current replicas."""

from __future__ import annotations

import asyncio

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.views.slack.blocks import actions, button
from playground.slack import Message
from playground.slack.server import SWARM
from tests.desk import STACK, Desk, finished, images, is_job
from tests.lab.waiting import wait_until
from tests.swarm.changing import (
    NO_IMAGE,
    VIEWER,
    images_of,
    pause,
    raw,
    tasks,
    under_way,
    until,
    update,
    update_state,
)
from tests.swarm.test_scale import changed_fields, said, verdict

MONITORS = ("--update-monitor", "500ms", "--rollback-monitor", "1s")
QUICK = (*MONITORS, "--stop-grace-period", "1s")
V1, V2 = images.BUSY, images.BUSY_NEXT


async def updated(desk: Desk, *options: str, replicas: int = 2) -> None:
    """The service ``worker01``, updated from the first version to the second."""
    await desk.service("worker01", replicas=replicas, options=QUICK)
    await update(desk, "worker01", V2, *options)
    await until(desk, "worker01", lambda now: update_state(now) == "completed")


async def buttons(desk: Desk, values: dict[str, str]) -> Message:
    """Post a message of the bot with buttons, as alerts have them: action ids and values."""
    row = actions([button(action, action, value) for action, value in values.items()])
    client = AsyncWebClient(token=desk.slack.tokens.bot, base_url=desk.slack.base_url)
    posted = await client.chat_postMessage(channel=SWARM, text="alert", blocks=[dict(row)])
    return desk.slack.workspace.messages[SWARM, posted["ts"]]


async def test_a_paused_update_is_rolled_back_with_its_replicas(desk: Desk):
    """The update to the bad version is paused; the roll back converges on the previous spec."""
    await desk.service("worker01", replicas=3, options=QUICK)
    before = await raw(desk, "worker01")
    await pause(desk, "worker01")
    message = await desk.job("rollback worker01")
    after = await raw(desk, "worker01")
    assert message.payload == {
        "job_id": message.payload["job_id"],
        "action": "rollback",
        "target": "orochi_worker01",
        "state": "finished",
        "verdict": "converged",
        "cause": None,
        "running": 3,
        "desired": 3,
    }
    assert f"*worker01* `{NO_IMAGE}` → `{V1}`" in said(message)
    assert after["Spec"] == before["Spec"]
    assert update_state(after) == "rollback_completed"
    assert images_of(await tasks(desk, "worker01")) == {V1}


async def test_a_roll_back_keeps_the_current_replicas(desk: Desk):
    """After an update of version and replicas, the version goes back and the replicas stay."""
    await desk.service("worker01", replicas=1, options=QUICK)
    before = await raw(desk, "worker01")
    await update(desk, "worker01", V2, "--replicas", "3", "--env-add", "A=1")
    await until(desk, "worker01", lambda now: update_state(now) == "completed")
    message = await desk.job("rollback worker01")
    after = await raw(desk, "worker01")
    assert (verdict(message), message.payload["running"]) == ("converged", 3)
    assert changed_fields(before["Spec"], after["Spec"]) == ["Mode.Replicated.Replicas"]
    assert images_of(await tasks(desk, "worker01")) == {V1}


async def test_a_roll_back_after_a_scale_is_refused(desk: Desk):
    """V1 → V2, 1 → 3: the swarm's previous spec is V2 too. The refusal says what happened."""
    await updated(desk, replicas=1)
    await desk.job("scale 3")
    before = await raw(desk, "worker01")
    answer = await desk.answer("rollback worker01")
    assert "the last change was a scale" in answer
    assert V2 in answer
    assert "Nothing was changed" in answer
    assert await raw(desk, "worker01") == before


async def test_a_roll_back_after_a_restart_is_refused(desk: Desk):
    """V1 → V2, restart: the refusal says that it was a restart."""
    await updated(desk, replicas=1)
    await desk.job("restart worker01")
    before = await raw(desk, "worker01")
    assert "the last change was a restart" in await desk.answer("rollback worker01")
    assert await raw(desk, "worker01") == before


async def test_a_roll_back_queued_behind_a_scale_is_refused(desk: Desk):
    """The roll back was requested during a scale: it is refused when its turn comes."""
    await updated(desk, replicas=1)
    await desk.type("scale 3")
    await under_way(desk)
    await desk.type("rollback worker01")
    message = await desk.slack.wait_for_message(
        lambda m: finished(m) and m.payload["action"] == "rollback", timeout=30
    )
    assert verdict(message) == "refused"
    assert "the last change was a scale" in said(message)
    assert (await raw(desk, "worker01"))["Spec"]["Mode"]["Replicated"]["Replicas"] == 3


async def test_a_service_that_never_changed_is_refused(desk: Desk):
    """There is no previous version; unknown names get suggestions; viewers are refused."""
    await desk.service("worker01", options=QUICK)
    before = await raw(desk, "worker01")
    assert "no older version" in await desk.answer("rollback worker01")
    assert "Did you mean `worker01`?" in await desk.answer("rollback worker1")
    assert "Only operators" in await desk.answer("rollback worker01", user=VIEWER)
    assert await raw(desk, "worker01") == before


async def test_a_second_roll_back_is_refused(desk: Desk):
    """A second roll back would restore the second version."""
    await updated(desk)
    await desk.job("rollback worker01")
    before = await raw(desk, "worker01")
    answer = await desk.answer("rollback worker01")
    assert "is already rolled back" in answer
    assert V2 in answer
    assert await raw(desk, "worker01") == before


async def test_a_running_update_is_rolled_back(desk: Desk):
    """A roll back does not need to wait for the end of an update."""
    options = ("--update-delay", "1m", *QUICK)
    await desk.service("worker01", replicas=3, options=options)
    await update(desk, "worker01", V2)
    await until(desk, "worker01", lambda now: update_state(now) == "updating")
    message = await desk.job("rollback worker01")
    assert verdict(message) == "converged"
    assert images_of(await tasks(desk, "worker01")) == {V1}


async def test_a_failed_restart_is_rolled_back(desk: Desk):
    """It was paused halfway: the other tasks keep running, and scaling works again."""
    await desk.service(
        "worker01", "crash", "0", "3", running=0, options=("--restart-delay", "500ms", *QUICK)
    )
    await desk.lab_settled("worker01")
    stopped = await desk.job("restart worker01")
    assert verdict(stopped) == "paused"
    message = await desk.job("rollback worker01")
    assert verdict(message) == "paused"
    assert "The rollback failed and was paused" in said(message)
    assert "exit 3" in said(message)


async def test_a_label_is_rolled_back_without_new_tasks(desk: Desk):
    """Nothing in the tasks' template changed, so they keep running."""
    await desk.service("worker01", replicas=2, options=QUICK)
    old = await tasks(desk, "worker01")
    await desk.docker("service", "update", "--detach", "--label-add", "a=b", f"{STACK}_worker01")
    message = await desk.job("rollback worker01")
    assert verdict(message) == "converged"
    assert "a" not in (await raw(desk, "worker01"))["Spec"]["Labels"]
    assert {task["ID"] for task in await tasks(desk, "worker01")} == {task["ID"] for task in old}


async def test_the_button_of_a_paused_job_rolls_the_service_back(desk: Desk):
    """A restart with a bad version pauses and offers a roll back; the button makes it converge."""
    await desk.service("worker01", replicas=2, options=("--update-monitor", "4s"))
    await desk.type("scale 2")
    message = await desk.slack.wait_for_message(
        lambda m: is_job(m) and m.payload["running"] == 2, timeout=20
    )
    await update(desk, "worker01", NO_IMAGE, "--restart-delay", "500ms")
    await desk.slack.wait_for_message(lambda m: m is message and finished(m), timeout=60)
    assert verdict(message) == "paused"
    await desk.slack.press(message, "job.rollback", user=VIEWER)
    await desk.told(lambda m: "Only operators" in m.shown_text, user=VIEWER)
    await desk.slack.press(message, "job.rollback")
    back = await desk.slack.wait_for_message(
        lambda m: finished(m) and m.payload["action"] == "rollback", timeout=60
    )
    assert verdict(back) == "converged"
    assert images_of(await tasks(desk, "worker01")) == {V1}


@pytest.mark.parametrize("replicas", [2, 3], ids=["the same number", "another number"])
async def test_a_killed_bots_roll_back_is_taken_over_and_made_once(empty_desk: Desk, replicas: int):
    """It is killed right after the change: a second roll back would restore the second version."""
    desk = empty_desk
    await updated(desk, "--replicas", str(replicas), "--update-monitor", "4s")
    old = await raw(desk, "worker01")
    first = await desk.start_bot()
    await desk.type("rollback worker01")
    await until(
        desk,
        "worker01",
        lambda now: now["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] == V1,
    )
    await first.kill()
    await desk.start_bot()
    message = await desk.slack.wait_for_message(finished, timeout=60)
    now = await raw(desk, "worker01")
    assert verdict(message) == "converged"
    assert now["PreviousSpec"] == old["Spec"]
    assert now["Spec"]["Mode"]["Replicated"]["Replicas"] == replicas
    assert images_of(await tasks(desk, "worker01")) == {V1}


def rejected(desk: Desk) -> set[str]:
    """The ids of the tasks of ``worker01`` that no node could run."""
    found = desk.lab.client().tasks(filters={"service": [f"{STACK}_worker01"]})
    return {task["ID"] for task in found if task["Status"]["State"] == "rejected"}


def wait_for_another(desk: Desk, before: set[str]) -> None:
    """Return when a task other than these was rejected."""
    wait_until(lambda: rejected(desk) - before, "another rejected task", every=0.01)


async def test_a_roll_back_while_the_swarm_judges_a_failed_task_has_its_own_verdict(desk: Desk):
    """The failed task exists while the old container still stops: exactly when an alert appears.

    In some of the tries the engine writes the old update's pause over the roll back.
    """
    options = (*MONITORS, "--stop-grace-period", "3s")
    stubborn = "trap '' TERM; while :; do sleep 1; done"
    await desk.service("worker01", "/bin/sh", "-c", stubborn, options=options)
    for _ in range(4):
        before = rejected(desk)
        await update(desk, "worker01", NO_IMAGE)
        await asyncio.to_thread(wait_for_another, desk, before)
        message = await desk.job("rollback worker01")
        assert verdict(message) == "converged", said(message)
        assert update_state(await raw(desk, "worker01")) in {"completed", "rollback_completed"}


async def test_a_service_of_another_stack_is_restarted_and_rolled_back_by_buttons(desk: Desk):
    """The buttons of alerts carry full names; the job belongs to the service's own stack."""
    options = ("--label", "com.docker.stack.namespace=shop", *QUICK)
    await asyncio.to_thread(
        lambda: desk.lab.create_service("shop_web", "serve", replicas=1, options=options)
    )
    await asyncio.to_thread(desk.lab.wait_running, "shop_web", 1)
    await desk.docker(
        "service", "update", "--detach", "--no-resolve-image", "--image", NO_IMAGE,
        "--restart-delay", "500ms", "shop_web",
    )  # fmt: skip
    assert "Did you mean `shop/web`?" in await desk.answer("rollback web")
    alert = await buttons(desk, {"job.rollback": "service:shop_web", "job.restart": "shop_web"})
    await desk.slack.press(alert, "job.rollback")
    back = await desk.slack.wait_for_message(finished, timeout=60)
    assert (verdict(back), back.payload["target"]) == ("converged", "shop_web")
    assert "stack shop" in said(back)
    await desk.slack.press(alert, "job.restart")
    again = await desk.slack.wait_for_message(lambda m: m is not back and finished(m), timeout=60)
    assert (verdict(again), again.payload["action"]) == ("converged", "restart")
