"""Answers visible to one person: refusals, help, status, jobs."""

from __future__ import annotations

import re

import pytest

from bot.domain.commands.table import COMMANDS
from playground.slack.server import SWARM
from tests.desk import OPERATOR, Desk, finished, is_job

BOB = "U0BOB00001"


@pytest.mark.parametrize(
    ("text", "wrong", "right"),
    [
        ("scale wroker01 3", "wroker01", "worker01"),
        ("scale 100000", "100000", "100"),
        ("scale -1", "-1", "scale"),
        ("scale worker01=1 worker01=2", "worker01", ""),
        ("sclae 3", "sclae", "scale"),
        ("cancel abcdef", "abcdef", "jobs"),
    ],
)
async def test_a_wrong_command_changes_nothing(desk: Desk, text, wrong, right):
    """The reply says what is wrong and what would be right, and only the person sees it."""
    await desk.service("worker01")
    before = await desk.inspect("worker01")
    answer = await desk.answer(text)
    assert wrong in answer
    assert right in answer
    assert ("othing was changed" in answer) is (wrong != "sclae")
    assert await desk.inspect("worker01") == before
    assert not [m for m in desk.slack.workspace.messages.values() if is_job(m)]
    assert len(desk.slack.workspace.shown_to("U0ANN00001")) == 1


async def test_a_viewer_can_read_but_not_change(desk: Desk):
    """People who are not in BOT_OPERATORS get the status and cannot change anything."""
    await desk.service("worker01")
    before = await desk.inspect("worker01")
    assert "operator" in await desk.answer("scale 3", user=BOB)
    assert await desk.inspect("worker01") == before
    assert "worker01" in await desk.answer("status", user=BOB)


async def test_help_lists_exactly_the_existing_commands(desk: Desk):
    """Help is generated from the table of commands."""
    answer = await desk.answer("help")
    offered = set(re.findall(r"`/orochi (\w+)", answer))
    assert offered == {row.name for row in COMMANDS}
    assert "scale django 2" in await desk.answer("help scale")


async def test_status_shows_the_whole_stack(desk: Desk):
    """Services with running/desired, what is unhealthy and why, nodes, running jobs."""
    await desk.service("django", replicas=2)
    await desk.service("worker01", "crash", "0", "7", running=0)
    await desk.service("es01", running=0, options=("--constraint", "node.labels.disk == ssd"))
    await desk.lab_settled("worker01")
    await desk.type("scale django 3")
    answer = await desk.answer("status")
    assert "django" in answer
    assert "es01" in answer
    assert "0/1" in answer
    assert "no suitable node" in answer
    assert "7" in answer
    assert "photon-machine-01" in answer
    assert "live data" in answer
    one = await desk.answer("status django")
    assert "photon-machine" in one


async def test_status_of_an_unknown_stack(empty_desk: Desk):
    """For a wrong stack name, the reply says so and suggests the right one."""
    await empty_desk.start_bot(BOT_STACK="nothing")
    answer = await empty_desk.answer("status")
    assert "nothing" in answer


async def test_jobs_lists_running_and_finished_jobs(desk: Desk):
    """A finished job is listed with its verdict, requester and id."""
    await desk.service("worker01", options=("--update-monitor", "1s"))
    message = await desk.job("scale 2")
    answer = await desk.answer("jobs")
    assert message.payload["job_id"] in answer
    assert "scale worker01 2 · converged" in answer
    assert f"<@{OPERATOR}>" in answer


async def test_no_job_starts_in_a_channel_without_the_bot(desk: Desk):
    """In a channel without the bot, only the person is told how to invite it; nothing changes."""
    await desk.service("worker01")
    before = await desk.inspect("worker01")
    delivery = await desk.slack.command("/orochi", "scale 3", channel="C0SECRET01")
    assert delivery.ok
    message = await desk.told(lambda m: "invite" in m.shown_text.lower())
    assert "othing was changed" in message.shown_text
    assert await desk.inspect("worker01") == before


async def test_the_verdict_mentions_the_requester(desk: Desk):
    """The mention is in the thread of the job's message, once."""
    await desk.service("worker01", options=("--update-monitor", "1s"))
    message = await desk.job("scale 2")
    reply = await desk.slack.wait_for_message(
        lambda m: m.thread_ts == message.ts and m is not message, channel=SWARM
    )
    assert "<@U0ANN00001>" in reply.text
    assert not [
        m for m in desk.slack.workspace.messages.values() if finished(m) and m is not message
    ]


async def test_the_bot_works_in_http_mode(empty_desk: Desk):
    """The bot in HTTP mode gets signed requests and reaches the same verdict."""
    desk = empty_desk
    await desk.service("worker01", options=("--update-monitor", "1s"))
    bot = await desk.start_bot(
        SLACK_APP_TOKEN="", SLACK_SIGNING_SECRET=desk.slack.tokens.signing_secret
    )
    desk.slack.request_url = f"http://127.0.0.1:{bot.port}/slack/events"
    message = await desk.job("scale 2")
    assert message.payload["verdict"] == "converged"
    assert "worker01" in await desk.answer("status")


async def test_a_viewer_cannot_use_buttons(desk: Desk):
    """A viewer who clicks a button of somebody else's job is refused, and the job continues."""
    await desk.service("worker01", options=("--update-monitor", "4s"))
    await desk.type("scale 2")
    message = await desk.slack.wait_for_message(
        lambda m: is_job(m) and m.payload["running"] == 2, timeout=20
    )
    await desk.slack.press(message, "job.cancel", user=BOB)
    refusal = await desk.told(lambda m: "operator" in m.shown_text, user=BOB)
    assert "othing was changed" in refusal.shown_text
    await desk.slack.wait_for_message(finished, timeout=30)
    assert message.payload["verdict"] == "converged"
