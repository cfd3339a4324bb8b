"""Paused updates with the whole bot on a real swarm: each has a way out."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.desk import Desk, images
from tests.lab.waiting import wait_until
from tests.swarm.changing import (
    NO_IMAGE,
    VIEWER,
    images_of,
    pause,
    raw,
    tasks,
    until,
    update,
    update_state,
)
from tests.swarm.test_scale import said, verdict

MONITORS = ("--update-monitor", "500ms", "--rollback-monitor", "1s")
QUICK = (*MONITORS, "--stop-grace-period", "1s", "--restart-delay", "500ms")
WAITS = "test -e /way/out || exit 3; exec serve"


async def failing(desk: Desk, folder: Path, replicas: int = 2) -> None:
    """The service ``worker01``, whose containers fail until there is a file ``out``."""
    mount = ("--mount", f"type=bind,src={folder},dst=/way")
    await desk.service(
        "worker01", "sh", "-c", WAITS, replicas=replicas, running=0, options=(*QUICK, *mount)
    )
    await desk.lab_settled("worker01")


async def failed_again(desk: Desk) -> None:
    """Wait for more failures of a paused update.

    Swarmkit forgets a resume while the updater that it has just paused still stops
    (manager/orchestrator/update/updater.go: ``Supervisor.Update``).
    """
    known = {task["ID"] for task in await tasks(desk, "worker01")}

    def failed() -> bool:
        found = desk.lab.client().tasks(filters={"service": ["orochi_worker01"]})
        new = (task for task in found if task["ID"] not in known)
        return len([task for task in new if task["Status"]["State"] == "failed"]) >= 2

    await asyncio.to_thread(wait_until, failed, "more failures", seconds=60)


@pytest.mark.parametrize("command", ["resume worker01", "scale 3", "restart worker01"])
async def test_a_mended_service_leaves_its_paused_roll_back(
    desk: Desk, tmp_path: Path, command: str
):
    """A crash loop, a restart that is paused, and a roll back of it that is paused as well."""
    await failing(desk, tmp_path)
    stopped = await desk.job("restart worker01")
    assert verdict(stopped) == "paused"
    assert "Fix what fails, then go on: `/orochi resume orochi_worker01`" in said(stopped)
    assert "Roll back" not in said(stopped)
    assert verdict(await desk.job("rollback worker01")) == "paused"
    (tmp_path / "out").touch()
    message = await desk.job(command)
    assert verdict(message) == "converged"
    assert update_state(await raw(desk, "worker01")) in {"", "completed"}


async def test_a_paused_update_goes_on_with_its_version(desk: Desk):
    """A version that still fails is paused again; other changes stay refused meanwhile.

    Of four replicas some stay old: the swarm goes on to the next task when one ran for a moment,
    and a scale is refused only while tasks of the former version run.
    """
    await desk.service("worker01", replicas=4, options=QUICK)
    await update(desk, "worker01", images.BUSY_NEXT, "--env-add", "A=1", "--args", "crash 0 3")
    await until(desk, "worker01", lambda now: update_state(now) == "paused")
    await failed_again(desk)
    before = await raw(desk, "worker01")
    assert "would resume the bad rollout" in await desk.answer("scale 5")
    assert "Only operators" in await desk.answer("resume worker01", user=VIEWER)
    assert await raw(desk, "worker01") == before
    message = await desk.job("resume worker01")
    after = await raw(desk, "worker01")
    assert verdict(message) == "paused"
    assert after["Spec"] == before["Spec"]
    assert after["UpdateStatus"]["StartedAt"] != before["UpdateStatus"]["StartedAt"]


async def test_only_a_paused_update_can_be_resumed(desk: Desk):
    """The refusal changes nothing."""
    await desk.service("worker01", options=QUICK)
    before = await raw(desk, "worker01")
    assert "has no paused update to resume" in await desk.answer("resume worker01")
    assert await raw(desk, "worker01") == before


async def test_a_refused_scale_counts_what_runs(desk: Desk):
    """It was queued behind the update that is paused now: two tasks of the old version run."""
    await desk.service("worker01", replicas=2, options=QUICK)
    await pause(desk, "worker01")
    assert images_of(await tasks(desk, "worker01")) != {NO_IMAGE}
    assert "0/" not in await desk.answer("scale 3")
