"""Scaling through the whole bot on a real swarm: a slash command in, a true verdict out.

The numbers are those of the table of scenarios in ``docs/convergence.md``.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

from playground.slack import Message
from tests.desk import STACK, Desk, finished, images, is_job, states
from tests.lab.registry import FAILS, RegistryServer
from tests.lab.shell import CommandError

MONITOR = ("--update-monitor", "2s")


def said(message: Message) -> str:
    """All that a job's message shows."""
    return message.shown_text


def verdict(message: Message) -> str:
    """The verdict in a job's metadata."""
    return str(message.payload["verdict"])


async def containers(desk: Desk, name: str) -> int:
    """How many containers of a service run, counted on the nodes themselves."""

    def count() -> int:
        label = f"com.docker.swarm.service.name={STACK}_{name}"
        return sum(
            len(node.client().containers(filters={"label": [label]})) for node in desk.lab.nodes
        )

    return await asyncio.to_thread(count)


async def test_row_1_scale_up_converges_in_one_message(desk: Desk):
    """1 → 5: one message goes from queued to converged, five run, the spec changed in one field."""
    await desk.service("worker01", options=MONITOR)
    before = await desk.inspect("worker01")
    message = await desk.job("scale 5")
    after = await desk.inspect("worker01")
    assert states(message)[-1] == "finished"
    assert "running" in states(message)
    assert message.payload == {
        "job_id": message.payload["job_id"],
        "action": "scale",
        "target": "orochi_worker01",
        "state": "finished",
        "verdict": "converged",
        "cause": None,
        "running": 5,
        "desired": 5,
    }
    assert await containers(desk, "worker01") == 5
    assert changed_fields(before["Spec"], after["Spec"]) == ["Mode.Replicated.Replicas"]


async def test_row_2_scale_down_waits_for_the_surplus_containers(desk: Desk):
    """5 → 2 is said only when the three surplus containers have stopped."""
    await desk.service("worker01", "stubborn", replicas=4, options=("--stop-grace-period", "3s"))
    message = await desk.job("scale 1")
    assert verdict(message) == "converged"
    assert await containers(desk, "worker01") == 1


async def test_row_3_scale_to_nothing(desk: Desk):
    """Zero is reached only when nothing runs any more."""
    await desk.service("worker01", "stubborn", replicas=2, options=("--stop-grace-period", "3s"))
    message = await desk.job("scale 0")
    assert verdict(message) == "converged"
    assert await containers(desk, "worker01") == 0


async def test_row_4_no_node_meets_the_constraint(desk: Desk):
    """The scheduler's own words, which nodes fail which filter, and within ten seconds."""
    await desk.service("worker01", running=0, options=("--constraint", "node.labels.disk == ssd"))
    await desk.pending("worker01")
    message = await desk.job("scale 3", seconds=20)
    assert verdict(message) == "unschedulable"
    assert "no suitable node" in said(message)
    assert "node.labels.disk" in said(message)


async def test_row_4_the_scheduler_says_so_after_the_change(desk: Desk):
    """Already at that number: nothing is changed, and the verdict is the scheduler's own."""
    await desk.service(
        "worker01", running=0, replicas=2, options=("--constraint", "node.labels.disk == ssd")
    )
    message = await desk.job("scale 2", seconds=20)
    assert verdict(message) == "unschedulable"
    assert "no suitable node" in said(message)
    assert "node.labels.disk" in said(message)


async def test_row_5_a_reservation_no_node_can_give(desk: Desk):
    """The preflight says how many would fit; nothing is changed."""
    await desk.service("worker01", options=("--reserve-memory", "8g"))
    before = await desk.inspect("worker01")
    message = await desk.job("scale 40", seconds=30)
    assert verdict(message) == "unschedulable"
    assert "of 40" in said(message)
    assert "Nothing was changed" in said(message)
    assert await desk.inspect("worker01") == before


async def test_row_6_crash_loop(desk: Desk):
    """A container that exits at once: the exit code and its last log lines, escaped."""
    await desk.service(
        "worker01", "crash", "0", "3", replicas=0, options=("--restart-delay", "500ms")
    )
    message = await desk.job("scale 1")
    assert verdict(message) == "crash_looping"
    assert message.payload["cause"] == "exit_code"
    assert "3" in said(message)
    assert "fatal: connection refused &lt;db:5432&gt; &amp; giving up" in said(message)


async def test_row_7_a_late_crash_revises_the_verdict(empty_desk: Desk):
    """Converged is provisional: what crashes later turns it, and the person is told again."""
    desk = empty_desk
    await desk.start_bot(BOT_WATCH_SECONDS="30")
    await desk.service(
        "worker01", "crash", "4", replicas=0,
        options=("--update-monitor", "2s", "--restart-delay", "500ms"),
    )  # fmt: skip
    message = await desk.job("scale 1")
    assert verdict(message) == "converged"
    await desk.slack.wait_for_message(
        lambda m: finished(m) and m.payload["verdict"] == "crash_looping", timeout=40
    )
    verdicts = [
        (edit.content.metadata or {})["event_payload"]["verdict"] for edit in message.history
    ]
    assert list(dict.fromkeys(filter(None, verdicts))) == ["converged", "crash_looping"]
    thread = await mentions(desk, message, 2)
    assert [word in text for word, text in zip(("converged", "crash"), thread, strict=True)]


async def mentions(desk: Desk, message: Message, count: int) -> list[str]:
    """What is said in a message's thread, once there are ``count`` messages."""

    def thread() -> list[str]:
        all_messages = desk.slack.workspace.messages.values()
        return [m.shown_text for m in all_messages if m.thread_ts == message.ts != m.ts]

    await desk.slack.workspace.until(lambda: len(thread()) >= count or None, 10)
    return thread()


async def test_row_8_image_missing(desk: Desk, registry: RegistryServer):
    """An image that its registry does not have, and one whose registry fails, so nobody knows."""
    names = [f"{registry.address}/none:{tag}" for tag in "89"]
    for service, image in zip(("worker01", "worker02"), names, strict=True):
        await desk.service(service, image=image, replicas=0, options=("--restart-delay", "500ms"))
    missing = await desk.job("scale worker01 1")
    assert verdict(missing) == missing.payload["cause"] == "image_missing"
    assert f"has no image `{names[0]}`" in said(missing)
    registry.says(FAILS)
    failed = await desk.job("scale worker02 1")
    assert verdict(failed) == failed.payload["cause"] == "pull_failed"
    assert f"The node could not pull `{names[1]}`" in said(failed).replace("the node", "The node")


async def test_a_config_over_a_directory(desk: Desk, tmp_path: Path):
    """It is no volume: which path of the image is a directory, and what to write instead."""
    (tmp_path / "site").write_text("x")
    await desk.docker("config", "create", "site", str(tmp_path / "site"))
    await desk.service(
        "worker01",
        replicas=0,
        options=("--config=source=site,target=/bin", "--restart-delay", "500ms"),
    )
    message = await desk.job("scale 1")
    assert verdict(message) == "config_failed"
    assert "cannot be mounted at /bin: that is a directory in the image" in said(message)
    assert "At /bin" in said(message)
    assert "config site" in said(message)
    assert "Name a file as its `target`" in said(message)


async def test_a_network_without_a_free_address(desk: Desk):
    """Its tasks stay new without an error: the verdict says what they wait for."""
    subnet = ("--driver=overlay", "--subnet=10.99.7.0/29")
    await desk.docker("network", "create", *subnet, "narrow")
    await desk.service("worker01", replicas=0, options=("--network=narrow",))
    message = await desk.job("scale 9", seconds=90)
    assert verdict(message) == "network_failed"
    assert "for an address" in said(message)
    assert "larger subnet" in said(message)


async def bad_update_during(desk: Desk, text: str, action: str, *options: str) -> Message:
    """Somebody updates to an image that does not exist while a job waits; the job's message."""
    await desk.service("worker01", replicas=3, options=("--update-monitor", "4s"))
    await desk.type(text)
    message = await desk.slack.wait_for_message(
        lambda m: is_job(m) and m.payload["running"] == 3, timeout=20
    )
    await desk.docker(
        "service", "update", "--detach", "--no-resolve-image", "--image", "lab/none:9",
        "--update-failure-action", action, "--restart-delay", "500ms", *options,
        "orochi_worker01",
    )  # fmt: skip
    return await desk.slack.wait_for_message(lambda m: m is message and finished(m), timeout=60)


async def test_rows_9_and_12_a_paused_update(desk: Desk):
    """An update fails and pauses: the verdict says so with the cause; a scale is then refused."""
    message = await bad_update_during(desk, "scale 3", "pause")
    assert verdict(message) == "paused"
    assert "lab/none:9" in said(message)
    before = await desk.inspect("worker01")
    answer = await desk.answer("scale 5")
    assert "`/orochi rollback orochi_worker01`" in answer
    assert "Nothing was changed" in answer
    assert await desk.inspect("worker01") == before


async def test_row_10_rolled_back_is_a_failure(desk: Desk):
    """An update that rolls back by itself is no success: the cause is told."""
    message = await bad_update_during(desk, "scale 3", "rollback")
    assert verdict(message) == "rolled_back"
    assert "lab/none:9" in said(message)


async def test_row_11_a_failed_update_that_goes_on(desk: Desk):
    """Failure action continue: completed for Docker, failed in truth, with how many run."""
    message = await bad_update_during(
        desk, "scale 3", "continue", "--update-monitor", "500ms", "--restart-delay", "20s"
    )
    assert verdict(message) == "failed"
    assert message.payload["running"] < 3
    assert "lab/none:9" in said(message)


async def test_row_13_run_to_completion(desk: Desk):
    """A job service scaled to three completions; one that fails is told with its exit code."""
    for name, code in (("import", "0"), ("export", "4")):
        await desk.docker(
            "service", "create", "--quiet", "--detach", "--no-resolve-image",
            "--mode", "replicated-job", "--replicas", "1", "--restart-condition", "none",
            "--name", f"orochi_{name}", "--label", f"com.docker.stack.namespace={STACK}",
            images.BUSY, "once", code,
        )  # fmt: skip
    done = await desk.job("scale import 3")
    assert verdict(done) == "completed"
    assert (done.payload["running"], done.payload["desired"]) == (3, 3)
    failed = await desk.job("scale export 2")
    assert verdict(failed) == "failed"
    assert "exit 4" in said(failed)


async def test_row_14_global_service(desk: Desk):
    """A global service cannot be scaled; its status counts the eligible nodes only."""
    await desk.docker("node", "update", "--availability", "drain", "photon-machine-03")
    await desk.docker(
        "service", "create", "--quiet", "--detach", "--no-resolve-image", "--mode", "global",
        "--name", "orochi_agent", "--label", f"com.docker.stack.namespace={STACK}",
        images.BUSY, "serve",
    )  # fmt: skip
    await asyncio.to_thread(desk.lab.wait_running, "orochi_agent", 2)
    refusal = await desk.answer("scale agent 2")
    assert "global" in refusal
    status = await desk.answer("status")
    assert "2/2" in status
    assert "drain" in status.lower()
    message = await desk.job("restart agent")
    assert verdict(message) == "converged"
    assert (message.payload["running"], message.payload["desired"]) == (2, 2)


async def test_row_14_global_service_with_a_node_that_is_down(desk: Desk):
    """Its task there can be neither stopped nor made anew: the others are what counts."""
    await desk.docker(
        "service", "create", "--quiet", "--detach", "--no-resolve-image", "--mode", "global",
        "--name", "orochi_agent", "--label", f"com.docker.stack.namespace={STACK}",
        "--update-monitor", "1s", images.BUSY, "serve",
    )  # fmt: skip
    await asyncio.to_thread(desk.lab.wait_running, "orochi_agent", 3)
    lost = next(
        node
        for node in desk.lab.nodes
        if node is not desk.lab.leader and node.socket != desk.settings["DOCKER_HOST"]
    )
    await asyncio.to_thread(desk.lab.stop_node, lost)
    await asyncio.to_thread(desk.lab.wait_node_state, lost, "down")
    message = await desk.job("restart agent", seconds=60)
    assert verdict(message) == "converged"
    assert (message.payload["running"], message.payload["desired"]) == (2, 2)


async def test_row_15_a_node_is_lost_in_mid_scale(desk: Desk):
    """The tasks of a lost node are followed to where they go; converged when it is true."""
    await desk.service("worker01", replicas=1, options=("--update-monitor", "12s"))
    lost = next(
        node
        for node in desk.lab.nodes
        if node is not desk.lab.leader and node.socket != desk.settings["DOCKER_HOST"]
    )
    await desk.type("scale 5")
    await asyncio.to_thread(desk.lab.wait_running, "orochi_worker01", 5)
    await asyncio.to_thread(desk.lab.stop_node, lost)
    message = await desk.slack.wait_for_message(finished, timeout=90)
    if verdict(message) == "converged":
        survivors = [node for node in desk.lab.nodes if node is not lost]
        label = "com.docker.swarm.service.name=orochi_worker01"
        running = sum(
            len(node.client().containers(filters={"label": [label]})) for node in survivors
        )
        assert running == 5
    else:
        raise AssertionError(said(message))


HEALTH = (
    "--health-interval", "300ms", "--health-retries", "2", "--health-timeout", "1s",
    "--restart-delay", "500ms", "--stop-grace-period", "1s",
)  # fmt: skip


async def test_row_16_unhealthy(desk: Desk):
    """A health check that never passes, told by the engine in the task's error."""
    await desk.service("worker01", "stubborn", image=images.UNHEALTHY, replicas=0, options=HEALTH)
    message = await desk.job("scale 1")
    assert verdict(message) == "unhealthy"
    assert message.payload["cause"] == "unhealthy"


async def test_row_16_unhealthy_without_any_error(desk: Desk):
    """Stopped as unhealthy and exiting 0: no error anywhere but in the container's own record."""
    here = await desk.docker("info", "--format", "{{.Name}}")
    options = (*HEALTH, "--constraint", f"node.hostname == {here.strip()}")
    await desk.service("worker01", image=images.UNHEALTHY, replicas=0, options=options)
    message = await desk.job("scale 1")
    assert verdict(message) == "unhealthy"
    assert "probe says no" in said(message)


async def test_row_17_out_of_memory(desk: Desk):
    """Killed for memory: the limit is named."""
    options = ("--limit-memory", "16m", "--restart-delay", "500ms")
    await desk.service("worker01", "eatmemory", "64", replicas=0, options=options)
    message = await desk.job("scale 1")
    assert verdict(message) == "out_of_memory"
    assert "16 MiB" in said(message)


async def test_row_18_mount_failed(desk: Desk):
    """A volume that cannot be mounted: the mount's own error."""
    mount = (
        "type=volume,source=media,target=/media,volume-driver=local,volume-opt=type=nfs,"
        'volume-opt=device=:/var/nfs/media,"volume-opt=o=addr=127.0.0.1,nolock,soft,nfsvers=4"'
    )
    await desk.service(
        "worker01", replicas=0, options=("--mount", mount, "--restart-delay", "500ms")
    )
    message = await desk.job("scale 1")
    assert verdict(message) == "mount_failed"


async def test_row_19_somebody_else_scales(desk: Desk):
    """Another number set by somebody else meanwhile supersedes the job."""
    await desk.service("worker01", options=("--update-monitor", "8s"))
    await desk.type("scale 2")
    await asyncio.to_thread(desk.lab.wait_running, "orochi_worker01", 2)
    await desk.docker("service", "scale", "--detach", "orochi_worker01=3")
    message = await desk.slack.wait_for_message(finished, timeout=20)
    assert verdict(message) == "superseded"


async def test_row_19_out_of_sequence_is_retried(desk: Desk):
    """Somebody changes a label all the time: the scale is made once and stays true."""
    await desk.service("worker01", options=MONITOR)
    stop = asyncio.Event()

    async def meddle() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            with suppress(CommandError):  # the CLI does not try again when it comes second
                await desk.docker(
                    "service", "update", "--detach", "--label-add", f"n={number}", "orochi_worker01"
                )

    meddling = asyncio.create_task(meddle())
    try:
        message = await desk.job("scale 3", seconds=40)
    finally:
        stop.set()
        await meddling
    assert verdict(message) == "converged"
    assert (await desk.inspect("worker01"))["Spec"]["Mode"]["Replicated"]["Replicas"] == 3


async def test_several_services_are_one_job(desk: Desk):
    """Two services in one command: one message, one verdict for each."""
    await desk.service("worker01", options=MONITOR)
    await desk.service(
        "django", "crash", replicas=0, options=(*MONITOR, "--restart-delay", "500ms")
    )
    message = await desk.job("scale worker01=2 django=1")
    assert message.payload["target"] == "orochi_worker01,orochi_django"
    assert verdict(message) == "crash_looping"
    assert "worker01" in said(message)
    assert "django" in said(message)
    assert await containers(desk, "worker01") == 2


async def test_already_at_that_number_is_verified(desk: Desk):
    """No update is made, and the verdict is looked up all the same."""
    await desk.service("worker01", replicas=2, options=MONITOR)
    before = await desk.inspect("worker01")
    message = await desk.job("scale 2")
    assert verdict(message) == "converged"
    assert (await desk.inspect("worker01"))["Version"] == before["Version"]


def changed_fields(before: Any, after: Any, path: str = "") -> list[str]:
    """The paths at which two specs differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            difference
            for key in sorted({*before, *after})
            for difference in changed_fields(before.get(key), after.get(key), f"{path}.{key}")
        ]
    return [] if before == after else [path.removeprefix(".")]
