"""Alerts for each way in which a task fails on a real swarm, with the whole bot."""

from __future__ import annotations

import pytest

from playground.slack import Message
from tests.desk import Desk, images
from tests.lab.registry import RegistryServer
from tests.swarm.alerting import ALERTS, QUIET, incident, incidents

SOON = ("--restart-delay", "500ms")
TARGET = "orochi_worker01"


@pytest.fixture
async def alerted(empty_desk: Desk) -> Desk:
    """A desk whose bot sends alerts."""
    empty_desk.settings |= QUIET
    await empty_desk.start_bot()
    return empty_desk


def shows(*words: str):
    """Whether a message shows all of these words."""
    return lambda message: all(word in message.shown_text for word in words)


async def here(desk: Desk) -> tuple[str, str]:
    """Options that place a service on the bot's own node, where it can ask the kernel."""
    name = await desk.docker("info", "--format", "{{.Name}}")
    return "--constraint", f"node.hostname == {name.strip()}"


def of_target(desk: Desk) -> list[Message]:
    return [message for message in incidents(desk) if message.payload["target"] == TARGET]


async def test_an_alert_for_an_exited_container_has_its_last_log_lines(alerted: Desk):
    """One message in the alerts channel has the service, node, cause and last log lines."""
    desk = alerted
    words = "cannot reach the scheduler"
    await desk.service("worker01", "sh", "-c", f"echo {words}; exit 3", running=0)
    message = await incident(desk, TARGET, also=shows(words))
    assert message.channel == ALERTS
    assert (message.payload["cause"], message.payload["exit_code"]) == ("exit_code", 3)
    assert shows("Exit 3", "slot 1", "on photon-machine-0", "Next:")(message)
    assert len(of_target(desk)) == 1


async def test_a_crash_loop_is_counted_in_one_message(alerted: Desk):
    """Repeated failures increase the count in the same message: each failed task once."""
    desk = alerted
    made = await desk.service("worker01", "crash", "0", "7", running=0, options=SOON)
    message = await incident(desk, TARGET, also=lambda m: m.payload["count"] >= 4)
    assert shows("Exit 7", "fatal: connection refused", "failures")(message)
    await desk.docker("service", "update", "--detach", "--args", "serve", made)
    await incident(desk, TARGET, "resolved", also=lambda m: m is message)
    assert len(of_target(desk)) == 1


async def test_an_out_of_memory_alert_has_the_limit(alerted: Desk):
    """The bot's own node is asked whether the kernel killed the container."""
    desk = alerted
    options = (*SOON, "--limit-memory", "16m", *await here(desk))
    await desk.service("worker01", "eatmemory", "64", running=0, options=options)
    message = await incident(
        desk, TARGET, also=lambda m: m.payload["cause"] == "out_of_memory" and shows("16 MiB")(m)
    )
    assert "Restart" in message.shown_text
    assert len(of_target(desk)) == 1


async def test_a_missing_image_raises_an_alert(alerted: Desk, registry: RegistryServer):
    """The alert names the image, as soon as its registry has said that there is none."""
    desk = alerted
    image = f"{registry.address}/none:9"
    await desk.service("worker01", image=image, running=0, options=SOON)
    message = await incident(desk, TARGET, also=shows(f"has no image `{image}`"))
    assert message.payload["cause"] == "image_missing"


async def test_an_alert_for_an_unschedulable_task_has_the_reasons(alerted: Desk):
    """The alert has the scheduler's message, and what each node lacks."""
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


async def test_an_alert_for_a_failed_health_check_has_its_last_output(alerted: Desk):
    """The alert has the probe's output, read on the bot's own node."""
    desk = alerted
    options = (*SOON, *HEALTH, *await here(desk))
    await desk.service("worker01", image=images.UNHEALTHY, running=0, options=options)
    message = await incident(desk, TARGET, also=shows("probe says no"))
    assert message.payload["cause"] == "unhealthy"
    assert len(of_target(desk)) == 1


async def test_a_volume_that_cannot_be_mounted_raises_an_alert(alerted: Desk):
    """The alert has the mount error: this kernel has no NFS at all."""
    desk = alerted
    mount = (
        "type=volume,source=media,target=/media,volume-driver=local,volume-opt=type=nfs,"
        'volume-opt=device=:/var/nfs/media,"volume-opt=o=addr=127.0.0.1,nolock,soft,nfsvers=4"'
    )
    await desk.service("worker01", running=0, options=("--mount", mount, *SOON))
    message = await incident(desk, TARGET)
    assert message.payload["cause"] == "mount_failed"
    assert "no such device" in message.shown_text


async def test_intentional_stops_do_not_alert(alerted: Desk):
    """Scaling down, a rolling update, a drained node and a removed service raise no alert."""
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


async def test_a_task_that_gets_no_address_is_an_alert(alerted: Desk):
    """It stays new, without an error; fewer tasks resolve it."""
    desk = alerted
    subnet = ("--driver=overlay", "--subnet=10.99.8.0/29")
    await desk.docker("network", "create", *subnet, "narrow")
    await desk.service("worker01", replicas=9, running=0, options=("--network=narrow",))

    message = await incident(desk, TARGET)

    assert message.payload["cause"] == "network_failed"
    assert "waits for an address" in message.shown_text
    assert "larger subnet" in message.shown_text
    await desk.docker("service", "scale", "--detach", f"{TARGET}=1")
    await incident(desk, TARGET, "resolved", seconds=60)
