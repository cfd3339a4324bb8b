"""Alerts while the bot, Redis or Slack is away: none is lost, none is posted twice."""

from __future__ import annotations

import asyncio

from playground.slack import Message
from playground.slack.workspace import BOT_USER_ID
from tests.desk import Desk
from tests.lab.waiting import wait_until
from tests.swarm.alerting import ALERTS, QUIET, incident, incidents

SOON = ("--restart-delay", "500ms", "--update-monitor", "1s")
ONCE = ("--restart-condition", "on-failure", "--restart-max-attempts", "2", *SOON)
TARGET = "orochi_worker01"


def told(desk: Desk) -> list[str]:
    """The targets of all incident messages in the workspace, oldest first."""
    return [message.payload["target"] for message in incidents(desk)]


def failed(desk: Desk, name: str) -> int:
    """How many failed tasks of a service the swarm still has."""
    tasks = desk.lab.client().tasks(filters={"service": [f"orochi_{name}"]})
    return sum(task["Status"]["State"] == "failed" for task in tasks)


async def failures(desk: Desk, name: str, count: int) -> None:
    """Wait until a number of tasks of the service have failed."""
    await asyncio.to_thread(
        wait_until, lambda: failed(desk, name) >= count, f"{count} failures of {name}"
    )


async def test_failures_while_no_bot_ran_are_posted_once_and_marked_late(empty_desk: Desk):
    """The only replica is killed during three failures: each is counted, in one delayed alert."""
    desk = empty_desk
    desk.settings |= QUIET
    bot = await desk.start_bot()
    await desk.service("django", "crash", "0", "4", running=0, options=SOON)
    first = await incident(desk, "orochi_django")
    await bot.kill()
    await desk.service("worker01", "crash", "0", "7", running=0, options=ONCE)
    await failures(desk, "worker01", 3)
    await bot.start()
    message = await incident(desk, TARGET, also=lambda m: m.payload["count"] == 3)
    assert "Delayed:" in message.shown_text
    count = first.payload["count"]
    await incident(desk, "orochi_django", also=lambda m: m.payload["count"] > count)
    assert sorted(told(desk)) == ["orochi_django", TARGET]


async def test_another_replica_takes_over_when_the_watcher_is_killed(empty_desk: Desk):
    """It continues within ten seconds in the same message, with the failures in between."""
    desk = empty_desk
    desk.settings |= QUIET
    first = await desk.start_bot()
    await first.wait_for_log("this replica watches the swarm")
    second = await desk.start_bot()
    await desk.service("worker01", "crash", "0", "7", running=0, options=SOON)
    message = await incident(desk, TARGET, also=lambda m: m.payload["count"] >= 2)
    await first.kill()
    count = message.payload["count"]
    await desk.service("django", "crash", "0", "4", running=0, options=SOON)
    await second.wait_for_log("this replica watches the swarm", seconds=30)
    await incident(desk, "orochi_django")
    await incident(desk, TARGET, also=lambda m: m is message and m.payload["count"] > count)
    assert sorted(told(desk)) == ["orochi_django", TARGET]


async def test_a_stopped_replica_hands_over_the_watcher_at_once(empty_desk: Desk):
    """After SIGTERM the other replica takes over without waiting for the end of the lease."""
    desk = empty_desk
    desk.settings |= QUIET | {"BOT_LEASE_SECONDS": "30"}
    await desk.service("db")
    first = await desk.start_bot()
    await first.wait_for_log("this replica watches the swarm")
    second = await desk.start_bot()
    assert await first.stop() == 0
    await second.wait_for_log("this replica watches the swarm", seconds=30)
    await desk.service("worker01", "crash", "0", "7", running=0, options=SOON)
    await incident(desk, TARGET)
    assert told(desk) == [TARGET]


async def test_alerts_survive_an_outage_of_redis(empty_desk: Desk, fresh_redis):
    """Failures during the outage are posted when Redis is back."""
    desk = empty_desk
    desk.settings |= QUIET | {"REDIS_URL": fresh_redis.url}
    await desk.start_bot()
    await desk.service("django", "crash", "0", "4", running=0, options=SOON)
    first = await incident(desk, "orochi_django")
    await asyncio.to_thread(fresh_redis.kill)
    await desk.service("worker01", "crash", "0", "7", running=0, options=ONCE)
    await failures(desk, "worker01", 3)
    await asyncio.to_thread(fresh_redis.start)
    await incident(desk, TARGET, also=lambda m: m.payload["count"] == 3)
    count = first.payload["count"]
    await incident(desk, "orochi_django", also=lambda m: m is first and m.payload["count"] > count)
    assert sorted(told(desk)) == ["orochi_django", TARGET]


async def test_after_an_outage_of_slack_each_alert_is_posted_once_in_order(empty_desk: Desk):
    """An alert for a failure during the outage is posted once, with its current state."""
    desk = empty_desk
    desk.settings |= QUIET
    await desk.start_bot()
    made = await desk.service("db", options=SOON)
    async with desk.slack.down():
        for name in ("worker01", "django", "worker02"):
            await desk.service(name, "crash", "0", "7", running=0, options=ONCE)
            await failures(desk, name, 3)
        await desk.docker("service", "update", "--detach", "--args", "crash 0 9", made)
        await failures(desk, "db", 2)
    await incident(desk, "orochi_db", seconds=60)
    counts = [(m.payload["target"], m.payload["count"]) for m in incidents(desk)]
    assert counts[:3] == [(TARGET, 3), ("orochi_django", 3), ("orochi_worker02", 3)]
    assert [target for target, _ in counts[3:]] == ["orochi_db"]


async def test_an_alert_whose_post_got_no_answer_is_found_again(empty_desk: Desk):
    """Slack accepted the message and the reply was lost: the bot continues in that message."""
    desk = empty_desk
    desk.settings |= QUIET
    await desk.start_bot()
    desk.slack.faults.drop("chat.postMessage", after_effect=True)
    await desk.service("worker01", "crash", "0", "7", running=0, options=SOON)
    await incident(desk, TARGET, also=lambda m: m.payload["count"] >= 3)
    assert told(desk) == [TARGET]


async def test_an_alert_waits_until_the_bot_is_invited_to_the_channel(empty_desk: Desk):
    """The log says how to invite the bot to the channel, and then the alert is posted."""
    desk = empty_desk
    desk.settings |= QUIET | {"BOT_ALERTS_CHANNEL": "C0LOUNGE01"}
    bot = await desk.start_bot()
    await desk.service("worker01", "crash", "0", "7", running=0, options=SOON)
    await bot.wait_for_log("alerts wait for channel C0LOUNGE01.*/invite @orochi", seconds=20)
    listed = await desk.answer("incidents")
    assert "1 open incident" in listed
    desk.slack.workspace.channels["C0LOUNGE01"].members.add(BOT_USER_ID)
    message = await desk.slack.wait_for_message(_is_told, timeout=40, channel="C0LOUNGE01")
    assert message.payload["target"] == TARGET
    assert ALERTS not in {each.channel for each in incidents(desk)}


def _is_told(message: Message) -> bool:
    return message.metadata is not None


async def test_a_replica_without_its_engine_gives_the_watcher_to_another(empty_desk: Desk):
    """The watching replica lives but cannot reach its engine: another replica posts the alerts."""
    desk = empty_desk
    desk.settings |= QUIET
    leader, own = desk.lab.leader, desk.lab.manager
    other = next(node for node in desk.lab.nodes if node not in (own, leader))
    blind = await desk.start_bot(
        DOCKER_HOST=other.socket, BOT_CONTROL_SOCKET=str(other.control_socket)
    )
    await blind.wait_for_log("this replica watches the swarm")
    await desk.start_bot()
    await asyncio.to_thread(desk.lab.stop_node, other)
    await desk.service("worker01", "crash", "0", "7", running=0, options=SOON)
    await blind.wait_for_log("leaving the watcher to other replicas", seconds=60)
    await incident(desk, TARGET, seconds=60)
    await incident(desk, other.name)
    payloads = [message.payload for message in incidents(desk)]
    assert {each["target"] for each in payloads} == {TARGET, other.name}
    assert len({each["incident_id"] for each in payloads}) == len(payloads), payloads
