"""``python -m bot check`` reports for each part whether it works or what is missing."""

from __future__ import annotations

import asyncio
import io
import os
import re
import sys
from contextlib import redirect_stdout
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.__main__ import main
from bot.check import check
from bot.settings import load
from playground.slack import SlackEmulator
from tests.desk import settings_for
from tests.lab.redis import RedisServer


async def start_check(settings: dict[str, str]) -> tuple[int, str]:
    """Run the check as a process with only these settings; returns exit code and output."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "check",
        env={"PATH": os.environ["PATH"], **settings},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, output.decode()


async def run_check(settings: dict[str, str]) -> tuple[int, str]:
    """Run the check within this process; returns exit code and output."""
    output = io.StringIO()
    with redirect_stdout(output):
        code = await check(load(settings, secrets_dir=None))
    return code, output.getvalue()


async def test_missing_parts_are_named(redis_server):
    """Slack and Redis answer, Docker does not: exit code 1, one line for each part."""
    async with SlackEmulator() as slack:
        settings = settings_for(slack, redis_server.url, "unix:///nowhere/docker.sock")
        code, output = await start_check(settings)
    lines = output.splitlines()
    assert code == 1
    assert [line.split(":")[0] for line in lines] == [
        "ok      Slack",
        "ok      Slack requests",
        "ok      Redis",
        "MISSING Docker",
        "ok      changes",
        "ok      registries",
        "ok      operators",
        "ok      alerts",
        "ok      stacks",
    ]
    assert "/nowhere/docker.sock" in lines[3]


async def test_a_missing_control_socket_is_not_an_error(redis_server, tmp_path):
    """The output says that changes are polled then, why, and how to mount the socket."""
    async with SlackEmulator() as slack:
        settings = settings_for(slack, redis_server.url, "unix:///nowhere/docker.sock")
        path = str(tmp_path / "control.sock")
        _, output = await run_check({**settings, "BOT_CONTROL_SOCKET": path})
    (line,) = [line for line in output.splitlines() if "changes:" in line]
    assert line.startswith("ok      changes: polled: push is not available.")
    assert f"no engine control socket at {path}" in line
    assert "Mount the folder" in line


async def test_an_alerts_channel_without_the_bot_is_named(redis_server):
    """The output says how to invite the bot; once it is a member, that alerts are posted there."""
    async with SlackEmulator() as slack:
        settings = settings_for(slack, redis_server.url, "unix:///nowhere/docker.sock")
        said = {}
        for channel in ("C0LOUNGE01", "C0NOWHERE1", "C0ALERTS01"):
            _, output = await run_check({**settings, "BOT_ALERTS_CHANNEL": channel})
            (said[channel],) = [line for line in output.splitlines() if "alerts:" in line]
    assert said["C0LOUNGE01"].startswith("MISSING alerts: channel C0LOUNGE01: ")
    assert "/invite @orochi" in said["C0LOUNGE01"]
    assert "channel_not_found" in said["C0NOWHERE1"]
    assert said["C0ALERTS01"] == "ok      alerts: posted in channel C0ALERTS01, for all stacks"


async def test_a_wrong_token_is_reported_in_a_sentence(redis_server):
    """Slack refuses both tokens; the output contains no token."""
    async with SlackEmulator() as slack:
        settings = settings_for(slack, redis_server.url, "unix:///nowhere/docker.sock")
        settings |= {"SLACK_BOT_TOKEN": "xoxb-wrong", "SLACK_APP_TOKEN": "xapp-wrong"}
        code, output = await run_check(settings)
    assert code == 1
    assert output.splitlines()[0].startswith("MISSING Slack:")
    assert output.splitlines()[1].startswith("MISSING Slack requests:")
    assert "wrong" not in output


def test_wrong_settings_are_listed_and_stop_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """All wrong settings are listed at once, with a specific exit code."""
    monkeypatch.delenv("SLACK_BOT_TOKEN", raising=False)
    monkeypatch.setenv("SLACK_APP_TOKEN", "x")
    monkeypatch.setenv("BOT_HTTP_PORT", "no")
    assert main(["check"]) == 2
    written = capsys.readouterr()
    assert written.out == ""
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "BOT_HTTP_PORT"):
        assert name in written.err


async def test_a_wrong_redis_password_is_not_reported_as_an_outage(tmp_path):
    """Redis answers and refuses: the sentence names the setting."""
    with RedisServer(tmp_path, password="right") as redis:
        async with SlackEmulator() as slack:
            url = redis.url.replace("right", "other")
            settings = settings_for(slack, url, "unix:///nowhere/docker.sock")
            _, output = await run_check(settings)
    assert re.search(r"MISSING Redis: redis://[\w.:/]+: Redis refuses the bot's password", output)
    assert "other" not in output


async def test_unknown_scopes_are_not_reported_as_sufficient(redis_server):
    """If the header with the scopes is empty, the check does not know whether they suffice."""
    async with SlackEmulator() as slack:
        settings = settings_for(slack, redis_server.url, "unix:///nowhere/docker.sock")
        _, told = await run_check(settings)
        slack.web_api.tokens = replace(slack.tokens, scopes=frozenset())
        _, untold = await run_check(settings)
    assert "with every scope it needs" in told.splitlines()[0]
    assert untold.splitlines()[0].endswith("Slack did not report its scopes")


async def test_a_missing_scope_is_named_with_what_does_not_work(redis_server):
    async with SlackEmulator() as slack:
        settings = settings_for(slack, redis_server.url, "unix:///nowhere/docker.sock")
        slack.tokens.scopes = slack.tokens.scopes - {"app_mentions:read"}
        code, output = await run_check(settings)

    assert code == 1
    assert output.splitlines()[0] == (
        "MISSING Slack: the bot token lacks the scopes app_mentions:read (commands that begin with"
        " the bot's name). Reinstall the app from slack-manifest.yml."
    )


async def test_the_folder_of_stacks_is_checked(redis_server, tmp_path):
    """The check counts the stacks that can be deployed; a missing folder is reported."""
    (tmp_path / "shop.yml").write_text("services: {}")
    async with SlackEmulator() as slack:
        settings = settings_for(slack, redis_server.url, "unix:///nowhere/docker.sock")
        said = {}
        for path in ("", str(tmp_path), "/nowhere/stacks"):
            _, output = await run_check({**settings, "BOT_STACKS_DIR": path})
            (said[path],) = [line for line in output.splitlines() if " stacks:" in line]
    assert said[""] == "ok      stacks: deploys are off (BOT_STACKS_DIR is empty)"
    assert said[str(tmp_path)] == f"ok      stacks: 1 can be deployed from {tmp_path}: shop"
    assert said["/nowhere/stacks"].startswith("MISSING stacks: The folder with the stack files")


async def test_why_slack_cannot_be_reached_is_reported(redis_server):
    """A name that no DNS server knows, a proxy that is away, and a refused connection."""
    async with SlackEmulator() as slack:
        settings = settings_for(slack, redis_server.url, "unix:///nowhere/docker.sock")
    refused = {**settings, "SLACK_API_URL": "http://127.0.0.1:1/api/"}
    unknown = {**settings, "SLACK_API_URL": "http://nowhere.invalid/api/"}
    proxy = {"http_proxy": "http://127.0.0.1:1"}
    unknown_proxy = {"http_proxy": "http://u:p@no-proxy.invalid:3128"}
    said = []
    for given in (refused, unknown, unknown | proxy, unknown | unknown_proxy):
        _, output = await start_check(given)
        said.append(output.splitlines()[0])
    assert said[0].startswith("MISSING Slack: Slack cannot be reached (auth.test)")
    assert "the connection was refused" in said[0]
    assert "cannot be resolved (DNS)" in said[1]
    assert "the proxy does not answer" in said[2]
    assert "HTTPS_PROXY" in said[2]
    assert "the name of the proxy cannot be resolved (DNS). Check HTTPS_PROXY" in said[3]


async def test_an_answer_that_is_not_slacks_is_reported_as_such(redis_server):
    """The login page of a network answers every request, with 200."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<html>Log in</html>", content_type="text/html")

    application = web.Application()
    application.router.add_post("/{path:.*}", page)
    async with SlackEmulator() as slack, TestServer(application) as portal:
        settings = settings_for(slack, redis_server.url, "unix:///nowhere/docker.sock")
        _, output = await run_check({**settings, "SLACK_API_URL": str(portal.make_url("/api/"))})
    assert output.splitlines()[0] == (
        "MISSING Slack: The answer to auth.test has no JSON (HTTP 200), so it is not Slack's. "
        "Does a proxy, a firewall or a login page of the network answer instead?"
    )


async def test_redis_is_named_by_its_address_without_the_password(redis_server):
    """The same with and without an answer."""
    async with SlackEmulator() as slack:
        said = []
        for url in (redis_server.url, "redis://ann:hidden@127.0.0.1:1/0"):
            settings = settings_for(slack, url, "unix:///nowhere/docker.sock")
            _, output = await run_check(settings)
            said += [line for line in output.splitlines() if " Redis:" in line]
    assert said[0] == f"ok      Redis: answers at {redis_server.url}"
    assert said[1].startswith("MISSING Redis: redis://127.0.0.1:1/0: Redis does not answer")
    assert "hidden" not in said[1]


async def test_why_redis_cannot_be_reached_is_reported():
    """A closed port and a name that no DNS server knows are not the same."""
    said = []
    async with SlackEmulator() as slack:
        for url in ("redis://127.0.0.1:1/0", "redis://no-redis.invalid:6379/0"):
            settings = settings_for(slack, url, "unix:///nowhere/docker.sock")
            _, output = await run_check(settings)
            said += [line for line in output.splitlines() if " Redis:" in line]
    assert "The connection was refused. Check the port in REDIS_URL" in said[0]
    assert "Its name cannot be resolved (DNS). Check REDIS_URL" in said[1]


async def test_misspelt_settings_and_missing_operators_are_reported(redis_server):
    """An empty list of operators is no more than a bot that nobody can use."""
    async with SlackEmulator() as slack:
        settings = settings_for(slack, redis_server.url, "unix:///nowhere/docker.sock")
        settings |= {"BOT_OPERATORS": "", "BOT_OPERATOR": "U1"}
        _, output = await start_check(settings)
    lines = output.splitlines()
    assert lines[0] == (
        "MISSING settings: BOT_OPERATOR is not a setting. Did you mean BOT_OPERATORS?"
    )
    (operators,) = [line for line in lines if " operators:" in line]
    assert operators.startswith("MISSING operators: BOT_OPERATORS is empty, so nobody can make")
