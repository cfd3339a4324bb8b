"""What people do with an alert, and how alerts end."""

from __future__ import annotations

import asyncio

import pytest

from playground.slack import Message
from playground.slack.model import Edit
from tests.desk import OPERATOR, Desk, finished
from tests.swarm.alerting import QUIET, edited, incident, incidents

BOB = "U0BOB00001"
SOON = ("--restart-delay", "500ms", "--update-monitor", "1s")
TARGET = "orochi_worker01"


@pytest.fixture
async def firing(empty_desk: Desk) -> tuple[Desk, str, Message]:
    """A desk, a service in a crash loop, and its alert."""
    desk = empty_desk
    desk.settings |= QUIET
    await desk.start_bot()
    made = await desk.service("worker01", "crash", "0", "7", running=0, options=SOON)
    return desk, made, await incident(desk, TARGET)


async def test_an_acknowledged_alert_counts_on_and_is_resolved(firing: tuple[Desk, str, Message]):
    """The message names who acknowledged it; the resolved alert says how long it took.

    The history lists it.
    """
    desk, made, message = firing
    assert (await desk.slack.press(message, "incident.ack", user=OPERATOR)).ok
    await incident(desk, TARGET, "acknowledged", also=lambda m: m is message)
    count = message.payload["count"]
    await incident(desk, TARGET, "acknowledged", also=lambda m: m.payload["count"] > count)
    assert f"Acknowledged by <@{OPERATOR}>" in message.shown_text

    await desk.docker("service", "update", "--detach", "--args", "serve", made)
    await incident(desk, TARGET, "resolved", also=lambda m: m is message)
    assert "all tasks run" in message.shown_text
    assert "resolved <!date" in message.shown_text
    listed = await desk.answer("incidents worker01", user=BOB)
    assert "0 open incidents of worker01" in listed
    assert "exit 7" in listed
    assert len(incidents(desk)) == 1


async def test_a_silenced_alert_posts_no_updates(firing: tuple[Desk, str, Message]):
    """While it is silenced, failures are counted but not posted."""
    desk, _, message = firing
    assert (await desk.slack.press(message, "incident.silence", user=OPERATOR)).ok
    await edited(desk, message, f"Silenced by <@{OPERATOR}>")
    again = await desk.slack.press(message, "incident.ack", user=OPERATOR)
    assert again.ok
    await incident(desk, TARGET, "acknowledged", also=lambda m: m is message)


async def test_viewers_can_only_read_logs(firing: tuple[Desk, str, Message]):
    """Everybody can read logs, visible only to themselves; the other buttons are for operators."""
    desk, _, message = firing
    assert (await desk.slack.press(message, "incident.logs", user=BOB)).ok
    told = await desk.told(lambda m: "fatal: connection refused" in m.shown_text, user=BOB)
    assert "slot 1 on photon-machine-0" in told.shown_text
    for button in ("incident.ack", "incident.silence", "job.restart"):
        assert (await desk.slack.press(message, button, user=BOB)).ok
    await desk.told(lambda m: len(refusals(desk)) == 3, user=BOB)
    assert message.payload["state"] == "firing"


def refusals(desk: Desk) -> list[Message]:
    shown = desk.slack.workspace.shown_to(BOB)
    return [message for message in shown if "Only operators can do that" in message.shown_text]


async def test_a_removed_service_ends_its_incident(firing: tuple[Desk, str, Message]):
    """The incident ends at once with that reason; two simultaneous clicks count as one."""
    desk, made, message = firing
    presses = (desk.slack.press(message, "incident.ack", user=OPERATOR) for _ in range(2))
    assert all(delivery.ok for delivery in await asyncio.gather(*presses))
    await incident(desk, TARGET, "acknowledged", also=lambda m: m is message)
    await desk.docker("service", "rm", made)
    await incident(desk, TARGET, "resolved", also=lambda m: m is message)
    assert "the service was removed" in message.shown_text


async def test_the_restart_button_restarts_the_service(firing: tuple[Desk, str, Message]):
    """The button starts a job with its own message and verdict; the alert waits for the job."""
    desk, _, message = firing
    before = (await desk.inspect("worker01"))["Spec"]["TaskTemplate"].get("ForceUpdate", 0)
    assert (await desk.slack.press(message, "job.restart", user=OPERATOR)).ok
    job = await desk.slack.wait_for_message(finished, timeout=60)
    assert job.payload["action"] == "restart"
    assert job.payload["target"] == TARGET
    assert job.payload["verdict"] not in {"converged", "refused"}
    after = (await desk.inspect("worker01"))["Spec"]["TaskTemplate"]["ForceUpdate"]
    assert after == before + 1


async def test_after_an_update_the_button_rolls_the_service_back(empty_desk: Desk):
    """A service that fails since its update is rolled back with one click, and the alert ends."""
    desk = empty_desk
    desk.settings |= QUIET
    await desk.start_bot()
    made = await desk.service("worker01", options=(*SOON, "--update-failure-action", "continue"))
    await desk.docker("service", "update", "--detach", "--args", "crash 0 7", made)
    message = await incident(desk, TARGET, also=lambda m: "Roll back" in m.shown_text)
    assert (await desk.slack.press(message, "job.rollback", user=OPERATOR)).ok
    job = await desk.slack.wait_for_message(finished, timeout=60)
    assert (job.payload["action"], job.payload["verdict"]) == ("rollback", "converged")
    await incident(desk, TARGET, "resolved", also=lambda m: m is message)
    assert len(incidents(desk)) == 1


async def test_failures_of_a_job_raise_no_alert(empty_desk: Desk):
    """A failing job reports its own failure; failures that continue after it are an incident."""
    desk = empty_desk
    desk.settings |= QUIET
    await desk.start_bot()
    await desk.service("worker01", "crash", "0", "7", replicas=0, options=SOON)
    job = await desk.job("scale 1")
    assert job.payload["verdict"] == "crash_looping"
    message = await incident(desk, TARGET)
    assert float(message.ts) > next(edit.at for edit in job.history if _finished(edit))
    assert message.payload["count"] >= 3


def _finished(edit: Edit) -> bool:
    payload = (edit.content.metadata or {}).get("event_payload", {})
    return bool(payload.get("state") == "finished")
