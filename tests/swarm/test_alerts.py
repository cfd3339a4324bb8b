"""Each way in which a task fails on a real swarm, told through the whole bot."""

from __future__ import annotations

import pytest

from playground.slack import Message
from tests.desk import Desk, images
from tests.swarm.alerting import ALERTS, QUIET, incident, incidents

SOON = ("--restart-delay", "500ms")
TARGET = "orochi_worker01"


@pytest.fixture
async def alerted(empty_desk: Desk) -> Desk:
    """A desk whose bot tells of incidents."""
    empty_desk.settings |= QUIET
    await empty_desk.start_bot()
    return empty_desk


def shows(*words: str):
    """Whether a message shows all of these words."""
    return lambda message: all(word in message.shown_text for word in words)


async def here(desk: Desk) -> tuple[str, str]:
    """Options that place a service on the bot's own node, whose kernel can be asked."""
    name = await desk.docker("info", "--format", "{{.Name}}")
    return "--constraint", f"node.hostname == {name.strip()}"


def of_target(desk: Desk) -> list[Message]:
    return [message for message in incidents(desk) if message.payload["target"] == TARGET]


async def test_a_container_that_exits_is_told_with_its_last_words(alerted: Desk):
    """One message in the alerts channel says which service, where, why and what it said last."""
    desk = alerted
    words = "cannot reach the scheduler"
    await desk.service("worker01", "sh", "-c", f"echo {words}; exit 3", running=0)
    message = await incident(desk, TARGET, also=shows(words))
    assert message.channel == ALERTS
    assert (message.payload["cause"], message.payload["exit_code"]) == ("exit_code", 3)
    assert shows("exit 3", "slot 1", "on photon-machine-0", "Next:")(message)
    assert len(of_target(desk)) == 1


async def test_a_crash_loop_counts_up_in_one_message(alerted: Desk):
    """As it repeats, the same message counts up: each failed task once."""
    desk = alerted
    made = await desk.service("worker01", "crash", "0", "7", running=0, options=SOON)
    message = await incident(desk, TARGET, also=lambda m: m.payload["count"] >= 4)
    assert shows("exit 7", "fatal: connection refused", "failures")(message)
    await desk.docker("service", "update", "--detach", "--args", "serve", made)
    await incident(desk, TARGET, "resolved", also=lambda m: m is message)
    assert len(of_target(desk)) == 1


async def test_out_of_memory_is_told_with_the_limit(alerted: Desk):
    """The kernel's word is asked for on the bot's own node."""
    desk = alerted
    options = (*SOON, "--limit-memory", "16m", *await here(desk))
    await desk.service("worker01", "eatmemory", "64", running=0, options=options)
    message = await incident(
        desk, TARGET, also=lambda m: m.payload["cause"] == "out_of_memory" and shows("16 MiB")(m)
    )
    assert "Restart" in message.shown_text
    assert len(of_target(desk)) == 1


async def test_a_missing_image_is_told(alerted: Desk):
    """Which image, in the engine's words."""
    desk = alerted
    await desk.service("worker01", image="lab/none:9", running=0, options=SOON)
    message = await incident(desk, TARGET)
    assert message.payload["cause"] == "image_missing"
    assert "lab/none:9" in message.shown_text


async def test_a_task_that_no_node_fits_is_told_with_the_reasons(alerted: Desk):
    """The scheduler's words, and what each node lacks."""
    desk = alerted
    constraint = ("--constraint", "node.labels.disk == ssd")
    await desk.service("worker01", running=0, options=constraint)
    message = await incident(desk, TARGET, also=shows("constraint node.labels.disk == ssd"))
    assert message.payload["cause"] == "unschedulable"
    assert shows("Why no node fits", "3 nodes")(message)
    assert len(of_target(desk)) == 1


HEALTH = (
    "--health-interval", "300ms", "--health-retries", "2", "--health-timeout", "1s",
    "--stop-grace-period", "1s",
)  # fmt: skip


async def test_a_health_check_that_fails_is_told_with_its_last_output(alerted: Desk):
    """The probe's own words, read on the bot's own node."""
    desk = alerted
    options = (*SOON, *HEALTH, *await here(desk))
    await desk.service("worker01", image=images.UNHEALTHY, running=0, options=options)
    message = await incident(desk, TARGET, also=shows("probe says no"))
    assert message.payload["cause"] == "unhealthy"
    assert len(of_target(desk)) == 1


async def test_a_volume_that_cannot_be_mounted_is_told(alerted: Desk):
    """The mount's own error: here the kernel has no NFS at all."""
    desk = alerted
    mount = (
        "type=volume,source=media,target=/media,volume-driver=local,volume-opt=type=nfs,"
        'volume-opt=device=:/var/nfs/media,"volume-opt=o=addr=127.0.0.1,nolock,soft,nfsvers=4"'
    )
    await desk.service("worker01", running=0, options=("--mount", mount, *SOON))
    message = await incident(desk, TARGET)
    assert message.payload["cause"] == "mount_failed"
    assert "no such device" in message.shown_text


async def test_what_is_done_on_purpose_raises_no_alert(alerted: Desk):
    """Scale down, a rolling update, a drained node, a removed service: nobody is woken."""
    desk = alerted
    made = await desk.service("worker01", "stubborn", replicas=3, options=(*SOON, *STUBBORN))
    await desk.docker("service", "scale", "--detach=false", f"{made}=1")
    await desk.docker("service", "update", "--detach=false", "--force", made)
    await desk.docker("service", "scale", "--detach=false", f"{made}=2")
    await desk.docker("node", "update", "--availability", "drain", "photon-machine-03")
    await desk.docker("service", "rm", made)
    await desk.service("django", "crash", "0", "1", running=0)
    await incident(desk, "orochi_django")
    assert of_target(desk) == []


STUBBORN = ("--stop-grace-period", "1s", "--update-monitor", "1s")


async def test_labels_turn_alerts_off_and_send_them_elsewhere(alerted: Desk):
    """``orochi-bot.alerts=off`` and ``orochi-bot.channel`` on a service."""
    desk = alerted
    off = (*SOON, "--label", "orochi-bot.alerts=off")
    await desk.service("worker01", "crash", "0", "1", running=0, options=off)
    elsewhere = (*SOON, "--label", "orochi-bot.channel=C0SWARM001")
    await desk.service("django", "crash", "0", "1", running=0, options=elsewhere)
    message = await desk.slack.wait_for_message(
        lambda m: bool(m.metadata) and m.payload.get("target") == "orochi_django", timeout=30
    )
    assert message.channel == "C0SWARM001"
    assert of_target(desk) == []
    nowhere = (*SOON, "--label", "orochi-bot.channel=C0TYPO0001")
    await desk.service("web", "crash", "0", "1", running=0, options=nowhere)
    message = await incident(desk, "orochi_web")
    assert "Meant for channel `C0TYPO0001`, where the bot cannot post" in message.shown_text
