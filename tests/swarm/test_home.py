"""The Home tab with the whole bot on a real swarm: what is unhealthy, and which buttons work."""

from __future__ import annotations

from playground.slack.model import View, texts_within
from tests.contract.slack_side import eventually
from tests.desk import OPERATOR, Desk

BOB = "U0BOB00001"


async def opened(desk: Desk, user: str) -> View:
    """Open the bot's Home tab as a person and wait for it."""
    event = {"type": "app_home_opened", "user": user, "channel": "D0HOME0001", "tab": "home"}
    assert (await desk.slack.event(event)).ok
    await eventually(lambda: tab(desk, user) is not None, seconds=30)
    found = tab(desk, user)
    assert found is not None
    return found


def tab(desk: Desk, user: str) -> View | None:
    views = desk.slack.workspace.views.values()
    return next((view for view in views if view.user == user), None)


def shown(desk: Desk, user: str) -> str:
    view = tab(desk, user)
    return "\n".join(texts_within(view.body["blocks"])) if view else ""


async def test_the_tab_follows_the_swarm_and_stops_a_job(desk: Desk):
    """All is healthy; then a job appears by itself, and the operator stops waiting for it."""
    await desk.service("worker01", replicas=1)
    await opened(desk, OPERATOR)
    await opened(desk, BOB)
    assert "1 service healthy" in shown(desk, OPERATOR)
    assert "*orochi* · 1 of 1 service healthy" in shown(desk, BOB)
    await desk.service("slow", "sh", "-c", "sleep 3600", replicas=0, options=(
        "--health-cmd", "false", "--health-interval", "600s"))  # fmt: skip
    await desk.type("scale slow 1")
    await eventually(lambda: "scale slow to 1" in shown(desk, BOB), seconds=30)
    await eventually(lambda: "Stop waiting" in shown(desk, OPERATOR), seconds=30)
    assert "Stop waiting" not in shown(desk, BOB)
    view = tab(desk, OPERATOR)
    assert view is not None
    assert (await desk.slack.press_in_view(view, "job.cancel")).ok
    await desk.slack.wait_for_message(lambda m: m.payload.get("verdict") == "cancelled", timeout=30)
    await eventually(lambda: "Cancelled" in shown(desk, BOB), seconds=30)


async def test_a_viewer_who_uses_an_operators_button_is_refused(desk: Desk):
    """A click on an old button of an operator's tab is refused in the direct conversation."""
    await opened(desk, BOB)
    view = tab(desk, BOB)
    assert view is not None
    assert (await desk.slack.press_in_view(view, "home.refresh")).ok
    button = {"type": "button", "action_id": "job.cancel", "value": "abc234",
              "text": {"type": "plain_text", "text": "Stop waiting"}}  # fmt: skip
    kept = {"type": "actions", "block_id": "kept", "elements": [button]}
    view.body = view.body | {"blocks": [*view.body["blocks"], kept]}
    assert (await desk.slack.press_in_view(view, "job.cancel")).ok
    told = await desk.slack.wait_for_message(lambda m: "operator" in m.shown_text, timeout=30)
    assert desk.slack.workspace.channels[told.channel].is_direct
