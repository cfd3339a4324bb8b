"""What is killed, cut off or repeated loses nothing and does nothing twice."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from itertools import pairwise

from bot.store.connection import RedisLink
from bot.store.jobs import RedisJobs
from playground.slack import Message
from tests.desk import Desk, finished, is_job, states

SLOW = ("--update-monitor", "6s")
QUICK = ("--update-monitor", "1s")


def updates(desk: Desk, since: float) -> int:
    """How many times services were updated since then (Unix seconds), by the engine's events.

    The query takes whole seconds: the events of the service's creation may be in the first one.
    """
    client = desk.lab.client()
    events = client.events(
        since=int(since), until=int(time.time()) + 1, filters={"type": "service"}, decode=True
    )
    later = (event for event in events if event["timeNano"] > since * 1e9)
    return sum(event["Action"] == "update" for event in later)


def replicas(wanted: int) -> str:
    """The payload of a service's number in ``docker service inspect``."""
    return f'"Replicas":{wanted}'


async def job_messages(desk: Desk) -> list[Message]:
    """Every job's message in the workspace."""
    return [message for message in desk.slack.workspace.messages.values() if is_job(message)]


async def running_message(desk: Desk) -> Message:
    """The message of a job that made its change and waits for convergence."""
    return await desk.slack.wait_for_message(
        lambda m: is_job(m) and m.payload.get("running") == 3, timeout=20
    )


async def test_a_killed_bots_job_is_taken_over_in_the_same_message(empty_desk: Desk):
    """SIGKILL in mid-job: another replica ends it in the same message, with one update made."""
    desk = empty_desk
    await desk.service("worker01", options=SLOW)
    first = await desk.start_bot()
    since = time.time()
    await desk.type("scale 3")
    message = await running_message(desk)
    await desk.start_bot()
    await first.kill()
    await desk.slack.wait_for_message(lambda m: m is message and finished(m), timeout=40)
    assert message.payload["verdict"] == "converged"
    assert len(await job_messages(desk)) == 1
    assert await asyncio.to_thread(updates, desk, since) == 1


async def test_a_bot_that_comes_back_goes_on_with_its_job(empty_desk: Desk):
    """The only replica is killed and started again: the job ends all the same."""
    desk = empty_desk
    await desk.service("worker01", options=SLOW)
    bot = await desk.start_bot()
    await desk.type("scale 3")
    message = await running_message(desk)
    await bot.kill()
    await bot.start()
    await desk.slack.wait_for_message(lambda m: m is message and finished(m), timeout=40)
    assert message.payload["verdict"] == "converged"


async def test_sigterm_hands_the_job_over_at_once(empty_desk: Desk):
    """SIGTERM: exit code 0 within ten seconds, and another replica goes on at once."""
    desk = empty_desk
    await desk.service("worker01", options=SLOW)
    first = await desk.start_bot()
    await desk.type("scale 3")
    message = await running_message(desk)
    await desk.start_bot()
    assert await first.stop(seconds=10) == 0
    await desk.slack.wait_for_message(lambda m: m is message and finished(m), timeout=40)
    assert message.payload["verdict"] == "converged"


async def test_the_same_delivery_runs_once(desk: Desk):
    """A command that Slack delivers twice makes one job."""
    await desk.service("worker01", options=QUICK)
    delivery = await desk.type("scale 2")
    again = await desk.slack.replay(delivery)
    assert again.ok
    await desk.slack.wait_for_message(finished, timeout=30)
    assert len(await job_messages(desk)) == 1


async def test_without_redis_commands_are_refused_and_later_work_again(
    empty_desk: Desk, fresh_redis
):
    """Refused within three seconds, nothing changed; once Redis is back, all works by itself."""
    desk = empty_desk
    desk.settings["REDIS_URL"] = fresh_redis.url
    await desk.service("worker01", options=QUICK)
    await desk.start_bot()
    before = await desk.inspect("worker01")
    await asyncio.to_thread(fresh_redis.kill)
    began = time.monotonic()
    answer = await desk.answer("scale 4")
    assert time.monotonic() - began < 3
    assert "Redis" in answer
    assert "Nothing was changed" in answer
    assert await desk.inspect("worker01") == before
    await asyncio.to_thread(fresh_redis.start)
    message = await desk.job("scale 2")
    assert message.payload["verdict"] == "converged"


async def test_a_job_outlives_an_outage_of_redis(empty_desk: Desk, fresh_redis):
    """Redis is killed in mid-job and comes back: the verdict arrives, in one message."""
    desk = empty_desk
    desk.settings["REDIS_URL"] = fresh_redis.url
    await desk.service("worker01", options=SLOW)
    await desk.start_bot()
    since = time.time()
    await desk.type("scale 3")
    message = await running_message(desk)
    await asyncio.to_thread(fresh_redis.kill)
    await asyncio.to_thread(fresh_redis.start)
    await desk.slack.wait_for_message(finished, timeout=40)
    assert message.payload["verdict"] == "converged"
    assert len(await job_messages(desk)) == 1
    assert await asyncio.to_thread(updates, desk, since) == 1


async def test_a_verdict_waits_for_slack(desk: Desk):
    """Slack is away when the job ends: the verdict arrives when it is back, once."""
    await desk.service("worker01", options=("--update-monitor", "3s"))
    await desk.type("scale 3")
    message = await running_message(desk)
    async with desk.slack.down():
        await desk.bots[0].wait_for_log("waits for Slack", seconds=40)
    await desk.slack.wait_for_message(lambda m: m is message and finished(m), timeout=40)
    assert message.payload["verdict"] == "converged"
    assert len(await job_messages(desk)) == 1


async def test_one_job_at_a_time_for_a_service(desk: Desk):
    """Three commands for one service run in their order; another service's runs beside them."""
    await desk.service("worker01", options=QUICK)
    await desk.service("django", options=QUICK)
    for text in ("scale 2", "scale 3", "scale 4", "scale django 2"):
        await desk.type(text)
    await desk.slack.workspace.until(
        lambda: sum(finished(m) for m in desk.slack.workspace.messages.values()) == 4 or None, 60
    )
    jobs = await job_messages(desk)
    assert [message.payload["verdict"] for message in jobs] == ["converged"] * 4
    async with aclosing(RedisLink(desk.redis.url)) as link:
        done = {job.text: job for job in await RedisJobs(link).recent(4)}
    *worker, django = (done[text] for text in ("scale 2", "scale 3", "scale 4", "scale django 2"))
    for before, after in pairwise(worker):
        assert (before.finished or 0.0) <= (after.started or 0.0)
    assert (django.finished or 0.0) < (worker[-1].finished or 0.0)


async def test_cancel_stops_waiting_and_offers_the_way_back(desk: Desk):
    """A running job is cancelled by its id; its button scales back to what was before."""
    await desk.service("worker01", options=SLOW)
    await desk.type("scale 3")
    message = await running_message(desk)
    answer = await desk.answer(f"cancel {message.payload['job_id']}")
    assert "is being cancelled" in answer
    await desk.slack.wait_for_message(finished, timeout=30)
    assert message.payload["verdict"] == "cancelled"
    await desk.slack.press(message, "job.rollback")
    back = await desk.slack.wait_for_message(lambda m: m is not message and finished(m), timeout=40)
    assert (back.payload["verdict"], back.payload["desired"]) == ("converged", 1)


async def test_the_way_back_is_refused_after_another_change(desk: Desk):
    """Somebody else scaled the service since, by hand and back again: the button does nothing."""
    made = await desk.service("worker01", options=SLOW)
    await desk.type("scale 3")
    message = await running_message(desk)
    await desk.answer(f"cancel {message.payload['job_id']}")
    await desk.slack.wait_for_message(finished, timeout=30)
    for count in (8, 3):
        await desk.docker("service", "scale", "--detach", f"{made}={count}")
    await desk.slack.press(message, "job.rollback")
    await desk.told(lambda m: "was changed again since" in m.shown_text)
    assert (await desk.inspect("worker01"))["Spec"]["Mode"]["Replicated"]["Replicas"] == 3


async def test_cancel_takes_a_queued_job_out(desk: Desk):
    """A queued job never starts; the one before it is not touched."""
    await desk.service("worker01", options=SLOW)
    await desk.type("scale 3")
    first = await running_message(desk)
    await desk.type("scale 7")
    queued = await desk.slack.wait_for_message(
        lambda m: is_job(m) and m.payload["state"] == "queued", timeout=30
    )
    await desk.slack.wait_for_message(
        lambda m: m is queued and first.payload["job_id"] in m.shown_text, timeout=30
    )
    await desk.slack.press(queued, "job.cancel")
    await desk.slack.wait_for_message(lambda m: m is queued and finished(m), timeout=30)
    assert queued.payload["verdict"] == "cancelled"
    assert states(queued) == ["queued", "finished"]
    await desk.slack.wait_for_message(lambda m: m is first and finished(m), timeout=30)
    assert first.payload["verdict"] == "converged"
