"""``ps``, ``logs``, ``nodes`` and ``volumes`` with the whole bot on a real swarm."""

from __future__ import annotations

import asyncio
import re

import pytest

from bot.views.slack.phone import LINE, displayed
from playground.slack import SlackEmulator
from playground.slack.web_api import BOT_SCOPES, Tokens
from tests.desk import OPERATOR, STACK, Desk
from tests.lab import images
from tests.lab.redis import RedisServer
from tests.lab.swarm import Lab
from tests.lab.waiting import wait_until
from tests.swarm.alerting import QUIET, incident

BOB = "U0BOB00001"
CHATTER = (
    'i=0; while [ $i -lt {count} ]; do i=$((i+1)); echo "line $i of $HOSTNAME"; done; exec serve'
)


_OUT_OF_TIME = ("took too long", "did not answer in time", "No answer within")


async def logged(desk: Desk, name: str, text: str) -> None:
    """Wait until the engine returns a line of a service's log."""

    def told() -> bool:
        return text in desk.lab.docker("service", "logs", "--raw", f"{STACK}_{name}")

    await asyncio.to_thread(wait_until, told, f"the log of {name}", seconds=20)


async def sent(desk: Desk, typed: str) -> str:
    """The answer to a command that sends a file; asked again where the bot ran out of time."""
    async with asyncio.timeout(60):
        while True:
            answer = await desk.answer(typed)
            if desk.slack.workspace.files:
                return answer
            assert any(words in answer for words in _OUT_OF_TIME), answer


async def test_ps_shows_trouble_first_and_earlier_failures_last(desk: Desk):
    """The lines fit a phone; equal failures are one line; the table has Docker's columns."""
    await desk.service("django", replicas=2)
    await desk.service("worker01", "crash", "0", "7", running=0)
    await desk.lab_settled("worker01")
    answer = await desk.answer("ps", user=BOB)
    title, *lines = answer.split("\n")
    assert re.match(r"\*orochi\*: 2/\d tasks running", title)
    text = "\n".join(lines)
    assert re.search(r"🟢 django\.1 · m-0[123] · running \d+ (s|min)$", text, re.MULTILINE)
    assert re.search(r"🔴 worker01.* exit 7", text[text.index("*Before:*") :])
    assert all(displayed(line) <= LINE for line in lines if line[:1] in {*"🔴🟡🟢⚪"})
    one = await desk.answer("ps django")
    assert "worker01" not in one
    assert "django.2 · m-0" in one
    wide = await desk.answer("ps --wide")
    for word in ("NAME", "IMAGE", "NODE", "DESIRED STATE", "CURRENT STATE", "ERROR"):
        assert word in wide
    for word in ("orochi_django.1", "task: non-zero exit (7)", "lab/busy:1", "photon-machine-0"):
        assert word in wide


async def test_a_table_that_slack_refuses_is_sent_as_a_file(desk: Desk):
    """A sentence says so, and nobody else sees the file."""
    await desk.service("django", replicas=2)
    desk.slack.faults.fail("response_url", "invalid_blocks")
    answer = await sent(desk, "ps --wide")
    assert "The table is in a file in your direct messages" in answer
    (file,) = desk.slack.workspace.files.values()
    assert file.content is not None
    lines = file.content.decode().splitlines()
    assert lines[0].split()[:2] == ["NAME", "IMAGE"]
    assert sum("orochi_django." in line for line in lines) == 2


async def test_short_logs_come_in_the_message_masked(desk: Desk):
    """Lines of all tasks with slot and node, visible only to the person; secrets are masked."""
    script = "echo starting; echo DB_PASSWORD=hunter2-in-the-log; exec serve"
    await desk.service("django", "sh", "-c", script, replicas=2)
    await logged(desk, "django", "serving")
    answer = await desk.answer("logs django", user=BOB)
    for slot in (1, 2):
        assert re.search(rf"\d\d:\d\d:\d\d {slot} m-0[123] \| serving version 1", answer)
    assert "DB_PASSWORD=•••" in answer
    assert "hunter2" not in answer
    assert len(desk.slack.workspace.shown_to(BOB)) == 1
    assert not desk.slack.workspace.messages
    assert "serving version 1" in await desk.answer("logs django --since 10m --lines 1")
    assert not any("hunter2" in line for bot in desk.bots for line in bot.lines)


async def test_the_log_of_one_slot_and_of_one_word(desk: Desk):
    """The title names the source, so the lines have the time only."""
    await desk.service("django", replicas=2)
    label = f"--label=com.docker.stack.namespace={STACK}"
    options = ("--detach", "--no-resolve-image", "--mode=global", label)
    named = (f"--name={STACK}_everywhere", images.BUSY, "serve")
    await desk.docker("service", "create", *options, *named)
    await logged(desk, "django", "serving")
    await logged(desk, "everywhere", "serving")
    one = await desk.answer("logs django.2", user=BOB)
    assert re.search(r"^\*orochi_django\.2\* on m-0[123]: \d+ log lines? · UTC", one, re.MULTILINE)
    assert re.search(r"^\d\d:\d\d:\d\d serving version 1", one, re.MULTILINE)
    assert "`django` has no slot 3.\nIts slots: 1, 2." in await desk.answer("logs django.3")
    node = await desk.answer("logs everywhere.m-02")
    assert node.startswith("*orochi_everywhere* on m-02: ")
    found = await desk.answer("logs django --grep SERVING version")
    assert re.match(r"\*orochi_django\*: 2 of the last \d+ lines contain `SERVING version`", found)
    none = await desk.answer("logs django --grep nowhere")
    assert re.match(r"None of the last \d+ log lines of \*orochi_django\* contains `nowhere`", none)


async def test_long_logs_are_sent_as_a_file_to_the_person_only(desk: Desk):
    """The message has the end, a direct message has all of it; nobody else sees it."""
    script = CHATTER.format(count=900) + "; echo token=hunter2"
    await desk.service("worker01", "sh", "-c", script)
    await logged(desk, "worker01", "line 900")
    answer = await sent(desk, "logs worker01 --lines 800")
    assert "of 800 log lines" in answer
    assert "direct message" in answer
    assert "line 900" in answer
    (file,) = desk.slack.workspace.files.values()
    assert file.content is not None
    lines = file.content.decode().splitlines()
    assert len(lines) == 800
    assert "line 900 of" in "\n".join(lines[-2:])
    (channel,) = file.channels
    direct = desk.slack.workspace.channels[channel]
    assert direct.is_direct
    assert OPERATOR in direct.members


async def test_long_logs_without_the_scope_say_so_and_show_the_end(
    lab: Lab, redis_server: RedisServer
):
    """The app was installed before the bot needed this scope."""
    tokens = Tokens(scopes=BOT_SCOPES - {"files:write"})
    async with SlackEmulator(strict=True, tokens=tokens) as slack:
        desk = Desk(slack, lab, redis_server)
        await desk.start_bot()
        await desk.service("worker01", "sh", "-c", CHATTER.format(count=900))
        await logged(desk, "worker01", "line 900")
        answer = await desk.answer("logs worker01 --lines 800")
        assert "files:write" in answer
        assert "line 900" in answer
        await desk.close()


async def test_logs_of_an_unknown_service(desk: Desk):
    """An unknown service is refused; for a service without output the reply says so."""
    await desk.service("django", "sleep", "3600")
    assert "Did you mean" in await desk.answer("logs djnago")
    assert "No log lines" in await desk.answer("logs django")


async def test_logs_of_a_service_without_running_tasks(desk: Desk):
    """The log of a task that has ended is read, because its node keeps the container.

    After a scale to 0 the swarm forgets the tasks as soon as they have stopped, and their logs with
    them.
    """
    options = ("--restart-condition", "none")
    await desk.service("django", "echo", "the-end", options=options, running=0)
    await logged(desk, "django", "the-end")

    def ended() -> bool:
        return "Complete" in desk.lab.docker("service", "ps", f"{STACK}_django")

    await asyncio.to_thread(wait_until, ended, "the end of the task")
    answer = await desk.answer("logs django")
    assert "the-end" in answer
    assert "Reference for the log" not in answer


async def test_long_lines_are_complete_in_the_file(desk: Desk):
    """The message shows a cut line with a mark, and says where the whole line is."""
    script = "head -c 40000 /dev/zero | tr '\\0' x; echo; echo the-end; exec serve"
    await desk.service("django", "sh", "-c", script)
    await logged(desk, "django", "the-end")
    answer = await sent(desk, "logs django")
    (file,) = desk.slack.workspace.files.values()
    assert file.content is not None
    assert "x" * 40000 in file.content.decode()
    assert "direct message" in answer
    assert "xxx…" in answer


async def test_logs_while_a_node_is_lost(desk: Desk):
    """The logs of the other nodes are shown, with a note that some are missing."""
    await desk.service("django", replicas=3)
    lost = desk.lab.node("photon-machine-03")
    await asyncio.to_thread(desk.lab.stop_node, lost)
    await asyncio.to_thread(desk.lab.wait_node_state, lost, "down")
    await asyncio.to_thread(desk.lab.wait_running, "orochi_django", 3)
    answer = await desk.answer("logs django", seconds=30)
    assert "m-01 | serving version 1" in answer
    assert "m-02 | serving version 1" in answer
    assert "⚠️" in answer


async def test_nodes_are_listed_with_what_is_free(desk: Desk):
    """A line for each fits a phone; the table has Docker's columns."""
    here = "--constraint=node.hostname!=photon-machine-03"  # it is drained, which takes time
    options = (here, "--reserve-memory", "64M", "--reserve-cpu", "0.5")
    await desk.service("worker01", options=options)
    await desk.docker("node", "update", "--availability", "drain", "photon-machine-03")
    answer = await desk.answer("nodes", user=BOB)
    assert "2 ready for tasks" in answer
    assert re.search(r"^🟢 \*m-01\* · ready · \d tasks? · .* GiB free$", answer, re.MULTILINE)
    assert re.search(r"^⚪ \*m-03\* · drained · 0 tasks", answer, re.MULTILINE)
    leader = desk.lab.leader.name.replace("photon-machine", "m")
    assert re.search(rf"^Managers: .*\b{leader} \(leader\)", answer, re.MULTILINE)
    wide = await desk.answer("nodes --wide")
    for title in ("HOSTNAME", "STATUS", "AVAILABILITY", "MANAGER STATUS", "ENGINE VERSION"):
        assert title in wide
    for word in ("photon-machine-01", "Leader", "Drain", "TASKS", "CPU FREE", "MEMORY FREE", " *"):
        assert word in wide


async def test_one_job_one_node_and_one_incident_in_detail(empty_desk: Desk):
    """Each is found by what the lists name, and links its message."""
    desk = empty_desk
    await desk.start_bot(**QUIET)
    await desk.service("django", replicas=2)
    message = await desk.job("scale django 3")
    job = message.payload["job_id"]
    shown = await desk.answer(f"jobs {job}", user=BOB)
    for words in ("Converged: scale django to 3", "Service: django", "took", "Its message"):
        assert words in shown
    assert f"/archives/{message.channel}/p{message.ts.replace('.', '')}|{job}>" in (
        await desk.answer("jobs")
    )
    unknown = await desk.answer("jobs zzzzzz")
    assert "There is no job `zzzzzz`" in unknown
    assert f"`{job}`" in unknown

    await desk.service("worker01", "crash", "0", "7", running=0)
    alert = await incident(desk, "orochi_worker01")
    found = alert.payload["incident_id"]
    async with asyncio.timeout(20):  # that it was posted is saved a moment later
        while "Its message" not in (shown := await desk.answer(f"incidents {found}", user=BOB)):
            assert f"Incident `{found}`" in shown
    for words in ("Exit 7", "slot 1", "on photon-machine-0"):
        assert words in shown
    assert f"p{alert.ts.replace('.', '')}|{found}>" in await desk.answer("incidents")
    assert "There is no incident `zzzzzz`" in await desk.answer("incidents zzzzzz")

    nodes = [await desk.answer(f"nodes m-0{number}", user=BOB) for number in (1, 2, 3)]
    assert any("worker01 · exit 7" in each for each in nodes)
    for number, node in enumerate(nodes, 1):
        assert f"photon-machine-0{number}: ready, active" in node
        assert "CPU: 0 reserved" in node
    assert "There is no node `m-09`" in await desk.answer("nodes m-09")


async def test_volumes_say_whether_their_nfs_servers_answer(desk: Desk):
    """Placeholders, servers that answer or refuse, services that mount them, and local volumes."""
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    closed = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    refusing = closed.sockets[0].getsockname()[1]
    closed.close()
    await closed.wait_closed()
    await desk.service("guide", running=0, options=nfs("media", "addr=nfs_server_ip,rw"))
    await desk.service("good", running=0, options=nfs("data", f"addr=127.0.0.1,port={port}"))
    await desk.service("bad", running=0, options=nfs("symbols", f"addr=127.0.0.1,port={refusing}"))
    await desk.service("db", options=("--mount", "type=volume,source=orochi_db,target=/db"))
    answer = await desk.answer("volumes", user=BOB)
    server.close()
    await server.wait_closed()
    assert "`nfs_server_ip` is a placeholder" in answer
    assert f"answers on TCP {port}" in answer
    assert f"refuses connections on TCP {refusing}" in answer
    assert "4 volumes, 2 unhealthy" in answer
    assert "orochi_db" in answer
    assert "Used by db `/db`" in answer


async def test_a_volume_that_exists_with_other_options(desk: Desk):
    """Docker silently keeps a volume's first options: the reply says so."""
    engine = desk.lab.manager
    await asyncio.to_thread(
        engine.client().create_volume,
        "orochi_media", driver_opts={"type": "tmpfs", "device": "tmpfs"},
    )  # fmt: skip
    mount = "type=volume,source=orochi_media,target=/m,volume-opt=type=none,volume-opt=o=bind"
    await desk.service("django", running=0, options=("--mount", mount))
    answer = await desk.answer("volumes")
    assert "has other options" in answer
    assert "`tmpfs`" in answer


@pytest.mark.parametrize("text", ["ps", "nodes", "volumes", "logs worker01"])
async def test_an_unreachable_engine_is_reported_in_a_sentence(empty_desk: Desk, text):
    """No command hangs, and no result is invented."""
    await empty_desk.start_bot(DOCKER_HOST="unix:///nowhere/docker.sock")
    assert "cannot be reached" in await empty_desk.answer(text)


def nfs(name: str, options: str) -> tuple[str, ...]:
    """The options of an NFS volume on a service that no node can run: it is never mounted here."""
    driver = f'"volume-opt=o={options}"'
    mount = (
        f"type=volume,source=orochi_{name},target=/{name},volume-driver=local,"
        f"volume-opt=type=nfs,{driver},volume-opt=device=:/{name}"
    )
    return ("--constraint", "node.labels.nowhere == yes", "--mount", mount)
