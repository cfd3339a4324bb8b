"""``run``: commands once, in containers like those of a service, on a real swarm."""

from __future__ import annotations

import asyncio
from typing import Any

from playground.slack import Message
from tests.desk import Desk, finished
from tests.lab.waiting import wait_until
from tests.swarm.test_scale import said, verdict


def one_offs(desk: Desk) -> list[dict[str, Any]]:
    """The services of one-off tasks."""
    found: list[dict[str, Any]] = desk.lab.client().services(filters={"label": "orochi-bot.run"})
    return found


async def removed(desk: Desk) -> None:
    """Wait until no service of a one-off task is left."""
    await asyncio.to_thread(wait_until, lambda: not one_offs(desk), "their removal", seconds=60)


def files(desk: Desk, message: Message) -> list[str]:
    """The texts of the files in a message's thread."""
    replies = desk.slack.workspace.messages.values()
    shared = [f for each in replies if each.thread_ts == message.ts for f in each.files]
    return [file.content.decode() for file in shared if file.content and file.name.endswith(".log")]


async def test_a_command_completes_with_its_output(desk: Desk) -> None:
    """It has the service's environment and network; the service itself is left alone."""
    await desk.docker("network", "create", "--driver=overlay", "inside")
    options = ("--env=GREETING=hello there", "--network=inside", "--health-cmd=true")
    await desk.service("web", options=options)
    before = await desk.inspect("web")

    message = await desk.job("run web -- sh -c 'echo \"$GREETING\"; seq 1 40; echo $0' 'two words'")

    assert verdict(message) == "completed", said(message)
    assert "The command ended with exit 0." in said(message)
    assert "The end of the output" in said(message)
    assert "two words" in said(message)
    (output,) = files(desk, message)
    assert output.splitlines() == ["hello there", *map(str, range(1, 41)), "two words"]
    await removed(desk)
    assert await desk.inspect("web") == before
    assert "web" in await desk.answer("status")


async def test_a_command_that_fails_has_its_exit_code(desk: Desk) -> None:
    await desk.service("web")

    failed = await desk.job("run web -- sh -c 'echo no such table; exit 3'")
    absent = await desk.job("run web -- no-such-program --flag")

    assert verdict(failed) == "failed"
    assert "The command ended with exit 3" in said(failed)
    assert "no such table" in said(failed)
    assert verdict(absent) == "failed"
    assert "no-such-program" in said(absent)
    await removed(desk)


async def test_a_command_that_does_not_end_is_stopped(desk: Desk) -> None:
    """By a person, with what it said until then."""
    await desk.service("web")
    await desk.type("run web -- sh -c 'echo begun; sleep 600'")
    running = await desk.slack.wait_for_message(
        lambda m: m.payload.get("action") == "run" and m.payload["running"] == 1, timeout=30
    )

    (own,) = await asyncio.to_thread(one_offs, desk)
    refused = await desk.answer(f"restart {own['Spec']['Name']}")
    assert f"is the command of job `{running.payload['job_id']}`" in refused

    await desk.slack.press(running, "job.cancel")

    ended = await desk.slack.wait_for_message(lambda m: m is running and finished(m), timeout=30)
    assert verdict(ended) == "cancelled"
    assert "The command was told to stop." in said(ended)
    assert "begun" in said(ended)
    await removed(desk)


async def test_a_killed_bots_command_is_followed_to_its_end_and_removed(empty_desk: Desk) -> None:
    """Another replica goes on in the same message; the command runs once."""
    desk = empty_desk
    await desk.service("web")
    first = await desk.start_bot()
    await desk.type("run web -- sh -c 'echo once; sleep 4; echo done'")
    message = await desk.slack.wait_for_message(
        lambda m: m.payload.get("action") == "run" and m.payload["running"] == 1, timeout=30
    )
    (made,) = await asyncio.to_thread(one_offs, desk)

    await desk.start_bot()
    await first.kill()

    await desk.slack.wait_for_message(lambda m: m is message and finished(m), timeout=60)
    assert verdict(message) == "completed", said(message)
    assert said(message).count("once\ndone") == 1
    assert made["Spec"]["Labels"]["orochi-bot.run-of"] == "orochi_web"
    await removed(desk)


async def test_what_is_left_of_a_job_that_has_ended_is_removed(desk: Desk) -> None:
    """Its worker was killed after the verdict: the service is named after a job that is over."""
    await desk.service("web")
    done = await desk.job("run web -- true")
    await removed(desk)
    job = done.payload["job_id"]
    options = (f"--label=orochi-bot.run={job}", "--mode=replicated-job")

    await asyncio.to_thread(desk.lab.create_service, f"orochi_run-{job}", "serve", options=options)

    await removed(desk)


async def test_a_command_gets_the_secrets_and_not_the_alias(desk: Desk) -> None:
    """The files of its secrets are there; other containers do not find it by the service's name."""
    await asyncio.to_thread(desk.lab.docker, "secret", "create", "key", "-", stdin="a kite")
    await desk.docker("network", "create", "--driver=overlay", "inside")
    options = ("--secret=key", "--network=name=inside,alias=www", "--mount=type=tmpfs,target=/x")
    await desk.service("web", options=options)

    message = await desk.job("run web -- sh -c 'wc -c < /run/secrets/key; touch /x/y && echo made'")

    assert verdict(message) == "completed", said(message)
    assert "6\nmade" in said(message)
    await removed(desk)


async def test_the_time_limit_stops_a_command(empty_desk: Desk) -> None:
    desk = empty_desk
    desk.settings |= {"BOT_RUN_SECONDS": "10"}
    await desk.start_bot()
    await desk.service("web")

    message = await desk.job("run web -- sh -c 'echo begun; sleep 600'")

    assert verdict(message) == "timed_out"
    assert "The command was told to stop." in said(message)
    assert "begun" in said(message)
    await removed(desk)


async def test_long_output_has_its_true_end(desk: Desk) -> None:
    """Many lines, and one line that is longer than a message; the bot answers meanwhile."""
    await desk.service("web")

    lines = await desk.job("run web -- sh -c 'yes again | head -n 40000; echo the end'")
    line = await desk.job("run web -- sh -c 'head -c 300000 /dev/zero | tr \"\\0\" x; echo y'")

    assert "again\nthe end" in said(lines)
    assert "The end of the output" in said(lines)
    assert files(desk, lines)[0].splitlines()[-2:] == [
        "the end",
        "[Only the newest 4 MiB could be read.]",
    ]
    assert "xxxy" in said(line)
    assert "The end of the output" in said(line)
    assert len(files(desk, line)[0]) > 300_000


SAYS_GOODBYE = (
    'run web -- sh -c \'trap "echo stopping; sleep 1; echo goodbye; exit 0" TERM; echo begun;'
    " while true; do sleep 0.2; done'"
)


async def test_what_a_command_says_when_it_is_stopped_is_read(desk: Desk) -> None:
    """Its handler of the signal prints, after the service is gone."""
    await desk.service("web")
    await desk.type(SAYS_GOODBYE)
    running = await desk.slack.wait_for_message(
        lambda m: m.payload.get("action") == "run" and m.payload["running"] == 1, timeout=30
    )

    await desk.slack.press(running, "job.cancel")

    ended = await desk.slack.wait_for_message(lambda m: m is running and finished(m), timeout=40)
    assert verdict(ended) == "cancelled"
    assert "begun\nstopping\ngoodbye" in said(ended)
    await removed(desk)


async def test_a_command_whose_node_is_lost_fails(desk: Desk) -> None:
    """The swarm starts no other task, and marks this one only after a day."""
    lost = next(
        node
        for node in desk.lab.nodes
        if node is not desk.lab.leader and node.socket != desk.settings["DOCKER_HOST"]
    )
    await desk.service("web", options=(f"--constraint=node.hostname=={lost.name}",))
    await desk.type("run web -- sleep 600")
    running = await desk.slack.wait_for_message(
        lambda m: m.payload.get("action") == "run" and m.payload["running"] == 1, timeout=30
    )

    await asyncio.to_thread(desk.lab.stop_node, lost)

    await desk.slack.wait_for_message(
        lambda m: m is running and f"waiting for {lost.name}, which is down" in said(m), timeout=40
    )
    ended = await desk.slack.wait_for_message(lambda m: m is running and finished(m), timeout=120)
    assert verdict(ended) == "failed"
    assert f"The node {lost.name} was lost before the task ended" in said(ended)
    assert "Check what it did before you run it again" in said(ended)
    await removed(desk)
