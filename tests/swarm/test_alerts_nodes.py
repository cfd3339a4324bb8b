"""Alerts for nodes that go down and managers that restart, with the whole bot."""

from __future__ import annotations

import asyncio

import pytest

from tests.desk import Desk
from tests.lab.node import Node
from tests.swarm.alerting import QUIET, edited, incident, incidents

SOON = ("--restart-delay", "500ms")


@pytest.fixture
async def alerted(empty_desk: Desk) -> Desk:
    """A desk whose bot sends alerts and uses the first node."""
    empty_desk.settings |= QUIET
    await empty_desk.start_bot()
    return empty_desk


def spare(desk: Desk) -> Node:
    """A node that is neither the leader nor the bot's."""
    leader, own = desk.lab.leader, desk.lab.manager
    return next(node for node in desk.lab.nodes if node not in (leader, own))


async def test_a_node_that_goes_down_is_one_incident(alerted: Desk):
    """It names the affected services, whose tasks do not alert; it ends when the node is back."""
    desk = alerted
    lost = spare(desk)
    await desk.service("worker01", replicas=6)
    await desk.service("django", replicas=3)
    await asyncio.to_thread(desk.lab.stop_node, lost)
    message = await incident(desk, lost.name, seconds=60)
    assert message.payload["cause"] == "node_down"
    await edited(desk, message, "Services affected:", "orochi_worker01", "orochi_django")
    await asyncio.to_thread(desk.lab.wait_running, "orochi_worker01", 6)
    await asyncio.to_thread(desk.lab.start_node, lost)
    await incident(desk, lost.name, "resolved", also=lambda m: m is message, seconds=60)
    assert "the node is ready again" in message.shown_text
    assert [each.payload["target"] for each in incidents(desk)] == [lost.name]


async def test_services_without_another_node_are_named_in_the_nodes_incident(alerted: Desk):
    """A service that can only run on the lost node is listed there, without an alert of its own."""
    desk = alerted
    lost = spare(desk)
    bound = ("--constraint", f"node.hostname == {lost.name}")
    await desk.service("worker01", options=bound)
    await asyncio.to_thread(desk.lab.stop_node, lost)
    message = await incident(desk, lost.name, seconds=60)
    await edited(desk, message, "No other node fits:", "orochi_worker01", seconds=40)
    assert [each.payload["target"] for each in incidents(desk)] == [lost.name]


async def test_an_incident_survives_a_restart_of_the_leaders_engine(alerted: Desk):
    """The leading manager's engine is killed and restarted during an incident.

    The same message continues to count, and the election raises no alerts.
    """
    desk = alerted
    leader = desk.lab.leader
    away = ("--constraint", f"node.hostname == {spare(desk).name}")
    await desk.service("worker01", "crash", "1", "7", running=0, options=(*SOON, *away))
    message = await incident(desk, "orochi_worker01", also=lambda m: m.payload["count"] >= 2)
    await asyncio.to_thread(desk.lab.stop_node, leader)
    await asyncio.to_thread(desk.lab.start_node, leader)
    await asyncio.to_thread(desk.lab.wait_ready)
    count = message.payload["count"]
    await incident(
        desk,
        "orochi_worker01",
        also=lambda m: m is message and m.payload["count"] >= count + 3,
        seconds=90,
    )
    of_nodes = [each for each in incidents(desk) if each.payload["cause"] == "node_down"]
    assert [each.payload["target"] for each in incidents(desk) if each not in of_nodes] == [
        "orochi_worker01"
    ]
    assert {each.payload["target"] for each in of_nodes} <= {leader.name}
