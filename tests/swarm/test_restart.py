"""Restarts with the whole bot on a real swarm: each task is replaced once, no more changes."""

from __future__ import annotations

import asyncio

from tests.desk import STACK, Desk, finished, images
from tests.swarm.changing import VIEWER, pause, raw, running, tasks, under_way, until, update
from tests.swarm.test_scale import changed_fields, mentions, said, verdict

MONITOR = ("--update-monitor", "1s", "--update-delay", "0s")
SLOW = ("--update-monitor", "6s")


async def test_every_task_is_replaced_once_and_the_spec_stays(desk: Desk):
    """All three tasks are new, each created once; only the counter of forced updates changed."""
    await desk.service("worker01", replicas=3, options=MONITOR)
    before, old = await raw(desk, "worker01"), running(await tasks(desk, "worker01"))
    message = await desk.job("restart worker01")
    after, kept = await raw(desk, "worker01"), await tasks(desk, "worker01")
    assert message.payload == {
        "job_id": message.payload["job_id"],
        "action": "restart",
        "target": "orochi_worker01",
        "state": "finished",
        "verdict": "converged",
        "cause": None,
        "running": 3,
        "desired": 3,
    }
    assert "restart worker01" in said(message)
    assert changed_fields(before["Spec"], after["Spec"]) == ["TaskTemplate.ForceUpdate"]
    assert after["PreviousSpec"] == before["Spec"]
    assert len(running(kept)) == 3
    assert not running(kept) & old
    assert {task["ID"] for task in kept} == running(kept) | old


async def test_a_global_service_is_restarted_on_every_node(desk: Desk):
    """The number of tasks is the number of nodes; the thread names the requester."""
    await desk.docker(
        "service", "create", "--quiet", "--detach", "--no-resolve-image", "--mode", "global",
        "--name", f"{STACK}_agent", "--label", f"com.docker.stack.namespace={STACK}",
        "--stop-grace-period", "1s", *MONITOR, images.BUSY, "serve",
    )  # fmt: skip
    await asyncio.to_thread(desk.lab.wait_running, f"{STACK}_agent", 3)
    old = running(await tasks(desk, "agent"))
    message = await desk.job("restart agent")
    assert (verdict(message), message.payload["running"]) == ("converged", 3)
    assert not running(await tasks(desk, "agent")) & old
    assert "restart agent: *converged*" in (await mentions(desk, message, 1))[0]


async def test_a_run_to_completion_service_runs_again(desk: Desk):
    """A restarted job service has converged when its new run has completed."""
    await desk.docker(
        "service", "create", "--quiet", "--detach", "--no-resolve-image",
        "--mode", "replicated-job", "--replicas", "2", "--restart-condition", "none",
        "--name", f"{STACK}_import", "--label", f"com.docker.stack.namespace={STACK}",
        images.BUSY, "once", "0",
    )  # fmt: skip
    await desk.job("scale import 2")
    message = await desk.job("restart import")
    assert (verdict(message), message.payload["running"]) == ("completed", 2)
    assert len(await tasks(desk, "import")) == 4


async def test_a_restart_of_zero_tasks_converges_without_an_update(desk: Desk):
    """With zero replicas it converges at once without an update, and says so."""
    await desk.service("worker01", replicas=0)
    before = await desk.inspect("worker01")
    message = await desk.job("restart worker01", seconds=30)
    assert verdict(message) == "converged"
    assert "It has no tasks to restart. Nothing was changed." in said(message)
    assert await desk.inspect("worker01") == before


async def test_a_crashing_service_is_paused_with_its_exit_code(desk: Desk):
    """The new task fails like the old ones: the swarm pauses, and the verdict has the exit code.

    A roll back would bring the same version: the way out is to fix it and go on.
    """
    options = ("--restart-delay", "500ms", "--update-monitor", "5s")
    await desk.service("worker01", "crash", "0", "3", running=0, options=options)
    await desk.lab_settled("worker01")
    message = await desk.job("restart worker01")
    assert verdict(message) == "paused"
    assert message.payload["cause"] == "exit_code"
    assert "exit 3" in said(message)
    assert "`/orochi resume orochi_worker01`" in said(message)


async def test_a_service_that_ignores_failures_is_crash_looping(desk: Desk):
    """With failure action continue the swarm calls the update completed; the verdict is correct."""
    await desk.service(
        "worker01", "crash", "0", "3", running=0,
        options=("--restart-delay", "500ms", "--update-failure-action", "continue",
                 "--update-monitor", "2s"),
    )  # fmt: skip
    await desk.lab_settled("worker01")
    message = await desk.job("restart worker01")
    assert verdict(message) == "failed"
    assert "exit 3" in said(message)


async def test_a_restart_that_the_swarm_reverts_is_rolled_back(desk: Desk):
    """With failure action rollback: a failure with its cause, and exactly one update was made."""
    options = ("--restart-delay", "500ms", "--update-failure-action", "rollback")
    await desk.service("worker01", "crash", "0", "3", running=0, options=options)
    await desk.lab_settled("worker01")
    message = await desk.job("restart worker01")
    assert verdict(message) in {"rolled_back", "paused"}
    assert "exit 3" in said(message)
    spec = (await desk.inspect("worker01"))["Spec"]
    assert spec["TaskTemplate"]["ForceUpdate"] == 0


async def test_while_an_update_is_paused_a_restart_is_refused(desk: Desk):
    """A restart would resume the bad update, so the reply advises a roll back; nothing changes."""
    await desk.service("worker01", replicas=2, options=MONITOR)
    await pause(desk, "worker01")
    before = await desk.inspect("worker01")
    answer = await desk.answer("restart worker01")
    assert "`/orochi rollback orochi_worker01`" in answer
    assert "Nothing was changed" in answer
    assert await desk.inspect("worker01") == before


async def test_unknown_services_and_viewers_are_refused(desk: Desk):
    """An unknown name gets suggestions; a viewer is refused."""
    await desk.service("worker01", options=MONITOR)
    before = await desk.inspect("worker01")
    assert "Did you mean `worker01`?" in await desk.answer("restart worker1")
    assert "Only operators" in await desk.answer("restart worker01", user=VIEWER)
    assert await desk.inspect("worker01") == before


async def test_another_version_supersedes_the_restart(desk: Desk):
    """Another person deploys another image while the restart is followed."""
    await desk.service("worker01", replicas=2, options=SLOW)
    await desk.type("restart worker01")
    message = await under_way(desk)
    await desk.slack.wait_for_message(
        lambda m: m is message and m.payload["running"] == 1, timeout=20
    )
    await update(desk, "worker01", images.BUSY_NEXT)
    await desk.slack.wait_for_message(lambda m: m is message and finished(m), timeout=20)
    assert verdict(message) == "superseded"


async def test_a_killed_bots_restart_is_taken_over_with_one_update(empty_desk: Desk):
    """SIGKILL right after the change: another replica finds it made and ends the same message."""
    desk = empty_desk
    await desk.service("worker01", replicas=2, options=SLOW)
    first = await desk.start_bot()
    old = await raw(desk, "worker01")
    await desk.type("restart worker01")
    await until(desk, "worker01", lambda now: now["Spec"]["TaskTemplate"]["ForceUpdate"] == 1)
    await first.kill()
    await desk.start_bot()
    message = await desk.slack.wait_for_message(finished, timeout=60)
    assert verdict(message) == "converged"
    now = await raw(desk, "worker01")
    assert (now["Spec"]["TaskTemplate"]["ForceUpdate"], now["PreviousSpec"]) == (1, old["Spec"])
    assert len(await tasks(desk, "worker01")) == 4
