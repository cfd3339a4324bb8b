"""Two replicas of the bot on one swarm act as one."""

from __future__ import annotations

import asyncio

import redis

from playground.slack import Message
from tests.desk import Desk, finished, is_job
from tests.lab.waiting import wait_until

QUICK = ("--update-monitor", "1s")


def jobs_of(desk: Desk) -> list[Message]:
    """The messages of all jobs in the order in which they were posted."""
    return [message for message in desk.slack.workspace.messages.values() if is_job(message)]


def nothing_left(desk: Desk) -> bool:
    """Whether no job runs, none is watched and no delivery waits, by the bot's keys in Redis."""
    with redis.Redis.from_url(desk.redis.url) as client:
        return not client.zcard("orochi:deliveries") and not client.xlen("orochi:ready")


async def all_finished(desk: Desk, count: int, seconds: float = 90) -> list[Message]:
    """Wait until a number of jobs have a verdict."""
    await desk.slack.workspace.until(
        lambda: sum(finished(m) for m in jobs_of(desk)) >= count or None, seconds
    )
    return jobs_of(desk)


async def test_no_progress_comes_after_a_verdict(empty_desk: Desk):
    """Whichever replica worked or delivered, the last edit is the verdict."""
    desk = empty_desk
    await desk.service("worker01", options=QUICK)
    for _ in range(2):
        await desk.start_bot(BOT_WATCH_SECONDS="0")
    rounds = 6
    for number in range(rounds):
        await desk.type(f"scale {2 + number % 2}")
        await all_finished(desk, number + 1)
    for bot in desk.bots:
        assert await bot.stop() == 0
    states = [[edit.content.metadata or {} for edit in m.history] for m in jobs_of(desk)]
    ends = [each[-1]["event_payload"]["state"] for each in states]
    assert ends == ["finished"] * rounds
    firsts = [
        next(i for i, meta in enumerate(each) if meta["event_payload"]["state"] == "finished")
        for each in states
    ]
    afterwards = [
        meta["event_payload"]["state"]
        for each, first in zip(states, firsts, strict=True)
        for meta in each[first:]
    ]
    assert set(afterwards) == {"finished"}


async def test_the_last_command_wins(empty_desk: Desk):
    """Commands for one service run in the order they were typed, whichever replica got each."""
    desk = empty_desk
    await desk.service("worker01", options=QUICK)
    for _ in range(2):
        await desk.start_bot(BOT_WATCH_SECONDS="0")
    wanted = [2, 3, 4, 3, 2, 4]
    for number in wanted:
        await desk.type(f"scale {number}")
    messages = await all_finished(desk, len(wanted))
    ended = sorted(messages, key=lambda m: m.history[-1].at)
    assert [message.payload["desired"] for message in ended] == wanted
    spec = (await desk.inspect("worker01"))["Spec"]
    assert spec["Mode"]["Replicated"]["Replicas"] == wanted[-1]


async def test_a_cancel_while_no_worker_has_the_job_is_kept(empty_desk: Desk):
    """The bot is killed before the change; a cancel on another replica prevents it."""
    desk = empty_desk
    await desk.service("worker01", options=("--update-monitor", "8s"))
    first = await desk.start_bot(BOT_LEASE_SECONDS="6")
    await desk.type("scale 2")
    await desk.slack.wait_for_message(lambda m: is_job(m) and m.payload["running"] == 2, timeout=20)
    await desk.type("scale 4")
    queued = await desk.slack.wait_for_message(
        lambda m: is_job(m) and m.payload["state"] == "queued" and m.payload["desired"] == 4
    )
    while queued.payload["job_id"] not in await desk.answer("jobs"):
        pass
    await first.kill()
    await desk.start_bot()
    assert "removed from the queue" in await desk.answer(f"cancel {queued.payload['job_id']}")
    await desk.slack.wait_for_message(lambda m: m is queued and finished(m), timeout=30)
    await all_finished(desk, 2)
    assert queued.payload["verdict"] == "cancelled"
    spec = (await desk.inspect("worker01"))["Spec"]
    assert spec["Mode"]["Replicated"]["Replicas"] == 2


async def test_a_service_that_cannot_be_changed_does_not_block_another(desk: Desk):
    """The update of one service pauses while the job waits: each service has its own verdict."""
    await desk.service("django", options=QUICK)
    await desk.service("worker01", replicas=2, options=("--update-monitor", "4s"))
    await desk.type("scale worker01 2")
    await desk.slack.wait_for_message(lambda m: is_job(m) and m.payload["running"] == 2, timeout=20)
    await desk.type("scale django=2 worker01=2")
    await desk.docker(
        "service", "update", "--detach", "--no-resolve-image", "--image", "lab/none:9",
        "--update-failure-action", "pause", "--restart-delay", "500ms", "orochi_worker01",
    )  # fmt: skip
    both = await desk.slack.wait_for_message(
        lambda m: finished(m) and "," in m.payload["target"], timeout=60
    )
    assert both.payload["verdict"] == "refused"
    assert "`/orochi rollback orochi_worker01`" in both.shown_text
    django = (await desk.inspect("django"))["Spec"]["Mode"]["Replicated"]["Replicas"]
    assert django == 1
    assert "Not changed: another service was refused" in both.shown_text


async def test_a_post_whose_answer_is_lost_is_found_again(desk: Desk):
    """Slack accepted the message and the reply was lost: the job continues in that message."""
    await desk.service("worker01", options=QUICK)
    desk.slack.faults.drop("chat.postMessage", after_effect=True)
    message = await desk.job("scale 2")
    assert message.payload["verdict"] == "converged"
    assert len(jobs_of(desk)) == 1


async def test_a_deleted_message_is_replaced_once(desk: Desk):
    """After somebody deletes the job's message, the verdict is posted as one new message."""
    await desk.service("worker01", options=("--update-monitor", "3s"))
    await desk.type("scale 2")
    message = await desk.slack.wait_for_message(
        lambda m: is_job(m) and m.payload["running"] == 2, timeout=20
    )
    desk.slack.workspace.delete(message)
    await desk.slack.wait_for_message(finished, timeout=30)
    await asyncio.to_thread(wait_until, lambda: nothing_left(desk), "the end of all deliveries")
    assert len(jobs_of(desk)) == 1


async def test_a_hanging_engine_is_reported_and_the_job_finishes(desk: Desk):
    """The engine stops answering during a job: the message says so; the verdict follows later."""
    await desk.service("worker01", options=("--update-monitor", "4s"))
    await desk.type("scale 2")
    message = await desk.slack.wait_for_message(
        lambda m: is_job(m) and m.payload["running"] == 2, timeout=20
    )
    node = desk.lab.manager
    node.freeze()
    try:
        await desk.slack.wait_for_message(
            lambda m: m is message and "unknown at the moment" in m.shown_text, timeout=30
        )
    finally:
        node.thaw()
    await desk.slack.wait_for_message(lambda m: m is message and finished(m), timeout=60)
    assert message.payload["verdict"] == "converged"
