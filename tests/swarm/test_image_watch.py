"""Services whose labels ask for newer images, with the whole bot and a registry on a real swarm."""

from __future__ import annotations

import asyncio
import re

from playground.slack import Message
from tests.desk import Desk, finished, is_job
from tests.lab import images
from tests.lab.registry import RegistryServer
from tests.swarm.alerting import ALERTS
from tests.swarm.changing import images_of, tasks
from tests.swarm.test_scale import said, verdict

WATCHING = {"BOT_ALERTS_CHANNEL": ALERTS, "BOT_IMAGE_WATCH_SECONDS": "1"}


async def watched(desk: Desk, registry: RegistryServer, *labels: str) -> str:
    """A service with labels, pinned to what is then pushed over; returns its new image."""
    name = f"{registry.address}/app:1"
    options = tuple(f"--label=orochi-bot.{label}" for label in labels)
    pinned = f"{name}@{registry.digest('app:1')}"
    await desk.service("worker01", image=pinned, options=options)
    await asyncio.to_thread(registry.push, "app:1", images.busy_archives()[1])
    return f"{name}@{registry.digest('app:1')}"


def notices(desk: Desk) -> list[Message]:
    """The notices of newer images."""
    return [each for each in desk.slack.workspace.messages.values() if "image_of" in each.payload]


async def test_a_newer_image_is_told_once_and_its_button_rolls_it_out(
    empty_desk: Desk, registry: RegistryServer
):
    desk = empty_desk
    newer = await watched(desk, registry, "watch-image=notify")
    for _ in range(2):
        await desk.start_bot(**WATCHING)
    notice = await desk.slack.wait_for_message(lambda m: "image_of" in m.payload, timeout=60)
    assert notice.channel == ALERTS
    assert "orochi_worker01" in said(notice)
    assert f"→ `{newer.partition('@sha256:')[2][:12]}`" in said(notice)

    await desk.slack.press(notice, "image.update")
    message = await desk.slack.wait_for_message(finished, timeout=60)

    assert verdict(message) == "converged", said(message)
    assert images_of(await tasks(desk, "worker01")) == {newer}
    assert len(notices(desk)) == 1


async def test_a_newer_image_is_rolled_out_by_itself_and_nobody_is_mentioned(
    empty_desk: Desk, registry: RegistryServer
):
    desk = empty_desk
    labels = ("watch-image=update", "update-window=mon-sun 00:00-24:00")
    newer = await watched(desk, registry, *labels)
    for _ in range(2):
        await desk.start_bot(**WATCHING)

    message = await desk.slack.wait_for_message(
        lambda m: finished(m) and m.channel == ALERTS, timeout=60
    )

    assert verdict(message) == "converged", said(message)
    assert "Begun by the service's label" in said(message)
    assert "<@" not in said(message)
    assert images_of(await tasks(desk, "worker01")) == {newer}
    jobs = [each for each in desk.slack.workspace.messages.values() if is_job(each)]
    assert jobs == [message]
    assert notices(desk) == []


async def test_outside_its_window_nothing_is_rolled_out(empty_desk: Desk, registry: RegistryServer):
    """And a label that is not valid is said in the log."""
    desk = empty_desk
    newer = await watched(desk, registry, "watch-image=update", "update-window=whenever")
    bot = await desk.start_bot(**WATCHING)
    await bot.wait_for_log("is not like `sat 02:00-04:00`", seconds=60)
    answer = await desk.answer("images")
    assert re.search(rf"newer: .*`{newer.partition('@sha256:')[2][:7]}`", answer)
    assert "is not like `sat 02:00-04:00` (UTC)" in answer
    assert [each for each in desk.slack.workspace.messages.values() if is_job(each)] == []
